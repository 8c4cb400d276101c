/* SPDX-License-Identifier: GPL-2.0 */
/* Reads what was opened, at the end of the system calls that open. */
#pragma once

#include "file.h"
#include "overlay.h"
#include <bpf/bpf_core_read.h>
#include <asm/unistd.h>

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

static __always_inline void read_identity(struct file_identity *to, struct file *file,
					  __u32 creation_flags)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u32 device = BPF_CORE_READ(inode, i_sb, s_dev);

	to->inode = BPF_CORE_READ(inode, i_ino);
	to->device_major = KERNEL_MAJOR(device);
	to->device_minor = KERNEL_MINOR(device);
	to->links = BPF_CORE_READ(inode, i_nlink);
	to->uid = BPF_CORE_READ(inode, i_uid.val);
	to->gid = BPF_CORE_READ(inode, i_gid.val);
	to->mode = BPF_CORE_READ(inode, i_mode);
	to->flags = BPF_CORE_READ(file, f_flags) | creation_flags;
	to->marks = in_upper_layer(inode) ? FILE_UPPER : 0;
}

/* A file of the current task's, by descriptor. */
static __always_inline struct file *file_of(struct task_struct *task, __u32 fd)
{
	struct file **files = BPF_CORE_READ(task, files, fdt, fd), *file = NULL;

	if (fd >= BPF_CORE_READ(task, files, fdt, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

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
#define X32_BIT 0x40000000

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
