/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The AND of an event's bitmaps. An enforcing selector decides; those in mode monitor that score more are told and never
 * mask it, which is why they are walked once it is known. Whether the event is posted is decided apart.
 *
 * A selector whose lease has ended is passed over here, whatever the agent does. The walk has no other bound than the
 * number of selectors, so that nothing is decided unseen.
 */
#pragma once

#include "match_tell.h"

/* Operands of its own that an object's hook has: the highest number and one. */
#ifndef MATCH_OWN_OPERANDS
#error "say before match.h how many operands of its own the hook has: MATCH_OWN_OPERANDS"
#endif

/* Those that a scan goes by; the others are asked for the words that are left then: with more, the verifier gives up. */
#define SCAN_OPERANDS (MATCH_OWN_OPERANDS < 3 ? MATCH_OWN_OPERANDS : 3)

/* What is ANDed: the process's part, and a class for each of the hook's own operands. */
struct match_bitmaps {
	struct match_bitmap *part;
	struct match_class *of[SCAN_OPERANDS + 1];
	struct match_bitmap *base[SCAN_OPERANDS + 1];
};

/* Word `at` of the places that are left. */
static __always_inline __u64 word_left(struct match_bitmaps *bitmaps, __u32 at)
{
	__u64 word = bitmaps->part->words[at & (MATCH_WORDS - 1)];

#pragma unroll
	for (int k = 0; k < SCAN_OPERANDS; k++) {
		__u64 of = bitmaps->base[k]->words[at & (MATCH_WORDS - 1)];

#pragma unroll
		for (int d = 0; d < MATCH_DELTAS; d++) {
			/* all ones where the words are the same: a branch would double the verifier's states */
			__u64 same = (bitmaps->of[k]->delta[d].word ^ at) - 1;

			asm volatile("" : "+r"(same));
			of ^= bitmaps->of[k]->delta[d].bits & ((__s64)same >> 63);
		}
		word &= of;
	}
	return word;
}

/* Words that may have a place left. */
static __always_inline __u64 summary_left(struct match_bitmaps *bitmaps, __u32 at)
{
	__u64 word = bitmaps->part->summary[at];

#pragma unroll
	for (int k = 0; k < SCAN_OPERANDS; k++)
		word &= bitmaps->base[k]->summary[at] | bitmaps->of[k]->touched[at];
	return word;
}

static __always_inline bool has_ended(struct match_selector *selector)
{
	return bpf_ktime_get_boot_ns() >= selector->deadline;
}

/* What decides between selectors: the priority, then the stronger action, then the lower place. Never 0. */
#define SCORE_PLACES 0x7fffULL
#define SCORE_ACTION_SHIFT 15
#define SCORE_PRIORITY_SHIFT 18

static __always_inline __u64 score_of(struct match_selector *selector, __u32 place)
{
	__u64 priority = (__u32)selector->priority ^ 0x80000000;

	return priority << SCORE_PRIORITY_SHIFT | (__u64)selector->action << SCORE_ACTION_SHIFT |
	       (SCORE_PLACES - place);
}

static __always_inline __u32 place_of(__u64 score)
{
	return SCORE_PLACES - (score & SCORE_PLACES);
}

/*
 * What a scan finds: the places, each one more, of the selector that decides and of the one that says whether to post, and
 * whether any is in mode monitor.
 */
#define SCAN_PLACE 0xffffULL
#define SCAN_POSTS_SHIFT 16
#define SCAN_MONITORS (1ULL << 32)
#define SCAN_BROKEN (1ULL << 33)

/* What is done with the places that are left: beside a word's number. */
#define SCAN_TELL (1 << 8) /* keep those that are only told of */
#define SCAN_WANT_SHIFT 9

/* Places that are to be told of, by thread, while that is done. */
struct match_told {
	__u64 words[MATCH_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_told));
	__uint(map_flags, BPF_F_NO_PREALLOC);
} match_tolds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_told));
} match_told_zero SEC(".maps");

/* The score of the selector at a place. */
static __always_inline __u64 score_at(__u32 table, __u32 place)
{
	struct match_selector *selector = selector_at(table, place);

	return selector ? score_of(selector, place & SCORE_PLACES) : 0;
}

/*
 * Takes one word of what is left into what was found so far: a live selector that scores more than the one before it takes
 * its place. The functions from here on are global (verified once) and take no pointers: see match_path.h.
 */
__noinline __u64 match_word(__u32 slot, __u32 at, __u64 word, __u64 found)
{
	struct match_header *header = header_of(slot);
	__u32 tid = bpf_get_current_pid_tgid(), kind, place, shift, want = at >> SCAN_WANT_SHIFT;
	struct match_told *told;
	struct match_word *of;
	__u64 best, now;

	if (!header)
		return found | SCAN_BROKEN;
	of = word_at(header->table, at & (MATCH_WORDS - 1));
	if (!of)
		return found | SCAN_BROKEN;
	kind = of->kind;
	if (!(want >> (kind >> 1 & 1) & 1))
		return found;
	if (at & SCAN_TELL) {
		told = bpf_map_lookup_elem(&match_tolds, &tid);
		if (told)
			told->words[at & (MATCH_WORDS - 1)] = word;
		return found;
	}
	if (kind == KIND_MONITOR)
		return found | SCAN_MONITORS;
	at &= MATCH_WORDS - 1;
	shift = kind == KIND_POST ? SCAN_POSTS_SHIFT : 0;
	place = found >> shift & SCAN_PLACE;
	best = header->zero;
	if (place)
		best |= score_at(header->table, place - 1);
	if (of->best <= best)
		return found;
	now = bpf_ktime_get_boot_ns();
	for (int i = 0; i < 64; i++) {
		struct match_selector *selector;
		__u64 score, alive, higher;
		__u32 bit;

		if (!word)
			break;
		bit = lowest_bit(word) & 63;
		word = without_lowest(word);
		selector = &of->selector[bit];
		score = score_of(selector, 64 * at + bit);
		/* no branch: what it says of the scores would be another state with each place */
		alive = (__s64)(now - selector->deadline) >> 63;
		higher = (__s64)(best - score) >> 63;
		asm volatile("" : "+r"(alive), "+r"(higher));
		best ^= (best ^ score) & alive & higher;
	}
	if (!best)
		return found;
	return (found & ~(SCAN_PLACE << shift)) | (__u64)(place_of(best) + 1) << shift;
}

/*
 * What the functions below take: where to look, as slot | hook << 8 | mode << 16 (SCAN_TELL, wants) | which word of
 * summaries << 24 | place of the part << 32, and the classes of the hook's own operands, three in each number.
 */
#define CLASS_MASK ((1ULL << MATCH_CLASS_BITS) - 1)
#define SCAN_PART_SHIFT 24

static __always_inline bool bitmaps_find(struct match_bitmaps *bitmaps, __u64 where, __u64 first)
{
	__u32 slot = where & 0xff, place = where >> 32, table, number;
	struct match_header *header = header_of(slot);
	struct match_part *part;
	void *classes, *maps;

	/* or clang leaves arguments that are not used undefined, which the verifier refuses */
	asm volatile("" : : "r"(first));
	if (!header)
		return false;
	table = header->table;
	part = part_at(slot, header, place);
	classes = bpf_map_lookup_elem(&match_classes, &table);
	maps = bpf_map_lookup_elem(&match_bitmaps, &table);
	if (!part || !classes || !maps)
		return false;
	bitmaps->part = &part->bitmap;
#pragma unroll
	for (int k = 0; k < SCAN_OPERANDS; k++) {
		number = first >> MATCH_CLASS_BITS * k & CLASS_MASK;
		bitmaps->of[k] = bpf_map_lookup_elem(classes, &number);
		if (!bitmaps->of[k])
			return false;
		number = bitmaps->of[k]->base;
		bitmaps->base[k] = bpf_map_lookup_elem(maps, &number);
		if (!bitmaps->base[k])
			return false;
	}
	return true;
}

/* Takes from a word of what is left what the classes of the hook's fourth to sixth own operand do not have. */
__noinline __u64 match_rest(__u32 slot, __u32 at, __u64 word, __u64 second)
{
	struct match_header *header = header_of(slot);

	if (!header)
		return word;
	at &= MATCH_WORDS - 1;
	for (int k = 0; k < 3; k++) {
		__u32 number = second & CLASS_MASK;
		struct match_bitmap *base;
		struct match_class *of;
		__u64 left;

		second >>= MATCH_CLASS_BITS;
		if (!number)
			continue;
		of = class_at(header->table, number);
		base = of ? bitmap_at(header->table, of->base) : NULL;
		if (!base)
			break;
		left = base->words[at];
#pragma unroll
		for (int d = 0; d < MATCH_DELTAS; d++)
			if (of->delta[d].word == at)
				left ^= of->delta[d].bits;
		word &= left;
	}
	return word;
}

/*
 * Goes through the words under one word of summaries that may have a place left, and gives what match_word finds in them. No
 * branch but on whether anything is left: each would double the verifier's states with each word.
 */
__noinline __u64 match_scan_words(__u64 where, __u64 first, __u64 second, __u64 found)
{
	__u32 part = where >> SCAN_PART_SHIFT & (MATCH_SUMMARY - 1);
	struct match_bitmaps bitmaps;
	__u64 summary;

	asm volatile("" : : "r"(second));
	if (!bitmaps_find(&bitmaps, where, first))
		return SCAN_BROKEN;
	summary = summary_left(&bitmaps, part);
	for (int i = 0; i < 64; i++) {
		__u64 word;
		__u32 at;

		if (!summary)
			break;
		at = part * 64 + lowest_bit(summary);
		summary = without_lowest(summary);
		word = word_left(&bitmaps, at);
		if (MATCH_OWN_OPERANDS > SCAN_OPERANDS && word)
			word = match_rest(where & 0xff, at, word, second);
		if (word)
			found = match_word(where & 0xff, at | (where >> 8 & 0xff00), word, found);
	}
	return found;
}

/* Words of summaries under which a place may be left, a bit for each; or SCAN_BROKEN. Apart: see match_scan. */
__noinline __u64 match_scan_summary(__u64 where, __u64 first)
{
	struct match_bitmaps bitmaps;
	__u64 parts = 0;

	asm volatile("" : : "r"(first));
	if (!bitmaps_find(&bitmaps, where, first))
		return SCAN_BROKEN;
#pragma unroll
	for (int part = 0; part < MATCH_SUMMARY; part++) {
		__u64 left = summary_left(&bitmaps, part);

		parts |= (left | -left) >> 63 << part;
	}
	return parts;
}

/*
 * All words. Large tables are looked at by their summaries first, of which most events leave nothing. It keeps little on its
 * stack, which before 6.13 all functions that call one another share.
 */
__noinline __u64 match_scan(__u64 where, __u64 first, __u64 second)
{
	struct match_header *header = header_of(where & 0xff);
	__u64 found, parts;

	asm volatile("" : : "r"(first), "r"(second));
	if (!header)
		return SCAN_BROKEN;
	found = *(volatile __u64 *)&header->zero;
	if (header->words <= 64)
		return match_scan_words(where, first, second, found);
	parts = match_scan_summary(where, first);
	if (parts & SCAN_BROKEN)
		return SCAN_BROKEN;
	for (__u64 part = 0; part < MATCH_SUMMARY; part++)
		if (parts >> part & 1)
			found = match_scan_words(where | part << SCAN_PART_SHIFT, first, second,
						 found);
	return found;
}

/* Tells of the selector at a place, when it lives and does not decide. `floor`: the score of the one that decides. */
__noinline int match_tell_place(__u32 slot, __u32 place, __u64 floor)
{
	struct match_header *header = header_of(slot);
	struct match_selector *selector;
	__u64 score;

	if (!header)
		return 0;
	selector = selector_at(header->table, place);
	if (!selector || has_ended(selector))
		return 0;
	score = score_of(selector, place & SCORE_PLACES);
	if (header->flags & MATCH_EVERY ? score != floor : score > floor)
		match_tell_one(slot, place);
	return 0;
}

/* Tells of the live selectors of one word that are only told of. `decides`: the place of the one that decides, and one. */
__noinline int match_tell_word(__u32 slot, __u32 at, __u64 word, __u32 decides)
{
	struct match_header *header = header_of(slot);
	struct match_word *of;
	__u64 floor;

	if (!header)
		return 0;
	of = word_at(header->table, at & (MATCH_WORDS - 1));
	if (!of || of->kind == KIND_POST)
		return 0;
	if (of->kind == KIND_DECIDE && !(header->flags & MATCH_EVERY))
		return 0;
	floor = decides ? score_at(header->table, decides - 1) : 0;
	for (int i = 0; i < 64; i++) {
		if (!word)
			break;
		match_tell_place(slot, 64 * at + lowest_bit(word), floor);
		word = without_lowest(word);
	}
	return 0;
}

/* Tells of a block of what a scan with SCAN_TELL has kept. */
__noinline int match_tell_block(__u32 slot, __u32 first, __u32 decides)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct match_told *told = bpf_map_lookup_elem(&match_tolds, &tid);

	if (!told)
		return 0;
	first &= MATCH_WORDS - BLOCK_WORDS;
	for (__u32 at = 0; at < BLOCK_WORDS; at++)
		if (told->words[first + at])
			match_tell_word(slot, first + at, told->words[first + at], decides);
	return 0;
}

static __always_inline void match_tell_kept(struct match_header *header, __u32 slot, __u32 decides)
{
	for (__u32 first = 0; first < MATCH_WORDS; first += BLOCK_WORDS) {
		if (first >= *(volatile __u32 *)&header->words)
			break;
		match_tell_block(slot, first, decides);
	}
}
