/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a thread remembers at each hook: which part is its own, and what that was made of. What can change without an exec
 * (users, capabilities, namespaces, cgroup) is compared again at each event, and an exec or another epoch (tables, marks)
 * ends it. An entry is read and written by its thread alone. Nothing here is per CPU: a program can be preempted.
 */
#pragma once

#include "match_class.h"

/* What a part is made of. All of it is the key under which it is found again: no padding. */
struct match_inputs {
	__u64 unknown; /* bits of operands */
	__u64 capabilities[2]; /* masked by what is asked for */
	__u64 lineage;
	__u32 install;
	__u32 texts[6]; /* classes */
	__u32 uid;
	__u32 gid;
	__u32 auid;
	__u32 cgroup; /* set */
	__u32 tree; /* set */
	__u32 namespaces[NAMESPACES];
	__u32 properties;
	__u32 reserved;
};

struct match_thread {
	struct match_inputs inputs;
	__u64 start; /* of the thread */
	__u64 self_exec_id;
	__u64 cgroup_id;
	__u64 epoch; /* 0: what follows is not to be used again. In the entry of no hook: hooks at which it has one */
	__u32 part;
	__u8 exempt;
	__u8 spare; /* lies in match_spares */
	__u8 reserved[2];
};

#define INPUT_WORDS (sizeof(struct match_inputs) / sizeof(__u64))

/* By thread and hook, and an entry of each thread that tells at which hooks it has one: what its exit forgets. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct match_thread));
	__uint(map_flags, BPF_F_NO_PREALLOC);
} match_threads SEC(".maps");

/* Of threads that found no memory for theirs. Preallocated; only who made an entry takes it away. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct match_thread));
} match_spares SEC(".maps");

/* A zero value: new entries are made from it, as they are too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_thread));
} match_thread_zero SEC(".maps");

/* What stands for a process's part beside a number. */
#define PART_NOTHING 0 /* the slot's own first one: nothing is known of the process */
#define PART_SPARE 0x10000 /* lies beyond the slots */
#define PART_EXEMPT 0x20000
#define PART_UNKNOWN 0x30000 /* has to be looked for */

static __always_inline __u64 thread_key(__u32 tid, __u32 hook)
{
	return (__u64)tid << 8 | hook;
}

static __always_inline __u64 current_thread_key(__u32 hook)
{
	return thread_key(bpf_get_current_pid_tgid(), hook);
}

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

#define NO_HOOK 0xff

/* Called in sched_process_exit for every thread. */
__noinline int match_forget_thread(__u32 tid)
{
	__u64 whole = thread_key(tid, NO_HOOK), hooks;
	struct match_thread *noted = bpf_map_lookup_elem(&match_threads, &whole);

	if (!noted)
		return 0;
	hooks = noted->epoch;
	for (int i = 0; i < MATCH_HOOKS; i++) {
		__u64 key;

		if (!hooks)
			break;
		key = thread_key(tid, lowest_bit(hooks));
		hooks = without_lowest(hooks);
		bpf_map_delete_elem(&match_threads, &key);
	}
	bpf_map_delete_elem(&match_threads, &whole);
	return 0;
}

/* This thread's entry, where match_thread_make has put it. */
static __always_inline struct match_thread *thread_at(__u32 hook)
{
	__u64 key = current_thread_key(hook);
	struct match_thread *thread = bpf_map_lookup_elem(&match_threads, &key);

	return thread ? thread : bpf_map_lookup_elem(&match_spares, &key);
}

/* Notes that this thread has an entry at the hook; false when there is no memory for that. */
static __always_inline bool thread_note(__u32 hook, struct match_thread *zero)
{
	__u64 whole = current_thread_key(NO_HOOK);
	struct match_thread *noted = bpf_map_lookup_elem(&match_threads, &whole);

	if (!noted) {
		bpf_map_update_elem(&match_threads, &whole, zero, BPF_ANY);
		noted = bpf_map_lookup_elem(&match_threads, &whole);
		if (!noted)
			return false;
	}
	noted->epoch |= 1ULL << (hook & (MATCH_HOOKS - 1));
	return true;
}

/* Makes this thread's entry where there is none, in the spares when there is no memory. Returns whether there is one. */
__noinline int match_thread_make(__u32 hook)
{
	__u64 key = current_thread_key(hook);
	struct match_thread *zero;
	__u32 first = 0;

	if (bpf_map_lookup_elem(&match_threads, &key))
		return 1;
	zero = bpf_map_lookup_elem(&match_thread_zero, &first);
	if (!zero)
		return 0;
	if (thread_note(hook, zero) && !bpf_map_update_elem(&match_threads, &key, zero, BPF_ANY))
		return 1;
	if (bpf_map_update_elem(&match_spares, &key, zero, BPF_ANY))
		return 0;
	zero = bpf_map_lookup_elem(&match_spares, &key);
	if (!zero)
		return 0;
	zero->spare = 1;
	return 1;
}

/* Inode of a namespace of the current task; 0 when it has none any more. */
__noinline __u32 match_namespace(__u32 which)
{
	struct task_struct *task = current_task();
	struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);
	struct pid_namespace *ns = NULL;
	struct pid *pid;
	__u64 level;

	if (which == NAMESPACE_USER)
		return BPF_CORE_READ(task, cred, user_ns, ns.inum);
	if (which == NAMESPACE_PID) {
		/* the namespace that its own pid is in, which unshare and setns leave as it was */
		pid = BPF_CORE_READ(task, thread_pid);
		/* 64 bits and a bound, or 5.10 does not know what is added */
		level = BPF_CORE_READ(pid, level) & 31;
		bpf_probe_read_kernel(&ns, sizeof(ns),
				      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
					      level * bpf_core_type_size(struct upid) +
					      bpf_core_field_offset(struct upid, ns));
		return BPF_CORE_READ(ns, ns.inum);
	}
	if (which == NAMESPACE_MNT)
		return BPF_CORE_READ(proxy, mnt_ns, ns.inum);
	if (which == NAMESPACE_NET)
		return BPF_CORE_READ(proxy, net_ns, ns.inum);
	if (which == NAMESPACE_UTS)
		return BPF_CORE_READ(proxy, uts_ns, ns.inum);
	if (which == NAMESPACE_IPC)
		return BPF_CORE_READ(proxy, ipc_ns, ns.inum);
	if (which == NAMESPACE_CGROUP)
		return BPF_CORE_READ(proxy, cgroup_ns, ns.inum);
	return BPF_CORE_READ(proxy, time_ns, ns.inum);
}

/* A capability set of the current task, as it is in force: 0 effective, 1 permitted. */
__noinline __u64 match_capabilities(__u32 which)
{
	struct task_struct *task = current_task();
	const struct cred *cred = BPF_CORE_READ(task, cred);
	__u64 set = 0;

	/* both forms are 64 bits in the same order on little-endian machines */
	if (which)
		bpf_probe_read_kernel(&set, sizeof(set), &cred->cap_permitted);
	else
		bpf_probe_read_kernel(&set, sizeof(set), &cred->cap_effective);
	return set;
}

static __always_inline __u32 match_auid(void)
{
	struct task_struct *task = current_task();

	return bpf_core_field_exists(task->loginuid) ? BPF_CORE_READ(task, loginuid.val)
						     : (__u32)-1;
}

/*
 * The part that the thread remembers, when everything that it was made of is as it was; PART_EXEMPT; or PART_UNKNOWN when it
 * has to be looked for.
 */
__noinline __u32 match_remembered(__u32 slot, __u32 hook, __u64 epoch)
{
	__u64 key = current_thread_key(hook), ids = bpf_get_current_uid_gid();
	struct match_thread *thread = bpf_map_lookup_elem(&match_threads, &key);
	struct match_header *header = header_of(slot);
	struct task_struct *task = current_task();
	struct match_inputs *inputs;
	__u64 active;

	if (!thread || !header || thread->epoch != epoch)
		return PART_UNKNOWN;
	if (thread->start != BPF_CORE_READ(task, start_boottime) ||
	    thread->self_exec_id != BPF_CORE_READ(task, self_exec_id) ||
	    thread->cgroup_id != bpf_get_current_cgroup_id())
		return PART_UNKNOWN;
	if (thread->exempt)
		return PART_EXEMPT;
	inputs = &thread->inputs;
	active = header->active;
	if (active & BIT(OPERAND_UID) && inputs->uid != (__u32)ids)
		return PART_UNKNOWN;
	if (active & BIT(OPERAND_GID) && inputs->gid != ids >> 32)
		return PART_UNKNOWN;
	if (active & BIT(OPERAND_AUID) && inputs->auid != match_auid())
		return PART_UNKNOWN;
	if (active & CAPABILITY_OPERANDS && (inputs->capabilities[0] != match_capabilities(0) ||
					     inputs->capabilities[1] != match_capabilities(1)))
		return PART_UNKNOWN;
	if (active & NAMESPACE_OPERANDS) {
		for (__u32 i = 0; i < NAMESPACES; i++)
			if (active & BIT(OPERAND_NAMESPACE + i) &&
			    inputs->namespaces[i] != match_namespace(i))
				return PART_UNKNOWN;
	}
	return thread->part;
}
