/* SPDX-License-Identifier: GPL-2.0 */
/* System calls that change files by name, by number: of 64-bit programs in <asm/unistd.h>, of 32-bit ones on x86-64 here. */
#pragma once

#include "given_path.h"

#define EACCES 13
#define EROFS 30

#define IA32_LINK 9
#define IA32_UNLINK 10
#define IA32_CHMOD 15
#define IA32_LCHOWN16 16
#define IA32_RENAME 38
#define IA32_MKDIR 39
#define IA32_RMDIR 40
#define IA32_SYMLINK 83
#define IA32_TRUNCATE 92
#define IA32_FTRUNCATE 93
#define IA32_FCHMOD 94
#define IA32_FCHOWN16 95
#define IA32_CHOWN16 182
#define IA32_TRUNCATE64 193
#define IA32_FTRUNCATE64 194
#define IA32_LCHOWN 198
#define IA32_FCHOWN 207
#define IA32_CHOWN 212
#define IA32_MKDIRAT 296
#define IA32_FCHOWNAT 298
#define IA32_UNLINKAT 301
#define IA32_RENAMEAT 302
#define IA32_LINKAT 303
#define IA32_SYMLINKAT 304
#define IA32_FCHMODAT 306
#define IA32_RENAMEAT2 353

/* Calls that younger architectures have not, and that older headers do not name. */
#ifndef __NR_link
#define __NR_link NO_SYSCALL
#endif
#ifndef __NR_unlink
#define __NR_unlink NO_SYSCALL
#endif
#ifndef __NR_rmdir
#define __NR_rmdir NO_SYSCALL
#endif
#ifndef __NR_mkdir
#define __NR_mkdir NO_SYSCALL
#endif
#ifndef __NR_symlink
#define __NR_symlink NO_SYSCALL
#endif
#ifndef __NR_rename
#define __NR_rename NO_SYSCALL
#endif
#ifndef __NR_renameat
#define __NR_renameat NO_SYSCALL
#endif
#ifndef __NR_chmod
#define __NR_chmod NO_SYSCALL
#endif
#ifndef __NR_chown
#define __NR_chown NO_SYSCALL
#endif
#ifndef __NR_lchown
#define __NR_lchown NO_SYSCALL
#endif
/* Since 6.6 (09da082b07bb), on all architectures. */
#define NR_FCHMODAT2 452

/* Of the ends of a call those that are told: it was done, or refused for lack of rights. Not what was not there. */
static __always_inline bool act_counts(long result)
{
	return result >= 0 || result == -EPERM || result == -EACCES || result == -EROFS;
}

/*
 * The same as syscall_is and syscall_arg by the registers' address as a number, for global functions. The frames of a program
 * and of what it calls may have 512 bytes together, of which the matcher takes most: a program here keeps no arguments, and
 * looks at a path in a function of its own.
 */
static __always_inline bool call_is(__u64 regs, long native, long compat)
{
#if defined(__TARGET_ARCH_x86)
	long number = BPF_CORE_READ((struct pt_regs *)regs, orig_ax) & ~X32_BIT;

	return number == (syscall_is_compat() ? compat : native);
#else
	return BPF_CORE_READ((struct pt_regs *)regs, syscallno) == native && !syscall_is_compat();
#endif
}

static __always_inline __u64 call_arg(__u64 address, const __u32 which)
{
	struct pt_regs *regs = (struct pt_regs *)address;

#if defined(__TARGET_ARCH_x86)
	if (syscall_is_compat())
		return (__u32)(which == 0   ? BPF_CORE_READ(regs, bx)
			       : which == 1 ? BPF_CORE_READ(regs, cx)
			       : which == 2 ? BPF_CORE_READ(regs, dx)
			       : which == 3 ? BPF_CORE_READ(regs, si)
			       : which == 4 ? BPF_CORE_READ(regs, di)
					    : BPF_CORE_READ(regs, bp));
	return which == 0   ? BPF_CORE_READ(regs, di)
	       : which == 1 ? BPF_CORE_READ(regs, si)
	       : which == 2 ? BPF_CORE_READ(regs, dx)
	       : which == 3 ? BPF_CORE_READ(regs, r10)
	       : which == 4 ? BPF_CORE_READ(regs, r8)
			    : BPF_CORE_READ(regs, r9);
#else
	__u64 values[6];

	if (!which)
		return BPF_CORE_READ(regs, orig_x0);
	BPF_CORE_READ_INTO(&values, regs, regs);
	return values[which];
#endif
}

/* The mount of a path, as a number. */
static __always_inline __u64 mount_of(const struct path *path)
{
	return (__u64)BPF_CORE_READ(path, mnt);
}

/* The dentry of a path, as a number. */
static __always_inline __u64 dentry_of(const struct path *path)
{
	return (__u64)BPF_CORE_READ(path, dentry);
}

/* A file of the current task's, by descriptor, as a number; 0: none. */
__noinline __u64 file_at(__u32 fd)
{
	return (__u64)file_of((struct task_struct *)bpf_get_current_task(), fd);
}
