/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The process's part of the answer: the places that are left when everything about the process is known. Processes that
 * the selectors cannot tell apart share one part, which never changes once it is there. A slot's parts lie in its frames;
 * number 0 is the agent's: nothing known, all places that are taken. Whoever finds no memory matches with that, so that
 * nothing enforcing is passed over.
 */
#pragma once

#include "match_thread.h"

struct match_part {
	struct match_inputs
		inputs; /* compared: what names a part may have been given to other inputs meanwhile */
	struct match_bitmap bitmap; /* as many words as the tables have */
};

/* The last part may begin where the frame's own bytes end. */
struct match_frame {
	__u8 bytes[MATCH_FRAME_BYTES];
	struct match_part end;
};

#define PART_OFFSET (MATCH_FRAME_BYTES - 8)

/* Parts of threads that found none free, each for one event: preallocated, as large as any. */
#define SPARE_SLOT MATCH_SLOTS
#define SPARES_PER_FRAME 7
#define SPARE_FRAMES 8
#define SPARE_TRIES 16

struct match_pool {
	struct bpf_spin_lock lock;
	__u32 used; /* parts */
};

struct match_frame_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_frame));
	__uint(map_flags, BPF_F_INNER_MAP);
};

/* By slot, and the spares. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_SLOTS + 1);
	__type(key, __u32);
	__array(values, struct match_frame_table);
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
	__uint(max_entries, 2048);
	__uint(key_size, sizeof(struct match_inputs));
	__uint(value_size, sizeof(__u32));
} match_part_index SEC(".maps");

/* Spares in use: to claim one is to insert it first. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, __u32);
	__type(value, __u32);
} match_spares_used SEC(".maps");

/* `place`: the frame << 8 | the part in it. */
static __always_inline struct match_part *part_at(__u32 slot, struct match_header *header,
						  __u32 place)
{
	__u32 of = slot, frame = place >> 8 & 0xff;
	__u64 offset = (__u64)(place & 0xff) * header->stride;
	void *frames, *bytes;

	if (place & PART_SPARE) {
		of = SPARE_SLOT;
		offset = (place & 0xff) * sizeof(struct match_part);
	}
	frames = bpf_map_lookup_elem(&match_parts, &of);
	bytes = frames ? bpf_map_lookup_elem(frames, &frame) : NULL;
	offset &= PART_OFFSET;
	return bytes ? bytes + offset : NULL;
}

/* Words that one function goes through: the verifier follows each step of a loop, but a function once. */
#define BLOCK_WORDS 16

/* Takes from a block of a part's words those that a class does not have; deltas apart. */
__noinline int match_block_and(__u32 slot, __u32 place, __u32 base, __u32 first)
{
	struct match_header *header = header_of(slot);
	struct match_bitmap *from, *to;
	struct match_part *part;

	if (!header)
		return -1;
	part = part_at(slot, header, place);
	from = bitmap_at(header->table, base);
	if (!part || !from)
		return -1;
	to = &part->bitmap;
	first &= MATCH_WORDS - BLOCK_WORDS;
	for (__u32 at = 0; at < BLOCK_WORDS; at++)
		to->words[first + at] &= from->words[first + at];
	return 0;
}

/* All ones for a delta, 0 for none: no branch, each of which would double the verifier's states. */
static __always_inline __u64 delta_is_one(struct match_delta *delta)
{
	__u64 is_one = delta->word - MATCH_WORDS;

	asm volatile("" : "+r"(is_one));
	return (__s64)is_one >> 63;
}

/* Its word; the first, which every part has, for none. */
static __always_inline __u64 delta_word(struct match_delta *delta)
{
	return delta->word & delta_is_one(delta) & (MATCH_WORDS - 1);
}

/* Takes from a part the places that a class does not have. */
__noinline int match_part_and(__u32 slot, __u32 place, __u32 class)
{
	struct match_header *header = header_of(slot);
	__u64 saved[MATCH_DELTAS];
	struct match_bitmap *base, *to;
	struct match_part *part;
	struct match_class *of;
	int result = 0;

	if (!header)
		return -1;
	part = part_at(slot, header, place);
	of = class_at(header->table, class);
	base = of ? bitmap_at(header->table, of->base) : NULL;
	if (!part || !base)
		return -1;
	to = &part->bitmap;
#pragma unroll
	for (int k = 0; k < MATCH_DELTAS; k++) {
		__u64 at = delta_word(&of->delta[k]);

		saved[k] = to->words[at] & (base->words[at] ^ of->delta[k].bits);
	}
	for (__u32 first = 0; first < MATCH_WORDS; first += BLOCK_WORDS) {
		if (first >= *(volatile __u32 *)&header->words)
			break;
		result |= match_block_and(slot, place, of->base, first);
	}
#pragma unroll
	for (int k = 0; k < MATCH_DELTAS; k++) {
		__u64 at = delta_word(&of->delta[k]), is_one = delta_is_one(&of->delta[k]);

		to->words[at] = (saved[k] & is_one) | (to->words[at] & ~is_one);
	}
	return result;
}

/* Begins a block of a part: with all places that are taken. */
__noinline int match_block_begin(__u32 slot, __u32 place, __u32 first)
{
	struct match_header *header = header_of(slot);
	struct match_part *part, *from;

	if (!header)
		return -1;
	part = part_at(slot, header, place);
	from = part_at(slot, header, PART_NOTHING);
	if (!part || !from)
		return -1;
	first &= MATCH_WORDS - BLOCK_WORDS;
	for (__u32 at = 0; at < BLOCK_WORDS; at++)
		part->bitmap.words[first + at] = from->bitmap.words[first + at];
	return 0;
}

/* Which of a block's words are not empty: a bit for each. */
__noinline __u32 match_block_summary(__u32 slot, __u32 place, __u32 first)
{
	struct match_header *header = header_of(slot);
	struct match_part *part;
	__u32 summary = 0;

	if (!header)
		return 0;
	part = part_at(slot, header, place);
	if (!part)
		return 0;
	first &= MATCH_WORDS - BLOCK_WORDS;
	for (__u32 at = 0; at < BLOCK_WORDS; at++) {
		__u64 word = part->bitmap.words[first + at];

		summary |= (__u32)((word | -word) >> 63) << at;
	}
	return summary;
}

/* Begins a part, or, with `end`, tells which of its words are not empty. */
__noinline int match_part_frame(__u32 slot, __u32 hook, __u32 place, __u32 end)
{
	struct match_header *header = header_of(slot);
	struct match_thread *thread = thread_at(hook);
	struct match_part *part;
	int result = 0;

	if (!header || !thread)
		return -1;
	part = part_at(slot, header, place);
	if (!part)
		return -1;
	part->inputs = thread->inputs;
	for (__u32 at = 0; at < MATCH_SUMMARY; at++)
		part->bitmap.summary[at] = 0;
	for (__u32 first = 0; first < MATCH_WORDS; first += BLOCK_WORDS) {
		if (first >= *(volatile __u32 *)&header->words)
			break;
		if (end)
			part->bitmap.summary[first / 64] |=
				(__u64)match_block_summary(slot, place, first) << (first & 63);
		else
			result |= match_block_begin(slot, place, first);
	}
	return result;
}

/* A free part's number; PART_NOTHING when all are taken. */
__noinline __u32 match_part_claim(__u32 slot)
{
	struct match_pool *pool = bpf_map_lookup_elem(&match_pools, &slot);
	struct match_header *header = header_of(slot);
	__u32 number, most;

	/* without locks two threads could claim the same */
	if (!pool || !header || !match_locks)
		return PART_NOTHING;
	most = header->frames * header->per_frame;
	bpf_spin_lock(&pool->lock);
	number = pool->used;
	if (number < most)
		pool->used = number + 1;
	bpf_spin_unlock(&pool->lock);
	if (number >= most)
		return PART_NOTHING;
	return (number / header->per_frame) << 8 | number % header->per_frame;
}

/* A spare part; PART_NOTHING when there is none free either. */
__noinline __u32 match_spare_claim(void)
{
	__u32 tid = bpf_get_current_pid_tgid(), first = bpf_get_smp_processor_id() * SPARE_TRIES;

	for (__u32 i = 0; i < SPARE_TRIES; i++) {
		__u32 number = (first + i) % (SPARE_FRAMES * SPARES_PER_FRAME);

		number = PART_SPARE | (number / SPARES_PER_FRAME) << 8 | number % SPARES_PER_FRAME;
		if (!bpf_map_update_elem(&match_spares_used, &number, &tid, BPF_NOEXIST))
			return number;
	}
	return PART_NOTHING;
}

static __always_inline void match_spare_release(__u32 place)
{
	if ((place & PART_UNKNOWN) == PART_SPARE)
		bpf_map_delete_elem(&match_spares_used, &place);
}

/* Gives back what an event has taken of the spares. */
static __always_inline void match_spare_drop(__u32 hook, __u32 place)
{
	__u64 key = current_thread_key(hook);

	match_spare_release(place);
	bpf_map_delete_elem(&match_spares, &key);
}

/* ANDs the class of one number into a part, where some selector asks for it and it is known. */
static __always_inline int part_and_number(__u64 asked, __u32 slot, __u32 place, __u32 operand,
					   __u64 number)
{
	if (!(asked & BIT(operand)))
		return 0;
	return match_part_and(slot, place, match_number_class(slot, operand, number));
}

/* What stands in this thread's inputs for a mask operand of a process. */
__noinline __u64 match_mask_input(__u32 hook, __u32 operand)
{
	struct match_thread *thread = thread_at(hook);

	if (!thread)
		return 0;
	if (operand == OPERAND_PROPERTIES)
		return thread->inputs.properties;
	if (operand == OPERAND_LINEAGE)
		return thread->inputs.lineage;
	if (operand == OPERAND_UID)
		return thread->inputs.uid;
	if (operand == OPERAND_GID)
		return thread->inputs.gid;
	if (operand == OPERAND_AUID)
		return thread->inputs.auid;
	return thread->inputs.capabilities[operand == OPERAND_CAP_PERMITTED];
}

/* One test of a mask operand of a process. */
__noinline int match_part_atom(__u32 slot, __u32 hook, __u32 place, __u32 number)
{
	struct match_header *header = header_of(slot);
	struct match_thread *thread = thread_at(hook);
	struct match_atom *atom;
	__u64 value;

	if (!header || !thread)
		return -1;
	atom = &header->atom[number & (MATCH_ATOMS - 1)];
	if (thread->inputs.unknown >> (atom->operand & 63) & 1)
		return 0;
	value = match_mask_input(hook, atom->operand);
	return match_part_and(slot, place, value & atom->mask ? atom->set : atom->clear);
}

/* Makes the part of what stands in this thread's inputs; below 0 when the tables contradict themselves. */
__noinline int match_part_fill(__u32 slot, __u32 hook, __u32 place)
{
	struct match_header *header = header_of(slot);
	struct match_thread *thread = thread_at(hook);
	struct match_inputs *inputs;
	int result;
	__u64 asked;

	if (!header || !thread)
		return -1;
	inputs = &thread->inputs;
	asked = header->active & ~inputs->unknown;
	result = match_part_frame(slot, hook, place, false);
	for (__u32 i = 0; i < 6; i++)
		if (asked & BIT(i))
			result |= match_part_and(slot, place, inputs->texts[i]);
	result |= part_and_number(asked, slot, place, OPERAND_UID, inputs->uid);
	result |= part_and_number(asked, slot, place, OPERAND_GID, inputs->gid);
	result |= part_and_number(asked, slot, place, OPERAND_AUID, inputs->auid);
	result |= part_and_number(asked, slot, place, OPERAND_CGROUP, inputs->cgroup);
	result |= part_and_number(asked, slot, place, OPERAND_TREE, inputs->tree);
	for (__u32 i = 0; i < NAMESPACES; i++)
		result |= part_and_number(asked, slot, place, OPERAND_NAMESPACE + i,
					  inputs->namespaces[i]);
	for (__u32 i = 0; i < MATCH_ATOMS; i++) {
		if (i >= header->atoms)
			break;
		result |= match_part_atom(slot, hook, place, i);
	}
	return match_part_frame(slot, hook, place, true) | result;
}
