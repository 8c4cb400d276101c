/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Paths as system calls were given them, where the kernel's own are not to be had: at the end of a call that removed, moved
 * or made a name. The directory that the path starts from is walked by the kernel's dentries, `.`, `..` and empty names are
 * taken out; what links stand in the directories between is not known. The text is the caller's memory, which another
 * thread may have changed since. How a path was found is told by the file's marks.
 */
#pragma once

#include "looks.h"
#include "open.h"

#define AT_FDCWD (-100)
#define AT_REMOVEDIR 0x200

/* Bytes looked at per call, and calls: together the longest path that a system call takes. */
#define GIVEN_STEPS 64
#define GIVEN_CALLS 64
/* A path that leads farther up than this is not followed. */
#define GIVEN_ABOVE 64

/* The text being taken apart from its end. Lies where the record is made afterwards. */
struct given_path {
	__u32 at; /* bytes [0..at) are still to be looked at */
	__u32 end; /* of the name that is being looked at */
	__u32 above; /* how many of the names before are taken away by `..` */
	__u32 names; /* other than `.` and `..` */
	__u32 done;
	__u32 absolute;
	char text[PATH_BYTES];
};

static __always_inline struct given_path *given_path_in(struct path_slot *slot)
{
	return (struct given_path *)slot->act.record;
}

static __always_inline char given_byte(struct given_path *given, __u32 at)
{
	return given->text[at & (PATH_BYTES - 1)];
}

/* The name that begins at `start` and ends where the last one began. */
static __always_inline void given_name(struct path_slot *slot, struct given_path *given,
				       __u32 start)
{
	__u32 len = given->end - start;

	if (!len || (len == 1 && given_byte(given, start) == '.'))
		return;
	if (len == 2 && given_byte(given, start) == '.' && given_byte(given, start + 1) == '.') {
		given->above++;
		return;
	}
	given->names++;
	if (given->above) {
		given->above--;
		return;
	}
	path_prepend(&slot->walk, len,
		     (const unsigned char *)given->text + (start & (PATH_BYTES - 1)));
}

/* A global function: the verifier looks at its loop once. */
__noinline int given_names(__u32 number)
{
	struct path_slot *slot = path_slot_at(number);
	struct given_path *given;

	if (!slot)
		return 0;
	given = given_path_in(slot);
	for (int i = 0; i < GIVEN_STEPS; i++) {
		__u32 at = given->at;

		if (!at) {
			given_name(slot, given, 0);
			given->done = 1;
			return 0;
		}
		at -= 1;
		given->at = at;
		if (given_byte(given, at) == '/') {
			given_name(slot, given, at + 1);
			given->end = at;
		}
	}
	return 0;
}

/* One directory up, without its name. */
static __always_inline void given_up(struct path_walk *walk)
{
	struct dentry *dentry = (void *)walk->dentry;
	struct vfsmount *mount = (void *)walk->mount;

	if (walk->dentry == walk->root_dentry && walk->mount == walk->root_mount)
		return;
	if (dentry == BPF_CORE_READ(mount, mnt_root)) {
		struct mount *self = (void *)mount - bpf_core_field_offset(struct mount, mnt);

		walk->dentry = (__u64)BPF_CORE_READ(self, mnt_mountpoint);
		walk->mount = (__u64)BPF_CORE_READ(self, mnt_parent) +
			      bpf_core_field_offset(struct mount, mnt);
		dentry = (void *)walk->dentry;
	}
	walk->dentry = (__u64)BPF_CORE_READ(dentry, d_parent);
}

/* From where the path's names stop: the directory that they are below. */
__noinline int given_directory(__u32 number, __s32 dirfd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct path_slot *slot = path_slot_at(number);
	struct given_path *given;
	struct path_walk *walk;
	struct dentry *dentry;
	struct inode *inode;
	struct file *file;

	if (!slot)
		return 0;
	walk = &slot->walk;
	given = given_path_in(slot);
	if (given->absolute) {
		walk->dentry = walk->root_dentry;
		walk->mount = walk->root_mount;
	} else if (dirfd == AT_FDCWD) {
		walk->dentry = (__u64)BPF_CORE_READ(task, fs, pwd.dentry);
		walk->mount = (__u64)BPF_CORE_READ(task, fs, pwd.mnt);
	} else {
		file = file_of(task, dirfd);
		if (!file) {
			slot->file.marks |= FILE_UNREAD;
			return 0;
		}
		walk->dentry = (__u64)BPF_CORE_READ(file, f_path.dentry);
		walk->mount = (__u64)BPF_CORE_READ(file, f_path.mnt);
	}
	for (int i = 0; i < GIVEN_ABOVE; i++) {
		if (!given->above)
			break;
		given->above--;
		given_up(walk);
	}
	dentry = (void *)walk->dentry;
	inode = BPF_CORE_READ(dentry, d_inode);
	if (!given->names && inode)
		read_inode(&slot->file, inode);
	if (!given->absolute && !BPF_CORE_READ(dentry, d_hash.pprev) &&
	    BPF_CORE_READ(dentry, d_parent) != dentry)
		walk->marks |= PATH_DELETED;
	return 0;
}

/*
 * What a system call was given: `pointer` is the path in the caller's memory, `dirfd` a descriptor or AT_FDCWD. A slot's
 * number, 0 when none is free.
 */
__noinline __u32 look_at_given(__s32 dirfd, __u64 pointer)
{
	__u32 number = path_slot_claim();
	struct path_slot *slot = path_slot_at(number);
	struct given_path *given;
	struct path_walk *walk;
	long length;

	if (!slot)
		return 0;
	walk = &slot->walk;
	given = given_path_in(slot);
	__builtin_memset(&slot->file, 0, sizeof(slot->file));
	look_from(walk, 0);
	walk->pos = PATH_BYTES;
	walk->marks = walk->done = 0;
	length = bpf_probe_read_user_str(given->text, PATH_BYTES, (void *)pointer);
	given->at = given->end = length > 0 ? length - 1 : 0;
	given->above = given->names = given->done = 0;
	given->absolute = given_byte(given, 0) == '/' && length > 1;
	if (length <= 0) {
		slot->file.marks = FILE_UNREAD;
		path_slot_settle(slot);
		return number;
	}
	for (int i = 0; i < GIVEN_CALLS && !given->done; i++)
		given_names(number);
	given_directory(number, dirfd);
	if (!(slot->file.marks & FILE_UNREAD))
		path_walk_on(walk, number);
	if (given->names)
		slot->file.marks |= given->names > 1 ? FILE_GIVEN : FILE_NAMED;
	path_slot_settle(slot);
	return number;
}
