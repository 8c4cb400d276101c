// SPDX-License-Identifier: GPL-2.0
/* Fills the ring with records of the agent's own kinds: one exec, one fork and one exit for each turn. */
#include "made_process.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 target_tgid = 0;
const volatile __u64 getppid_number = 0;

#define TURNS 32

static __always_inline void key(struct process_key *to, __u32 tgid)
{
	to->start = bpf_ktime_get_boot_ns();
	to->self_exec_id = 3;
	to->tgid = tgid;
	to->reserved = 0;
}

static __always_inline bool turn(__u32 tgid)
{
	struct process_key own, parent;

	key(&own, tgid);
	key(&parent, 1);
	return make_fork(&own, &parent) && make_exec(&own, &parent, BINARY) && make_exit(&own);
}

SEC("raw_tp/sys_enter")
int fill(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] != getppid_number || bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return 0;
	for (__u32 i = 0; i < TURNS; i++)
		if (!turn(1000 + i))
			break;
	return 0;
}
