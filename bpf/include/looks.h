/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looks at what a hook is about: claims a slot, reads into it what the file is and its path, and returns the slot's number; 0
 * when none is free. Global functions (verified once, each with its own stack) that take no pointers, which before 5.12 they
 * cannot: number_of makes a number of one.
 */
#pragma once

#include "identity.h"
#include "path_slot.h"

enum look_how {
	/* The path from the root of the mount namespace, not from the process's own. */
	LOOK_NAMESPACE_ROOT = 1 << 0,
};

/* A pointer as a number of which the verifier knows nothing. */
static __always_inline __u64 number_of(const void *pointer)
{
	__u64 number = (__u64)pointer;

	bpf_probe_read_kernel(&number, sizeof(number), &number);
	return number;
}

static __always_inline void look_from(struct path_walk *walk, __u32 how)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mount *root;

	if (!(how & LOOK_NAMESPACE_ROOT)) {
		path_root_untyped(walk, task);
		return;
	}
	root = BPF_CORE_READ(task, nsproxy, mnt_ns, root);
	walk->root_dentry = (__u64)BPF_CORE_READ(root, mnt.mnt_root);
	walk->root_mount = (__u64)root + bpf_core_field_offset(struct mount, mnt);
}

/* An open file. */
__noinline __u32 look_at_file(__u64 address, __u32 creation_flags)
{
	struct file *file = (struct file *)address;
	__u32 number = path_slot_claim();
	struct path_slot *slot = path_slot_at(number);

	if (!slot)
		return 0;
	read_identity(&slot->file, file, creation_flags);
	look_from(&slot->walk, 0);
	path_walk_untyped(&slot->walk, number, __builtin_preserve_access_index(&file->f_path));
	path_slot_settle(slot);
	return number;
}

/* A file by its dentry and the mount (struct vfsmount) that it is reached by: that of its directory's path. */
__noinline __u32 look_at_dentry(__u64 address, __u64 mount, __u32 how)
{
	struct dentry *dentry = (struct dentry *)address;
	__u32 number = path_slot_claim();
	struct path_slot *slot = path_slot_at(number);
	struct inode *inode;

	if (!slot)
		return 0;
	inode = BPF_CORE_READ(dentry, d_inode);
	if (inode)
		read_inode(&slot->file, inode);
	else
		__builtin_memset(&slot->file, 0, sizeof(slot->file));
	look_from(&slot->walk, how);
	path_walk_dentry(&slot->walk, number, dentry, (struct vfsmount *)mount);
	path_slot_settle(slot);
	return number;
}

/* What a struct path leads to. */
static __always_inline __u32 look_at_path(__u64 address, __u32 how)
{
	struct path *path = (struct path *)address;

	return look_at_dentry((__u64)BPF_CORE_READ(path, dentry), (__u64)BPF_CORE_READ(path, mnt),
			      how);
}
