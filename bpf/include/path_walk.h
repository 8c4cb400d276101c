/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The path of a dentry as the task's own root sees it, walked upwards through mounts: what bpf_d_path does where it may be
 * called, which tracepoints are not. Whoever includes this defines path_walk_buffer() first.
 */
#pragma once

#include "process.h"
#include <bpf/bpf_core_read.h>

#define NAME_BYTES 255

/*
 * Components walked through typed pointers, each read being a plain load; and behind them or behind a mount, by probe reads,
 * so many per call and so many calls: 2,048 components are the most that PATH_BYTES can hold.
 */
#define NEAR_COMPONENTS 24
#define FAR_COMPONENTS 64
#define FAR_CALLS 32

enum path_mark {
	PATH_TRUNCATED = 1 << 0,
	PATH_DELETED = 1 << 1,
	PATH_UNREACHABLE = 1 << 2,
	PATH_ANONYMOUS = 1 << 3,
};

/*
 * All that changes from one component to the next lies here and not in registers, so that the verifier sees the same
 * state at each turn of a loop.
 */
struct path_walk {
	__u64 dentry;
	__u64 mount; /* struct vfsmount */
	__u64 root_dentry;
	__u64 root_mount;
	__u32 pos; /* the path so far is bytes[pos .. PATH_BYTES) */
	__u32 marks;
	__u32 done;
	__u32 reserved;
	char bytes[PATH_BYTES + NAME_BYTES + 1];
};

static __always_inline struct path_walk *path_walk_buffer(__u32 which);

/* Puts '/' and a name before what is there. */
static __always_inline void path_prepend(struct path_walk *walk, __u32 len,
					 const unsigned char *name)
{
	__u32 pos = walk->pos;

	if (len > NAME_BYTES)
		len = NAME_BYTES;
	if (pos < len + 1 || pos > PATH_BYTES) {
		walk->marks |= PATH_TRUNCATED;
		walk->done = 1;
		return;
	}
	pos -= len;
	barrier_var(pos);
	if (pos > PATH_BYTES)
		return;
	bpf_probe_read_kernel(walk->bytes + pos, len, name);
	pos -= 1;
	barrier_var(pos);
	if (pos >= PATH_BYTES)
		return;
	walk->bytes[pos] = '/';
	walk->pos = pos;
}

/*
 * The walk is at a root that is mounted nowhere and is not the task's. In a mount that the kernel keeps for itself (memfd,
 * pipes, namespaces) the file never had a directory, and has one name, or none: then its file system's stands for it. A
 * single file of any other such mount (runc runs itself so) still lies in its directory, and has its name.
 */
static __always_inline void path_top(struct path_walk *walk, struct dentry *dentry,
				     struct mount *mount)
{
	bool internal = (void *)BPF_CORE_READ(mount, mnt_ns) == MNT_NS_INTERNAL;
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	__u32 len = BPF_CORE_READ(dentry, d_name.len);
	char first = 0;

	walk->done = 1;
	if (walk->pos != PATH_BYTES || !internal)
		walk->marks |= PATH_UNREACHABLE;
	else
		walk->marks |= PATH_ANONYMOUS;
	if (walk->pos != PATH_BYTES)
		return;
	bpf_probe_read_kernel(&first, 1, name);
	if (!internal && BPF_CORE_READ(dentry, d_parent) == dentry)
		return;
	if (internal && (!len || first == '/')) {
		char type[16];

		name = (const unsigned char *)BPF_CORE_READ(dentry, d_sb, s_type, name);
		/* with its final zero, which is not taken */
		len = bpf_probe_read_kernel_str(type, sizeof(type), name) - 1;
		if (len >= sizeof(type))
			return;
	}
	path_prepend(walk, len, name);
}

/* One step up by probe reads: a component, or from a mount's root to where it is mounted. */
static __always_inline void path_step(struct path_walk *walk)
{
	struct dentry *dentry = (void *)walk->dentry;
	struct vfsmount *mount = (void *)walk->mount;
	struct dentry *parent;

	if (walk->dentry == walk->root_dentry && walk->mount == walk->root_mount) {
		walk->done = 1;
		return;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	if (dentry == BPF_CORE_READ(mount, mnt_root) || dentry == parent) {
		struct mount *self = (void *)mount - bpf_core_field_offset(struct mount, mnt);
		struct mount *outer = BPF_CORE_READ(self, mnt_parent);

		if (dentry == parent && dentry != BPF_CORE_READ(mount, mnt_root)) {
			/* opened by a handle, its directories not known */
			path_top(walk, dentry, self);
			return;
		}
		if (outer == self || !outer) {
			path_top(walk, dentry, self);
			return;
		}
		walk->dentry = (__u64)BPF_CORE_READ(self, mnt_mountpoint);
		walk->mount = (__u64)outer + bpf_core_field_offset(struct mount, mnt);
		return;
	}
	path_prepend(walk, BPF_CORE_READ(dentry, d_name.len), BPF_CORE_READ(dentry, d_name.name));
	walk->dentry = (__u64)parent;
}

/* A global function: the verifier looks at its loop once, however often it is called. */
__noinline int path_walk_far(__u32 which)
{
	struct path_walk *walk = path_walk_buffer(which);

	if (!walk)
		return 0;
	for (int i = 0; i < FAR_COMPONENTS; i++) {
		if (walk->done)
			return 0;
		path_step(walk);
	}
	return 0;
}

/* Walks on by probe reads until the root of the task, or a mount that is nowhere. */
static __always_inline void path_walk_on(struct path_walk *walk, __u32 which)
{
	for (int i = 0; i < FAR_CALLS && !walk->done; i++)
		path_walk_far(which);
	if (!walk->done)
		walk->marks |= PATH_TRUNCATED;
	if (walk->pos == PATH_BYTES) {
		walk->bytes[PATH_BYTES - 1] = '/';
		walk->pos = PATH_BYTES - 1;
	}
}

/* Where the walk ends: the root of a task. */
static __always_inline void path_root(struct path_walk *walk, struct fs_struct *fs)
{
	walk->root_dentry = (__u64)fs->root.dentry;
	walk->root_mount = (__u64)fs->root.mnt;
}

/* The same for a task that is not typed to the verifier. */
static __always_inline void path_root_untyped(struct path_walk *walk, struct task_struct *task)
{
	walk->root_dentry = (__u64)BPF_CORE_READ(task, fs, root.dentry);
	walk->root_mount = (__u64)BPF_CORE_READ(task, fs, root.mnt);
}

/*
 * Walks from `path` up to the root that was set before, `walk` being the buffer `which`. The path is then
 * walk->bytes[walk->pos .. PATH_BYTES), never empty. One that is longer keeps its end, without a leading '/'.
 */
static __always_inline void path_walk(struct path_walk *walk, __u32 which, struct path *path)
{
	struct dentry *dentry = path->dentry;
	struct vfsmount *mount = path->mnt;
	struct dentry *mount_root = mount->mnt_root;

	walk->mount = (__u64)mount;
	walk->pos = PATH_BYTES;
	walk->done = 0;
	walk->marks = dentry->d_hash.pprev || dentry->d_parent == dentry ? 0 : PATH_DELETED;
	for (int i = 0; i < NEAR_COMPONENTS; i++) {
		struct dentry *parent = dentry->d_parent;

		if (dentry == mount_root || dentry == parent || (__u64)dentry == walk->root_dentry)
			break;
		path_prepend(walk, dentry->d_name.len, dentry->d_name.name);
		dentry = parent;
	}
	walk->dentry = (__u64)dentry;
	path_walk_on(walk, which);
}

/* The same for a dentry and a mount that are not typed to the verifier. One that is nowhere yet was never deleted. */
static __always_inline void path_walk_dentry(struct path_walk *walk, __u32 which,
					     struct dentry *dentry, struct vfsmount *mount)
{
	walk->mount = (__u64)mount;
	walk->dentry = (__u64)dentry;
	walk->pos = PATH_BYTES;
	walk->done = 0;
	walk->marks = BPF_CORE_READ(dentry, d_hash.pprev) ||
				      BPF_CORE_READ(dentry, d_parent) == dentry ||
				      !BPF_CORE_READ(dentry, d_inode)
			      ? 0
			      : PATH_DELETED;
	path_walk_on(walk, which);
}

/* The same for a path that is not typed to the verifier. */
static __always_inline void path_walk_untyped(struct path_walk *walk, __u32 which,
					      struct path *path)
{
	path_walk_dentry(walk, which, BPF_CORE_READ(path, dentry), BPF_CORE_READ(path, mnt));
}

/*
 * Moves the path to `to`, which has room for PATH_BYTES, and returns its length, at most PATH_BYTES. The bytes after it
 * are not touched.
 */
static __always_inline __u32 path_take(struct path_walk *walk, char *to)
{
	__u32 pos = walk->pos;
	__u32 len;

	if (pos >= PATH_BYTES)
		return 0;
	len = PATH_BYTES - pos;
	barrier_var(len);
	if (len > PATH_BYTES)
		return 0;
	bpf_probe_read_kernel(to, len, walk->bytes + pos);
	return len;
}
