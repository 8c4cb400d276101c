/* SPDX-License-Identifier: GPL-2.0 */
/* Which system calls open files, and how. */
#pragma once

#include "identity.h"
#include "syscalls.h"

/* As the architecture has them; include/uapi/asm-generic/fcntl.h. */
#define O_ACCMODE 00000003
#define O_CREAT 00000100
#define O_EXCL 00000200
#define O_NOCTTY 00000400
#define O_TRUNC 00001000
#define O_CLOEXEC 02000000
/* What the kernel takes from a file's flags when it is open, and what never stands in them. */
#define CREATION_FLAGS (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)

/* First bytes of struct open_how. */
struct how {
	__u64 flags;
};

/* Of the flags that a system call was given those that no file keeps. */
static __always_inline __u32 how_flags(unsigned long address)
{
	struct how how = {};

	/* the caller's memory: it may have changed since */
	bpf_probe_read_user(&how, sizeof(how), (void *)address);
	return how.flags & CREATION_FLAGS;
}

#if defined(__TARGET_ARCH_x86)
/* Numbers and registers of 32-bit system calls. */
#define IA32_OPEN 5
#define IA32_CREAT 8
#define IA32_OPENAT 295
#define IA32_OPEN_BY_HANDLE_AT 342
#define IA32_OPENAT2 437

/* Whether a system call opens a file; then its creation flags. */
static __always_inline bool opens_file(struct pt_regs *regs, struct task_struct *task, __u32 *flags)
{
	unsigned long number = BPF_CORE_READ(regs, orig_ax);

	if (BPF_CORE_READ(task, thread_info.status) & TS_COMPAT) {
		if (number == IA32_OPENAT || number == IA32_OPEN_BY_HANDLE_AT)
			*flags = BPF_CORE_READ(regs, dx);
		else if (number == IA32_OPEN)
			*flags = BPF_CORE_READ(regs, cx);
		else if (number == IA32_CREAT)
			*flags = O_CREAT | O_TRUNC;
		else if (number == IA32_OPENAT2)
			*flags = how_flags((__u32)BPF_CORE_READ(regs, dx));
		else
			return false;
		return true;
	}
	number &= ~X32_BIT;
	if (number == __NR_openat || number == __NR_open_by_handle_at)
		*flags = BPF_CORE_READ(regs, dx);
	else if (number == __NR_open)
		*flags = BPF_CORE_READ(regs, si);
	else if (number == __NR_openat2)
		*flags = how_flags(BPF_CORE_READ(regs, dx));
	else if (number == __NR_creat)
		*flags = O_CREAT | O_TRUNC;
	else
		return false;
	return true;
}
#elif defined(__TARGET_ARCH_arm64)
/* Whether a system call opens a file; then its creation flags. 32-bit ones are not seen. */
static __always_inline bool opens_file(struct pt_regs *regs, struct task_struct *task, __u32 *flags)
{
	int number = BPF_CORE_READ(regs, syscallno);

	if (BPF_CORE_READ(task, thread_info.flags) & TIF_32BIT)
		return false;
	if (number == __NR_openat || number == __NR_open_by_handle_at)
		*flags = BPF_CORE_READ(regs, regs[2]);
	else if (number == __NR_openat2)
		*flags = how_flags(BPF_CORE_READ(regs, regs[2]));
	else
		return false;
	return true;
}
#endif
