/* SPDX-License-Identifier: GPL-2.0 */
/* Reads what a task is: identity, credentials, namespaces, cgroups, the executed file. */
#pragma once

#include "overlay.h"
#include "path_walk.h"
#include <bpf/bpf_core_read.h>

/*
 * Index (enum cgroup_subsys_id) of a controller whose v1 hierarchy names containers, -1 where the v2 hierarchy does: the
 * line's number in /proc/cgroups, from 0.
 */
const volatile __s32 container_subsystem = -1;

#define READ_CAPABILITIES(cred, set)                                                \
	(bpf_core_field_exists(((struct cred *)0)->set.val)                         \
		 ? (cred)->set.val                                                  \
		 : ((__u64)((struct cred___before_6_3 *)(cred))->set.cap[1] << 32 | \
		    ((struct cred___before_6_3 *)(cred))->set.cap[0]))

static __always_inline void read_credentials(struct credentials *to, struct task_struct *task)
{
	const struct cred *cred = task->real_cred;

	to->uid = cred->uid.val;
	to->gid = cred->gid.val;
	to->euid = cred->euid.val;
	to->egid = cred->egid.val;
	to->suid = cred->suid.val;
	to->sgid = cred->sgid.val;
	to->fsuid = cred->fsuid.val;
	to->fsgid = cred->fsgid.val;
	/* without CONFIG_AUDIT nobody keeps it: unset */
	to->auid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : (__u32)-1;
	to->securebits = cred->securebits;
	to->cap_effective = READ_CAPABILITIES(cred, cap_effective);
	to->cap_permitted = READ_CAPABILITIES(cred, cap_permitted);
	to->cap_inheritable = READ_CAPABILITIES(cred, cap_inheritable);
	to->cap_bounding = READ_CAPABILITIES(cred, cap_bset);
	to->cap_ambient = READ_CAPABILITIES(cred, cap_ambient);
}

/* The namespace that the task's own pid is in, which unshare and setns leave as it was. */
static __always_inline __u32 pid_namespace_of(struct task_struct *task)
{
	/* read as a number: before 6.2 or so the verifier lets nothing unbounded be added to a pointer that it knows */
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct pid_namespace *ns = NULL;
	__u32 level;

	if (!pid)
		return 0;
	level = BPF_CORE_READ(pid, level);
	bpf_probe_read_kernel(&ns, sizeof(ns),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, ns));
	return BPF_CORE_READ(ns, ns.inum);
}

static __always_inline void read_namespaces(struct namespaces *to, struct task_struct *task)
{
	struct nsproxy *proxy = task->nsproxy;

	__builtin_memset(to, 0, sizeof(*to));
	to->user = task->real_cred->user_ns->ns.inum;
	to->pid = pid_namespace_of(task);
	if (!proxy)
		return;
	to->uts = proxy->uts_ns->ns.inum;
	to->ipc = proxy->ipc_ns->ns.inum;
	to->mnt = proxy->mnt_ns->ns.inum;
	to->pid_for_children = proxy->pid_ns_for_children->ns.inum;
	to->net = proxy->net_ns->ns.inum;
	to->time = proxy->time_ns->ns.inum;
	to->cgroup = proxy->cgroup_ns->ns.inum;
}

static __always_inline __u64 cgroup_id_of(struct task_struct *task)
{
	return task->cgroups->dfl_cgrp->kn->id;
}

static __always_inline __u64 cgroup_v1_id_of(struct task_struct *task)
{
	struct cgroup_subsys_state *state = NULL;

	if (container_subsystem < 0)
		return 0;
	bpf_probe_read_kernel(&state, sizeof(state),
			      (void *)task->cgroups +
				      bpf_core_field_offset(struct css_set, subsys) +
				      container_subsystem * sizeof(state));
	return BPF_CORE_READ(state, cgroup, kn, id);
}

static __always_inline void read_file(struct binary_file *to, struct inode *inode)
{
	__u32 device = inode->i_sb->s_dev;

	to->inode = inode->i_ino;
	to->device_major = KERNEL_MAJOR(device);
	to->device_minor = KERNEL_MINOR(device);
	to->links = inode->i_nlink;
	to->uid = inode->i_uid.val;
	to->gid = inode->i_gid.val;
	to->mode = inode->i_mode;
}

/* All but the executed file; no flags and no tails yet. */
static __always_inline void read_image(struct process_image *to, struct task_struct *task)
{
	struct tty_struct *tty = task->signal->tty;

	process_key_of(&to->key, task);
	process_key_of(&to->parent, task->real_parent);
	read_credentials(&to->credentials, task);
	read_namespaces(&to->namespaces, task);
	to->cgroup_id = cgroup_id_of(task);
	to->cgroup_v1_id = cgroup_v1_id_of(task);
	to->tty[0] = 0;
	if (tty)
		bpf_probe_read_kernel_str(to->tty, sizeof(to->tty), tty->name);
	bpf_probe_read_kernel(to->comm, sizeof(to->comm), task->comm);
	to->flags = 0;
	to->arguments_bytes = 0;
	to->caller_tid = task->pid;
	to->binary_len = 0;
	to->cwd_len = 0;
	to->script_len = 0;
	to->previous_len = 0;
	to->arguments_len = 0;
	to->reserved = 0;
}

/* Marks of a binary whose path was just walked. */
static __always_inline __u32 binary_marks(const struct path_walk *walk)
{
	__u32 flags = 0;

	if (walk->marks & PATH_TRUNCATED)
		flags |= PROCESS_BINARY_TRUNCATED;
	if (walk->marks & PATH_DELETED)
		flags |= PROCESS_BINARY_DELETED;
	if (walk->marks & PATH_ANONYMOUS)
		return flags | PROCESS_MEMFD | PROCESS_BINARY_DELETED;
	return walk->marks & PATH_UNREACHABLE ? flags | PROCESS_BINARY_UNREACHABLE : flags;
}

/* Marks of a working directory whose path was just walked. */
static __always_inline __u32 cwd_marks(const struct path_walk *walk)
{
	__u32 flags = 0;

	if (walk->marks & PATH_TRUNCATED)
		flags |= PROCESS_CWD_TRUNCATED;
	if (walk->marks & PATH_DELETED)
		flags |= PROCESS_CWD_DELETED;
	return walk->marks & PATH_UNREACHABLE ? flags | PROCESS_CWD_UNREACHABLE : flags;
}

/*
 * Where the next tail goes, which begins within the first `limit` bytes: those that the tails before it may take. How many
 * they took (`used`) is kept in memory and not in a register: what older verifiers know of a sum goes wrong on ways that
 * cannot be (its least above its most), and the place is no pointer any more. Read from memory it is bounded anew.
 */
static __always_inline char *tail_at(char *tail, const __u32 *used, const __u32 limit)
{
	__u32 pos = *(const volatile __u32 *)used;

	/* or clang compares a copy, and older kernels do not see that they are the same */
	barrier_var(pos);
	if (pos > limit)
		return tail;
	return tail + pos;
}

#define TAIL_AT(scratch, limit) tail_at((scratch)->tail, &(scratch)->used, limit)

/* How many bytes of arguments a record carries, at most ARGUMENT_BYTES. */
const volatile __u32 argument_bytes = ARGUMENT_BYTES;

/* Bytes of arguments to read from mm->arg_start on, at most ARGUMENT_BYTES; the whole length goes into the image. */
static __always_inline __u32 argument_span(struct process_image *image, struct task_struct *task)
{
	__u64 whole = task->mm->arg_end - task->mm->arg_start;
	__u32 take = argument_bytes;

	image->arguments_bytes = whole;
	if (whole < take)
		take = whole;
	else if (whole > take)
		image->flags |= PROCESS_ARGUMENTS_TRUNCATED;
	return take > ARGUMENT_BYTES ? ARGUMENT_BYTES : take;
}
