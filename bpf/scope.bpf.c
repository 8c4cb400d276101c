// SPDX-License-Identifier: GPL-2.0
/* A new cgroup lies in the scopes that its parent lies in, exempt ones too. */
#include "proc_state.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* Hierarchies of v1 number their cgroups too; only the v2 one, hierarchy 0, is meant. */
static __always_inline bool is_v2(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, root, hierarchy_id) == 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_made, struct cgroup *cgroup, const char *path)
{
	__u64 id = BPF_CORE_READ(cgroup, kn, id);
	__u64 parent = BPF_CORE_READ(cgroup, self.parent, cgroup, kn, id);
	struct cgroup_mark *mark, inherited;

	if (!is_v2(cgroup))
		return 0;
	mark = bpf_map_lookup_elem(&cgroup_marks, &parent);
	if (!mark)
		return 0;
	inherited.set = mark->set;
	inherited.flags = mark->flags;
	bpf_map_update_elem(&cgroup_marks, &id, &inherited, BPF_ANY);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_removed, struct cgroup *cgroup, const char *path)
{
	__u64 id = BPF_CORE_READ(cgroup, kn, id);

	if (is_v2(cgroup))
		bpf_map_delete_elem(&cgroup_marks, &id);
	return 0;
}
