// SPDX-License-Identifier: GPL-2.0
/*
 * A new cgroup lies in the scopes that its parent lies in, exempt ones too; that of a container which the agent has been
 * told of lies in the container's scopes as well, before anything can run in it. Each is told to the agent.
 */
#include "proc_state.h"
#include "cgroup.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define CGROUP_NAME_BYTES 256

/* Number of the v1 hierarchy that names containers, where v2 does not; -1 when there is none. */
const volatile int container_hierarchy = -1;

/* The mark that the container's cgroup gets. Written by the agent for containers that the runtime has announced. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct expected_container);
	__type(value, struct cgroup_mark);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} expected_containers SEC(".maps");

struct cgroup_scratch {
	struct cgroup_record record;
	char path[CGROUP_PATH_BYTES];
};

/* Cgroups are made and removed one at a time, under the kernel's cgroup_mutex. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cgroup_scratch);
} cgroup_scratch SEC(".maps");

static __always_inline int hierarchy_of(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, root, hierarchy_id);
}

/* Whether `at` begins with the text, which is shorter than eight bytes. */
static __always_inline bool begins(const char *at, const char *text, __u32 length)
{
	char there[8] = {};

	if (bpf_probe_read_kernel(there, length & 7, at))
		return false;
	for (__u32 i = 0; i < length; i++)
		if (there[i] != text[i])
			return false;
	return true;
}

/*
 * The id that a container runtime gave the cgroup's name: its last 64 bytes (`docker-<id>`), without `.scope`. The cgroup
 * of a monitor process (`crio-conmon-<id>`) is not the container's. What is no id is in no map.
 */
static __always_inline bool container_id(struct cgroup *cgroup, char *id)
{
	const char *name = BPF_CORE_READ(cgroup, kn, name);
	char text[CGROUP_NAME_BYTES];
	long length = bpf_probe_read_kernel_str(text, sizeof(text), name) - 1;

	if (length > CONTAINER_ID_BYTES + 6 && begins(name + length - 6, ".scope", 6))
		length -= 6;
	if (length < CONTAINER_ID_BYTES)
		return false;
	length -= CONTAINER_ID_BYTES;
	if (length >= 7 && begins(name + length - 7, "conmon-", 7))
		return false;
	return bpf_probe_read_kernel(id, CONTAINER_ID_BYTES, name + length) == 0;
}

/* What the new cgroup inherits and, when it is an announced container's, what it is expected to lie in. */
static __always_inline void mark_new(struct cgroup *cgroup, __u64 id)
{
	__u64 parent = BPF_CORE_READ(cgroup, self.parent, cgroup, kn, id);
	struct cgroup_mark *found, mark = {};
	struct expected_container expected;

	found = bpf_map_lookup_elem(&cgroup_marks, &parent);
	if (found)
		mark = *found;
	if (container_id(cgroup, expected.id)) {
		expected.parent_set = mark.set;
		found = bpf_map_lookup_elem(&expected_containers, &expected);
		if (found) {
			mark.set = found->set;
			mark.flags |= found->flags;
		}
	}
	if (mark.set || mark.flags)
		bpf_map_update_elem(&cgroup_marks, &id, &mark, BPF_ANY);
}

static __always_inline void tell(__u64 id, int hierarchy, const char *path, __u8 change)
{
	__u32 zero = 0;
	struct cgroup_scratch *scratch = bpf_map_lookup_elem(&cgroup_scratch, &zero);
	struct cgroup_record *record;
	__u32 length = 0;
	long read;

	if (!scratch)
		return;
	record = &scratch->record;
	read = bpf_probe_read_kernel_str(scratch->path, CGROUP_PATH_BYTES, path);
	/* cut short, it would be another cgroup's */
	if (read > 1 && read < CGROUP_PATH_BYTES)
		length = read - 1;
	/* for kernels before 6.12, which do not see that it is so */
	barrier_var(length);
	length &= CGROUP_PATH_BYTES - 1;
	record->header.kind = RECORD_CGROUP;
	record->header.reserved = 0;
	record->header.size = sizeof(*record) + length;
	record->header.time = bpf_ktime_get_boot_ns();
	record->id = id;
	record->hierarchy = hierarchy;
	record->path_len = length;
	record->change = change;
	record->reserved = 0;
	if (bpf_ringbuf_output(&events, record, sizeof(*record) + length, BPF_RB_NO_WAKEUP))
		record_lost(RECORD_CGROUP);
	else
		record_wake();
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_made, struct cgroup *cgroup, const char *path)
{
	__u64 id = BPF_CORE_READ(cgroup, kn, id);
	int hierarchy = hierarchy_of(cgroup);

	/* hierarchies of v1 number their cgroups too; marks are of the v2 one */
	if (hierarchy == 0)
		mark_new(cgroup, id);
	if (hierarchy == 0 || hierarchy == container_hierarchy)
		tell(id, hierarchy, path, CGROUP_MADE);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(cgroup_removed, struct cgroup *cgroup, const char *path)
{
	__u64 id = BPF_CORE_READ(cgroup, kn, id);
	int hierarchy = hierarchy_of(cgroup);

	if (hierarchy == 0)
		bpf_map_delete_elem(&cgroup_marks, &id);
	if (hierarchy == 0 || hierarchy == container_hierarchy)
		tell(id, hierarchy, path, CGROUP_REMOVED);
	return 0;
}
