/* SPDX-License-Identifier: GPL-2.0 */
/* What every record begins with, the one ring that all of them go to, and the count of those that found no room. */
#pragma once

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include "generated/kinds.h"
#include "tags.h"

struct record_header {
	__u16 kind FMT("enum:record_kind") DOC("what the record tells");
	__u16 reserved PAD;
	__u32 size DOC("bytes of the whole record, tails included");
	__u64 time FMT("boottime") DOC("when it happened, in ns since boot (CLOCK_BOOTTIME)");
};

/* A process for as long as the machine is up: a pid comes again, a pid with its start time does not. */
struct process_key {
	__u64 start FMT("boottime") DOC("start of the thread group leader, in ns since boot");
	__u64 self_exec_id
		DOC("the kernel's count of execs; tells the images of one process apart");
	__u32 tgid DOC("process id in the initial pid namespace");
	__u32 reserved PAD;
};

#ifndef REEVE_LAYOUTS
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* the agent sets its own size */
} events SEC(".maps");

/* Records of each kind that were lost: the ring, or whatever a record waits in, had no room. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RECORD_KINDS);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

/* 1 while the agent sleeps because nothing happens: the next record wakes it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} agent_asleep SEC(".maps");

static __always_inline void record_lost(__u32 kind)
{
	__u64 *count = bpf_map_lookup_elem(&losses, &kind);
	if (count)
		*count += 1;
}

/* Room in the ring for a record of fixed size, header filled; NULL is counted as a loss. */
static __always_inline void *record_reserve(__u16 kind, const __u32 size)
{
	struct record_header *header = bpf_ringbuf_reserve(&events, size, 0);
	if (!header) {
		record_lost(kind);
		return NULL;
	}
	header->kind = kind;
	header->reserved = 0;
	header->size = size;
	header->time = bpf_ktime_get_boot_ns();
	return header;
}

/*
 * While the agent is at work it reads the ring by a timer: a wake-up per record is what makes exec tracking dear. Call it
 * when the record is in the ring: the agent looks at the ring after it has said that it sleeps, so one of the two sees the
 * other. An empty record carries the wake-up, since how a record is submitted is decided before it is in.
 */
static __always_inline void record_wake(void)
{
	__u32 key = 0;
	__u32 *asleep = bpf_map_lookup_elem(&agent_asleep, &key);
	void *nothing;

	if (!asleep || !*asleep)
		return;
	*asleep = 0;
	nothing = bpf_ringbuf_reserve(&events, sizeof(__u64), 0);
	if (nothing)
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

static __always_inline void record_submit(void *record)
{
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	record_wake();
}

/* The process that a task belongs to. */
static __always_inline void process_key_of(struct process_key *key, const struct task_struct *task)
{
	key->start = task->group_leader->start_boottime;
	key->self_exec_id = task->self_exec_id;
	key->tgid = task->tgid;
	key->reserved = 0;
}
#endif
