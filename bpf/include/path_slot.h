/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Room for one path and the record about it, for hooks that can be preempted and come at any rate. Not per CPU: a program
 * that another thread's run interrupts would go on with that one's path, and let pass what is denied. Not task storage and
 * not a map that allocates: under load neither has memory. A slot is claimed and given back, and only its number is passed
 * on, since global functions take no pointers before 5.12. Whoever gets none (number 0) does not know the path.
 */
#pragma once

#include "act.h"
#include "denial.h"
#include "path_walk.h"
#include "proc_state.h"

/* A power of two. What stands in it at once is only what was interrupted half way. */
#define PATH_SLOTS 256
#define PATH_SLOT_TRIES 32
/* No slot's number: there is a path, and it is not known. */
#define NO_PATH_SLOT 0xffffffff

struct path_slot {
	struct file_identity file;
	/* The path's first bytes, and its last ones when it is longer than those: what the matcher compares. */
	struct path_text head;
	struct path_text tail;
	struct path_walk walk;
	__u32 count; /* acts that the record stands for: those that the selector's allowance has merged */
	__u32 reserved;
	struct act_room act; /* the hook's record */
	union {
		struct denial_record denial;
		__u8 denial_bytes[sizeof(struct denial_record) + PATH_BYTES];
	};
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PATH_SLOTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct path_slot));
} path_slots SEC(".maps");

/* Slots in use. Preallocated: to claim one is to insert it first. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PATH_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} path_slots_used SEC(".maps");

/* Claims a slot for the current thread; 0 when none is free. */
static __always_inline __u32 path_slot_claim(void)
{
	__u32 first = bpf_get_smp_processor_id() * PATH_SLOT_TRIES;
	__u32 tid = bpf_get_current_pid_tgid();

	for (__u32 i = 0; i < PATH_SLOT_TRIES; i++) {
		__u32 slot = ((first + i) & (PATH_SLOTS - 1)) + 1;

		if (!bpf_map_update_elem(&path_slots_used, &slot, &tid, BPF_NOEXIST))
			return slot;
	}
	return 0;
}

static __always_inline void path_slot_release(__u32 slot)
{
	if (slot)
		bpf_map_delete_elem(&path_slots_used, &slot);
}

/* NULL for number 0. */
static __always_inline struct path_slot *path_slot_at(__u32 slot)
{
	__u32 index = slot - 1;

	return bpf_map_lookup_elem(&path_slots, &index);
}

static __always_inline struct path_walk *path_walk_buffer(__u32 which)
{
	struct path_slot *slot = path_slot_at(which);

	return slot ? &slot->walk : NULL;
}

static __always_inline void path_text_set(struct path_text *text, const char *from, __u32 length,
					  __u32 held)
{
	text->length = length;
	text->held = held;
	if (held >= PATH_TEXT_BYTES || bpf_probe_read_kernel(text->bytes, held, from))
		text->length = text->held = 0;
}

/*
 * After the walk: the texts that are matched, and the path's marks. A path that does not begin at the task's root is not
 * known: an empty text, by which whoever matches decides for the safe side.
 */
static __always_inline void path_slot_settle(struct path_slot *slot)
{
	struct path_walk *walk = &slot->walk;
	__u32 pos = walk->pos, marks = 0, length, held;

	if (walk->marks & PATH_DELETED)
		marks |= FILE_DELETED;
	if (walk->marks & PATH_ANONYMOUS)
		marks |= FILE_ANONYMOUS;
	if (walk->marks & PATH_UNREACHABLE)
		marks |= FILE_UNREACHABLE;
	if (walk->marks & PATH_TRUNCATED)
		marks |= FILE_TRUNCATED;
	slot->file.marks |= marks;
	slot->head.length = slot->head.held = 0;
	slot->tail.length = slot->tail.held = 0;
	if (walk->marks & (PATH_UNREACHABLE | PATH_TRUNCATED) || pos >= PATH_BYTES)
		return;
	length = PATH_BYTES - pos;
	held = length < PATH_TEXT_BYTES ? length : PATH_TEXT_BYTES - 1;
	path_text_set(&slot->head, walk->bytes + pos, length, held);
	if (length > held)
		path_text_set(&slot->tail, walk->bytes + PATH_BYTES - (PATH_TEXT_BYTES - 1),
			      PATH_TEXT_BYTES - 1, PATH_TEXT_BYTES - 1);
}

/* The denial record to fill: all but header, file and path. */
static __always_inline struct denial_record *path_slot_denial(__u32 number)
{
	struct path_slot *slot = path_slot_at(number);

	return slot ? &slot->denial : NULL;
}

/* Posts it with the path; not 0 when the ring had no room, which is counted here. */
static __always_inline long path_slot_send_denial(__u32 number)
{
	struct path_slot *slot = path_slot_at(number);
	struct record_header *header;
	const __u32 fixed = sizeof(struct denial_record);
	__u32 len;

	if (!slot)
		return -1;
	slot->denial.file = slot->file;
	len = path_take(&slot->walk, (char *)slot->denial_bytes + fixed);
	if (len > PATH_BYTES)
		return -1;
	slot->denial.path_len = len;
	header = &slot->denial.header;
	header->kind = RECORD_DENIAL;
	header->reserved = 0;
	header->size = fixed + len;
	header->time = bpf_ktime_get_boot_ns();
	if (bpf_ringbuf_output(&events, slot->denial_bytes, fixed + len, BPF_RB_NO_WAKEUP)) {
		record_lost(RECORD_DENIAL);
		return -1;
	}
	record_wake();
	return 0;
}
