// SPDX-License-Identifier: GPL-2.0
/*
 * Ends the wait of records (waiting.h) when their system call ends, or their thread. One for all hooks: attached while any
 * that lets records wait is.
 */
#include "syscalls.h"
#include "process.h"
#include "waiting.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

static __always_inline void settle_all(__u32 tid, __s32 result)
{
	__u64 *kinds = bpf_map_lookup_elem(&waiting_kinds, &tid), left;
	__u32 kind;

	if (!kinds)
		return;
	left = *kinds;
	bpf_map_delete_elem(&waiting_kinds, &tid);
	for (kind = 0; kind < 64; kind++)
		if (left >> kind & 1)
			act_settle(kind, result);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(results_sys_exit, struct pt_regs *regs, long result)
{
	__u32 tid = bpf_get_current_pid_tgid();

	if (!bpf_map_lookup_elem(&waiting_kinds, &tid))
		return 0;
	/* what it returns is how many requests it took */
	if (syscall_is(regs, __NR_io_uring_enter, __NR_io_uring_enter))
		result = NO_RESULT;
	settle_all(tid, result);
	return 0;
}

/* A thread that ends in the middle of a call. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(results_thread_exit, struct task_struct *task)
{
	settle_all(bpf_get_current_pid_tgid(), NO_RESULT);
	return 0;
}
