/* SPDX-License-Identifier: GPL-2.0 */
/* Reads what a file is. */
#pragma once

#include "file.h"
#include "overlay.h"
#include <bpf/bpf_core_read.h>

static __always_inline void read_inode(struct file_identity *to, struct inode *inode)
{
	__u32 device = BPF_CORE_READ(inode, i_sb, s_dev);

	to->inode = BPF_CORE_READ(inode, i_ino);
	to->device_major = KERNEL_MAJOR(device);
	to->device_minor = KERNEL_MINOR(device);
	to->links = BPF_CORE_READ(inode, i_nlink);
	to->uid = BPF_CORE_READ(inode, i_uid.val);
	to->gid = BPF_CORE_READ(inode, i_gid.val);
	to->mode = BPF_CORE_READ(inode, i_mode);
	to->flags = NO_FLAGS;
	to->marks = in_upper_layer(inode) ? FILE_UPPER : 0;
}

static __always_inline void read_identity(struct file_identity *to, struct file *file,
					  __u32 creation_flags)
{
	read_inode(to, BPF_CORE_READ(file, f_inode));
	to->flags = BPF_CORE_READ(file, f_flags) | creation_flags;
	if (BPF_CORE_READ(file, f_mode) & FMODE_CREATED)
		to->marks |= FILE_CREATED;
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
