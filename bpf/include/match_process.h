/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The process's part of the answer: the places that are left when everything about the process is known. Processes that
 * the selectors cannot tell apart share one part, which never changes once it is there. A thread remembers which part is
 * its own, and what that was made of: what can change without an exec (users, capabilities, namespaces, cgroup) is
 * compared again at each event, and an exec or another epoch (tables, marks) ends it.
 *
 * A thread's entry is read and written by that thread alone. Nothing here is per CPU: a program can be preempted. Whoever
 * finds no memory matches with nothing known of the process, so that nothing enforcing is passed over.
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
	__u64 epoch; /* 0: what follows is not to be used again */
	__u32 part;
	__u8 exempt;
	__u8 spare; /* lies in match_spares */
	__u8 reserved[2];
};

struct match_part {
	struct match_bitmap bitmap;
	struct match_inputs
		inputs; /* compared: what names a part may have been given to other inputs meanwhile */
};

#define INPUT_WORDS (sizeof(struct match_inputs) / sizeof(__u64))

/* A thread that found no memory for its entry, or no part free. Preallocated; only who made an entry takes it away. */
struct match_spare {
	struct match_thread thread;
	struct match_part part;
};

struct match_pool {
	struct bpf_spin_lock lock;
	__u32 used; /* parts */
};

struct match_part_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MATCH_PARTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_part));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_SLOTS);
	__type(key, __u32);
	__array(values, struct match_part_table);
} match_parts SEC(".maps");

/* By slot: the agent sets `used` back before the slot is used again. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MATCH_SLOTS);
	__type(key, __u32);
	__type(value, struct match_pool);
} match_pools SEC(".maps");

/* Those of earlier installs are the least recently used ones. What is evicted is made again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4 * MATCH_PARTS);
	__uint(key_size, sizeof(struct match_inputs));
	__uint(value_size, sizeof(__u32));
} match_part_index SEC(".maps");

/* By thread and hook. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct match_thread));
	__uint(map_flags, BPF_F_NO_PREALLOC);
} match_threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__uint(key_size, sizeof(__u64));
	__uint(value_size, sizeof(struct match_spare));
} match_spares SEC(".maps");

/* A zero value: new entries are made from it, as they are too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_spare));
} match_spare_zero SEC(".maps");

/* What match_process gives besides a part's number. */
#define PART_SPARE 0x10000
#define PART_EXEMPT 0x20000
#define PART_NONE 0x30000

static __always_inline __u64 thread_key(__u32 hook)
{
	return (__u64)(__u32)bpf_get_current_pid_tgid() << 8 | hook;
}

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

/* Called in sched_process_exit for every thread. */
static __always_inline void match_forget_thread(__u32 tid, const __u32 hooks)
{
#pragma unroll
	for (__u32 hook = 0; hook < hooks; hook++) {
		__u64 key = (__u64)tid << 8 | hook;

		bpf_map_delete_elem(&match_threads, &key);
	}
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
 * The part that the thread remembers, when everything that it was made of is as it was; PART_EXEMPT; or PART_NONE when it
 * has to be looked for.
 */
__noinline __u32 match_remembered(__u32 slot, __u32 hook, __u64 epoch)
{
	__u64 key = thread_key(hook), ids = bpf_get_current_uid_gid();
	struct match_thread *thread = bpf_map_lookup_elem(&match_threads, &key);
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	struct task_struct *task = current_task();
	struct match_inputs *inputs;
	__u64 active;

	if (!thread || !header || thread->epoch != epoch)
		return PART_NONE;
	if (thread->start != BPF_CORE_READ(task, start_boottime) ||
	    thread->self_exec_id != BPF_CORE_READ(task, self_exec_id) ||
	    thread->cgroup_id != bpf_get_current_cgroup_id())
		return PART_NONE;
	if (thread->exempt)
		return PART_EXEMPT;
	inputs = &thread->inputs;
	active = header->active;
	if (active & BIT(OPERAND_UID) && inputs->uid != (__u32)ids)
		return PART_NONE;
	if (active & BIT(OPERAND_GID) && inputs->gid != ids >> 32)
		return PART_NONE;
	if (active & BIT(OPERAND_AUID) && inputs->auid != match_auid())
		return PART_NONE;
	if (active & CAPABILITY_OPERANDS && (inputs->capabilities[0] != match_capabilities(0) ||
					     inputs->capabilities[1] != match_capabilities(1)))
		return PART_NONE;
	if (active & NAMESPACE_OPERANDS) {
		for (__u32 i = 0; i < NAMESPACES; i++)
			if (active & BIT(OPERAND_NAMESPACE + i) &&
			    inputs->namespaces[i] != match_namespace(i))
				return PART_NONE;
	}
	return thread->part;
}

static __always_inline struct match_part *part_at(__u32 slot, __u32 hook, __u32 place)
{
	__u64 key = thread_key(hook);
	struct match_spare *spare;
	void *parts;

	if (place == PART_SPARE) {
		spare = bpf_map_lookup_elem(&match_spares, &key);
		return spare ? &spare->part : NULL;
	}
	parts = bpf_map_lookup_elem(&match_parts, &slot);
	return parts ? bpf_map_lookup_elem(parts, &place) : NULL;
}

/* This thread's entry, where match_thread_make has put it. */
static __always_inline struct match_thread *thread_at(__u32 hook)
{
	__u64 key = thread_key(hook);
	struct match_thread *thread = bpf_map_lookup_elem(&match_threads, &key);
	struct match_spare *spare;

	if (thread)
		return thread;
	spare = bpf_map_lookup_elem(&match_spares, &key);
	return spare ? &spare->thread : NULL;
}

/* Takes from a part the places that a class does not have. `place` is a part's number, or PART_SPARE. */
__noinline int match_part_and(__u32 slot, __u32 hook, __u32 place, __u32 class)
{
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	void *bitmaps = bpf_map_lookup_elem(&match_bitmaps, &slot), *classes;
	struct match_part *part = part_at(slot, hook, place);
	struct match_bitmap *base, *to;
	__u64 saved[MATCH_DELTAS];
	struct match_class *of;
	__u32 pool;

	if (!header || !bitmaps || !part)
		return -1;
	pool = header->pool;
	classes = bpf_map_lookup_elem(&match_classes, &pool);
	of = classes ? bpf_map_lookup_elem(classes, &class) : NULL;
	if (!of)
		return -1;
	base = bpf_map_lookup_elem(bitmaps, &of->base);
	if (!base)
		return -1;
	to = &part->bitmap;
#pragma unroll
	for (int k = 0; k < MATCH_DELTAS; k++) {
		__u64 at = of->delta[k].word & (MATCH_WORDS - 1);

		saved[k] = to->words[at] & (base->words[at] ^ of->delta[k].bits);
	}
	for (__u32 at = 0; at < MATCH_WORDS; at++) {
		if (at >= *(volatile __u32 *)&header->words)
			break;
		to->words[at] &= base->words[at];
	}
#pragma unroll
	for (int k = 0; k < MATCH_DELTAS; k++) {
		__u64 word = of->delta[k].word, at = word & (MATCH_WORDS - 1);
		__u64 is_one = word - MATCH_WORDS;

		/* no branch: each would double the verifier's states */
		asm volatile("" : "+r"(is_one));
		is_one = (__s64)is_one >> 63;
		to->words[at] = (saved[k] & is_one) | (to->words[at] & ~is_one);
	}
	return 0;
}

/* Begins a part: with all places that are taken. */
__noinline int match_part_begin(__u32 slot, __u32 hook, __u32 place)
{
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	struct match_part *part = part_at(slot, hook, place);
	struct match_thread *thread = thread_at(hook);

	if (!header || !part || !thread)
		return -1;
	part->inputs = thread->inputs;
	for (__u32 at = 0; at < MATCH_WORDS; at++) {
		if (at >= *(volatile __u32 *)&header->words)
			break;
		part->bitmap.words[at] = ~0ULL;
	}
	return match_part_and(slot, hook, place, header->live);
}

/* Ends a part: tells which of its words are not empty. */
__noinline int match_part_end(__u32 slot, __u32 hook, __u32 place)
{
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	struct match_part *part = part_at(slot, hook, place);

	if (!header || !part)
		return -1;
	for (__u32 at = 0; at < MATCH_SUMMARY; at++)
		part->bitmap.summary[at] = 0;
	for (__u32 at = 0; at < MATCH_WORDS; at++) {
		if (at >= *(volatile __u32 *)&header->words)
			break;
		if (part->bitmap.words[at])
			part->bitmap.summary[at / 64] |= 1ULL << (at & 63);
	}
	return 0;
}

/* A free part's number; MATCH_PARTS when all are taken. */
__noinline __u32 match_part_claim(__u32 slot)
{
	struct match_pool *pool = bpf_map_lookup_elem(&match_pools, &slot);
	__u32 place;

	/* without locks two threads could claim the same */
	if (!pool || !match_locks)
		return MATCH_PARTS;
	bpf_spin_lock(&pool->lock);
	place = pool->used;
	if (place < MATCH_PARTS)
		pool->used = place + 1;
	bpf_spin_unlock(&pool->lock);
	return place;
}

/* This thread's entry, made when there is none; in the spares when there is no memory. */
static __always_inline struct match_thread *match_thread_make(__u64 key, bool *is_spare)
{
	struct match_thread *thread = bpf_map_lookup_elem(&match_threads, &key);
	struct match_spare *spare, *zero;
	__u32 first = 0;

	*is_spare = false;
	if (thread)
		return thread;
	zero = bpf_map_lookup_elem(&match_spare_zero, &first);
	if (!zero)
		return NULL;
	if (!bpf_map_update_elem(&match_threads, &key, &zero->thread, BPF_ANY)) {
		thread = bpf_map_lookup_elem(&match_threads, &key);
		if (thread)
			return thread;
	}
	if (bpf_map_update_elem(&match_spares, &key, zero, BPF_ANY))
		return NULL;
	spare = bpf_map_lookup_elem(&match_spares, &key);
	*is_spare = true;
	return spare ? &spare->thread : NULL;
}

/* ANDs the class of one number into a part, where some selector asks for it and it is known. */
static __always_inline int part_and_number(struct match_header *header, __u64 unknown, __u32 slot,
					   __u32 hook, __u32 place, __u32 operand, __u64 number)
{
	if (!(header->active & ~unknown & BIT(operand)))
		return 0;
	return match_part_and(slot, hook, place, match_number_class(slot, operand, number));
}

/* The atoms of the mask operands of a process. */
__noinline int match_part_atoms(__u32 slot, __u32 hook, __u32 place)
{
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	struct match_thread *thread = thread_at(hook);
	int result = 0;

	if (!header || !thread)
		return -1;
	for (__u32 i = 0; i < MATCH_ATOMS; i++) {
		struct match_atom *atom = &header->atom[i];
		__u32 operand = atom->operand;
		__u64 value;

		if (i >= header->atoms)
			break;
		if (thread->inputs.unknown >> (operand & 63) & 1)
			continue;
		if (operand == OPERAND_PROPERTIES)
			value = thread->inputs.properties;
		else if (operand == OPERAND_LINEAGE)
			value = thread->inputs.lineage;
		else if (operand == OPERAND_UID)
			value = thread->inputs.uid;
		else if (operand == OPERAND_GID)
			value = thread->inputs.gid;
		else if (operand == OPERAND_AUID)
			value = thread->inputs.auid;
		else
			value = thread->inputs.capabilities[operand == OPERAND_CAP_PERMITTED];
		result |= match_part_and(slot, hook, place,
					 value & atom->mask ? atom->set : atom->clear);
	}
	return result;
}

/* Makes the part of what stands in this thread's inputs; below 0 when the tables contradict themselves. */
__noinline int match_part_fill(__u32 slot, __u32 hook, __u32 place)
{
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	struct match_thread *thread = thread_at(hook);
	struct match_inputs *inputs;
	int result;
	__u64 unknown;

	if (!header || !thread)
		return -1;
	inputs = &thread->inputs;
	unknown = inputs->unknown;
	result = match_part_begin(slot, hook, place);
	for (__u32 i = 0; i < 6; i++)
		if (header->active & ~unknown & BIT(i))
			result |= match_part_and(slot, hook, place, inputs->texts[i]);
	result |= part_and_number(header, unknown, slot, hook, place, OPERAND_UID, inputs->uid);
	result |= part_and_number(header, unknown, slot, hook, place, OPERAND_GID, inputs->gid);
	result |= part_and_number(header, unknown, slot, hook, place, OPERAND_AUID, inputs->auid);
	result |=
		part_and_number(header, unknown, slot, hook, place, OPERAND_CGROUP, inputs->cgroup);
	result |= part_and_number(header, unknown, slot, hook, place, OPERAND_TREE, inputs->tree);
	for (__u32 i = 0; i < NAMESPACES; i++)
		result |= part_and_number(header, unknown, slot, hook, place, OPERAND_NAMESPACE + i,
					  inputs->namespaces[i]);
	result |= match_part_atoms(slot, hook, place);
	return match_part_end(slot, hook, place) | result;
}
