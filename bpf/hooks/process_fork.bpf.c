// SPDX-License-Identifier: GPL-2.0
/* Processes made by fork, vfork and clone; threads are not told. */
#include "hook.h"

struct process_fork_record {
	struct act act DOC("act");
	struct process_key child DOC("the new process");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 0
#include "hook_run.h"

char LICENSE[] SEC("license") = "GPL";

__noinline __u32 match_fork(void)
{
	struct match_event event = {.hook = HOOK_PROCESS_FORK};

	if (!match_begin(&event))
		return event.verdict;
	return act_verdict(&event, match_end(&event));
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork_tp, struct task_struct *source, struct task_struct *child)
{
	struct process_fork_record *record;
	__u32 verdict;

	if (child->pid != child->tgid || !match_asked(HOOK_PROCESS_FORK))
		return 0;
	verdict = match_fork();
	record = act_record(&verdict, RECORD_PROCESS_FORK);
	if (record)
		process_key_of(&record->child, child);
	act_end(verdict, RECORD_PROCESS_FORK, sizeof(*record), child->pid);
	return 0;
}
#endif
