// SPDX-License-Identifier: GPL-2.0
/*
 * The root of a mount namespace that is changed: pivot_root(2). Where no hook of the kernel has the paths they are read at
 * the call's beginning, since at its end the ways to both are others.
 */
#include "hook.h"

struct pivot_root_record {
	struct act act DOC("act");
	char path[0] LEN("act.path_len") FMT("path") DOC("the new root, from the root before");
	char other[0] LEN("act.other_len") FMT("path")
		DOC("where the root before is put, from the root before");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 3
#include "call.h"
#include "given_path.h"

char LICENSE[] SEC("license") = "GPL";

#define OPERAND_NEW_ROOT MATCH_OWN(0) /* exact, prefix, suffix */

/* Addresses: of both paths in the kernel, or in the caller's memory where `given`. */
__noinline __u32 match_pivot_root(__u64 new_root, __u64 put_old, __u32 given)
{
	struct match_event event = {.hook = HOOK_PIVOT_ROOT};
	__u32 verdict, second = 0;

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = given ? look_at_given(AT_FDCWD, new_root) : look_at_path(new_root, 0);
	match_own_text(&event, OPERAND_NEW_ROOT);
	verdict = match_end(&event);
	if (verdict & MATCH_POSTS)
		second = given ? look_at_given(AT_FDCWD, put_old) : look_at_path(put_old, 0);
	return act_verdict2(&event, verdict, second);
}

static __always_inline __u32 on_pivot_root(__u64 new_root, __u64 put_old, __u32 given)
{
	__u32 verdict = match_pivot_root(new_root, put_old, given);

	act_record(&verdict, RECORD_PIVOT_ROOT);
	return act_end(verdict, RECORD_PIVOT_ROOT, sizeof(struct pivot_root_record), ACT_WAITS);
}

HOOK_TRIPLE(pivot_root, sb_pivotroot, security_sb_pivotroot, struct path *put_old,
	    struct path *new_root)
{
	if (!match_asked(HOOK_PIVOT_ROOT))
		return MATCH_PASS;
	return on_pivot_root(number_of(new_root), number_of(put_old), false);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(pivot_root_sys_enter, struct pt_regs *regs, long number)
{
	if (!syscall_is(regs, __NR_pivot_root, IA32_pivot_root) || !match_asked(HOOK_PIVOT_ROOT))
		return 0;
	on_pivot_root(syscall_arg(regs, 0), syscall_arg(regs, 1), true);
	return 0;
}
#endif
