/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which system call a thread is in, and what it was given, from its registers: at the call's beginning and at its end alike.
 * A program at sys_exit comes at every call's end: it compares the number before it looks at anything else.
 */
#pragma once

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <asm/unistd.h>

/* For an architecture that has not this call. */
#define NO_SYSCALL (-1)

#if defined(__TARGET_ARCH_x86)
/* Of x32 programs: the same calls and registers. */
#define X32_BIT 0x40000000

static __always_inline bool syscall_is_compat(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
}

/* Whether this is the system call `native` of 64-bit programs or `compat` of 32-bit ones (int 0x80 too). */
static __always_inline bool syscall_is(struct pt_regs *regs, long native, long compat)
{
	long number = regs->orig_ax & ~X32_BIT;

	if (number != native && number != compat)
		return false;
	return number == (syscall_is_compat() ? compat : native);
}

/* Argument 0 to 5 of the system call. */
static __always_inline __u64 syscall_arg(struct pt_regs *regs, const __u32 which)
{
	if (syscall_is_compat())
		return (__u32)(which == 0   ? regs->bx
			       : which == 1 ? regs->cx
			       : which == 2 ? regs->dx
			       : which == 3 ? regs->si
			       : which == 4 ? regs->di
					    : regs->bp);
	return which == 0   ? regs->di
	       : which == 1 ? regs->si
	       : which == 2 ? regs->dx
	       : which == 3 ? regs->r10
	       : which == 4 ? regs->r8
			    : regs->r9;
}
#elif defined(__TARGET_ARCH_arm64)
static __always_inline bool syscall_is_compat(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread_info.flags) & TIF_32BIT;
}

/* Calls of 32-bit programs are not seen: their numbers are others than those of x86. */
static __always_inline bool syscall_is(struct pt_regs *regs, long native, long compat)
{
	return regs->syscallno == native && !syscall_is_compat();
}

/* The first one is where the result stands at the end. */
static __always_inline __u64 syscall_arg(struct pt_regs *regs, const __u32 which)
{
	return which ? regs->regs[which] : regs->orig_x0;
}
#endif
