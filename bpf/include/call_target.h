/* SPDX-License-Identifier: GPL-2.0 */
/* The process that a system call names by a number: found as the kernel finds it, in the caller's own pid namespace. */
#pragma once

#include "process.h"
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct xa_node {
	unsigned char shift;
	void *slots[64];
};

struct xarray {
	void *xa_head;
};

struct idr {
	struct xarray idr_rt;
};

struct pid_namespace___idr {
	struct idr idr;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct pid___tasks {
	struct hlist_head tasks[4];
};

struct task_struct___links {
	struct hlist_node pid_links[4];
};

#pragma clang attribute pop

/* Pids have at most 22 bits, 6 of them a level; the root's own level may have none. */
#define PID_LEVELS 5
#define PID_LEVEL_MASK 63
/* include/linux/xarray.h: the low bits of an entry that leads to a node, and what is added to its address. */
#define XA_NODE_BITS 2

/* The namespace in which the current task reads and writes pids. */
static __always_inline struct pid_namespace *pid_namespace_of_caller(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct pid_namespace *ns = NULL;
	/* 64 bits and a bound, or 5.10 does not know what is added */
	__u64 level = BPF_CORE_READ(pid, level) & 31;

	bpf_probe_read_kernel(&ns, sizeof(ns),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, ns));
	return ns;
}

/* A task by its number as the caller sees it; 0 when there is none. As a number: the verifier is to know nothing of it. */
__noinline __u64 task_of_pid(__u32 number)
{
	struct pid_namespace___idr *ns = (void *)pid_namespace_of_caller();
	__u64 entry = (__u64)BPF_CORE_READ(ns, idr.idr_rt.xa_head), first;

	/* a tree without a node has the number 0 only */
	if ((entry & 3) != XA_NODE_BITS)
		return 0;
	if (number >> BPF_CORE_READ((struct xa_node *)(entry - XA_NODE_BITS), shift) >
	    PID_LEVEL_MASK)
		return 0;
	for (int i = 0; i < PID_LEVELS; i++) {
		struct xa_node *node = (struct xa_node *)(entry - XA_NODE_BITS);
		__u64 slot;

		if ((entry & 3) != XA_NODE_BITS)
			break;
		slot = number >> BPF_CORE_READ(node, shift) & PID_LEVEL_MASK;
		entry = 0;
		bpf_probe_read_kernel(&entry, sizeof(entry),
				      (void *)node + bpf_core_field_offset(struct xa_node, slots) +
					      slot * sizeof(entry));
	}
	if (!entry || entry & 3)
		return 0;
	first = (__u64)BPF_CORE_READ((struct pid___tasks *)entry, tasks[0].first);
	return first ? first - bpf_core_field_offset(struct task_struct___links, pid_links) : 0;
}

/* The process of a task that is not typed to the verifier; all zero for none. */
static __always_inline void read_key(struct process_key *to, struct task_struct *task)
{
	__builtin_memset(to, 0, sizeof(*to));
	if (!task)
		return;
	to->start = BPF_CORE_READ(task, group_leader, start_boottime);
	to->self_exec_id = BPF_CORE_READ(task, group_leader, self_exec_id);
	to->tgid = BPF_CORE_READ(task, tgid);
}

#define PIDFS_MAGIC 0x50494446

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct inode___pidfd {
	void *i_private;
};
#pragma clang attribute pop

/* The leader of the process that a pidfd leads to, 0 for none; since 6.9 (cb12fd8e0dab) pidfds are files of their own. */
static __always_inline __u64 task_of_pidfd(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u64 pid, first;

	if (BPF_CORE_READ(inode, i_sb, s_magic) == PIDFS_MAGIC)
		pid = (__u64)BPF_CORE_READ((struct inode___pidfd *)inode, i_private);
	else
		pid = (__u64)BPF_CORE_READ(file, private_data);
	first = (__u64)BPF_CORE_READ((struct pid___tasks *)pid, tasks[0].first);
	return first ? first - bpf_core_field_offset(struct task_struct___links, pid_links) : 0;
}
