/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Records that wait for the end of the system call, since their hook comes before it: by thread and kind. The kinds that
 * wait for a thread are one lookup, which is what the end of every other system call costs. results.bpf.c ends the wait.
 */
#pragma once

#include "act.h"
#include <bpf/bpf_core_read.h>

struct waiting_key {
	__u32 tid;
	__u32 kind;
};

#define WAITING_MOST 8192

/* Bits of the kinds that wait, by thread. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WAITING_MOST);
	__type(key, __u32);
	__type(value, __u64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} waiting_kinds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WAITING_MOST);
	__uint(key_size, sizeof(struct waiting_key));
	__uint(value_size, sizeof(struct act_room));
	__uint(map_flags, BPF_F_NO_PREALLOC);
} waiting_acts SEC(".maps");

/* Puts a record into the ring; its size is the header's too. */
static __always_inline void act_output(struct act_room *room, __u32 kind)
{
	__u32 size = room->size;

	if (size > sizeof(room->record) ||
	    bpf_ringbuf_output(&events, room->record, size, BPF_RB_NO_WAKEUP))
		record_lost(kind);
	else
		record_wake();
}

/* Ends the wait of one record. A function of its own for the verifier. */
__noinline int act_settle(__u32 kind, __s32 result)
{
	struct waiting_key key = {.tid = bpf_get_current_pid_tgid(), .kind = kind};
	struct act_room *room = bpf_map_lookup_elem(&waiting_acts, &key);

	if (!room)
		return 0;
	room->act.result = result;
	act_output(room, kind);
	bpf_map_delete_elem(&waiting_acts, &key);
	return 0;
}

/* Whether the end of the system call will be seen: a thread of the kernel, io_uring's too, has none. */
static __always_inline bool act_can_wait(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	return !(BPF_CORE_READ(task, flags) & (PF_KTHREAD | PF_IO_WORKER));
}

/*
 * Lets a record wait. Where one of its kind waits already (several in one call: io_uring, sendmmsg) that one goes without
 * its result, since the call's end says nothing of it alone.
 */
static __always_inline void act_wait(struct act_room *room, __u32 kind)
{
	struct waiting_key key = {.tid = bpf_get_current_pid_tgid(), .kind = kind};
	__u32 tid = key.tid;
	__u64 bit = 1ULL << (kind & 63), *kinds = bpf_map_lookup_elem(&waiting_kinds, &tid);

	if (kinds && *kinds & bit)
		act_settle(kind, NO_RESULT);
	if (bpf_map_update_elem(&waiting_acts, &key, room, BPF_ANY)) {
		record_lost(kind);
		return;
	}
	if (kinds) {
		*kinds |= bit;
		return;
	}
	if (bpf_map_update_elem(&waiting_kinds, &tid, &bit, BPF_ANY))
		act_settle(kind, NO_RESULT);
}
