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

/* Place of the lowest bit: de Bruijn, as there is no instruction for it. */
static const __u8 lowest_bit_of[64] = {
	0,  1,	2,  53, 3,  7,	54, 27, 4,  38, 41, 8,	34, 55, 48, 28, 62, 5,	39, 46, 44, 42,
	22, 9,	24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
	23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
};

static __always_inline __u32 lowest_bit(__u64 word)
{
	return lowest_bit_of[((word & -word) * 0x022fdd63cc95386dULL) >> 58];
}

/* Not word & (word - 1): that has a bound that falls with each step, and no two states of the verifier are alike. */
static __always_inline __u64 without_lowest(__u64 word)
{
	__u64 lowest = word & -word;

	/* or clang makes it that */
	asm volatile("" : "+r"(lowest));
	return word ^ lowest;
}

/* Operands of its own that an object's hook has: the highest number and one. */
#ifndef MATCH_OWN_OPERANDS
#error "say before match.h how many operands of its own the hook has: MATCH_OWN_OPERANDS"
#endif

/* What is ANDed: the process's part, and a class for each of the hook's own operands. */
struct match_bitmaps {
	struct match_bitmap *part;
	struct match_class *of[MATCH_OWN_OPERANDS + 1];
	struct match_bitmap *base[MATCH_OWN_OPERANDS + 1];
	struct match_header *header;
};

/* Word `at` of the places that are left. */
static __always_inline __u64 word_left(struct match_bitmaps *bitmaps, __u32 at)
{
	__u64 word = bitmaps->part->words[at & (MATCH_WORDS - 1)];

#pragma unroll
	for (int k = 0; k < MATCH_OWN_OPERANDS; k++) {
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
	for (int k = 0; k < MATCH_OWN_OPERANDS; k++)
		word &= bitmaps->base[k]->summary[at] | bitmaps->of[k]->touched[at];
	return word;
}

static __always_inline bool has_ended(struct match_selector *selector)
{
	return selector->deadline && bpf_ktime_get_boot_ns() >= selector->deadline;
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

/* What is done with the places that are left. */
#define SCAN_FIND 0 /* the best of them that decide, and of those that say whether to post */
#define SCAN_TELL 256 /* those that are only told of */

/*
 * Finds the highest score of a live selector among the places of word `at`, or `floor` when none has more; with SCAN_TELL
 * in `at` tells of each one instead that is only told of and scores more than `floor`. The functions from here on are
 * global (verified once) and take no pointers: see match_path.h.
 */
__noinline __u64 match_word(__u32 slot, __u32 at, __u64 word, __u64 floor)
{
	void *selectors = bpf_map_lookup_elem(&match_selectors, &slot);
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	bool tell = at & SCAN_TELL, every;
	__u32 kind;

	if (!selectors || !header)
		return floor;
	at &= MATCH_WORDS - 1;
	kind = header->kind[at];
	every = header->flags & MATCH_EVERY;
	if (tell ? kind == KIND_POST || (kind == KIND_DECIDE && !every)
		 : kind == KIND_MONITOR || header->best[at] <= floor)
		return floor;
	for (int i = 0; i < 64; i++) {
		struct match_selector *selector;
		__u32 place = 64 * at + lowest_bit(word);
		__u64 score;

		if (!word)
			break;
		word = without_lowest(word);
		selector = bpf_map_lookup_elem(selectors, &place);
		if (!selector) {
			match_count(COUNT_BROKEN);
			break;
		}
		score = score_of(selector, place);
		if (has_ended(selector) || (every ? score == floor : score <= floor))
			continue;
		if (tell)
			match_tell_one(slot, place);
		else if (score > floor)
			floor = score;
	}
	return floor;
}

/*
 * What the functions below take: where to look, as slot | hook << 8 | want << 16 | place of the part << 32, and the classes
 * of the hook's own operands, three in each number.
 */
#define CLASS_MASK ((1ULL << MATCH_CLASS_BITS) - 1)

static __always_inline bool bitmaps_find(struct match_bitmaps *bitmaps, __u64 where, __u64 first,
					 __u64 second)
{
	__u32 slot = where & 0xff, hook = where >> 8 & 0xff, place = where >> 32, pool, number;
	struct match_part *part;
	struct match_class *live;
	void *classes, *maps;

	/* or clang leaves arguments that are not used undefined, which the verifier refuses */
	asm volatile("" : : "r"(first), "r"(second));
	bitmaps->header = bpf_map_lookup_elem(&match_headers, &slot);
	if (!bitmaps->header)
		return false;
	pool = bitmaps->header->pool;
	classes = bpf_map_lookup_elem(&match_classes, &pool);
	maps = bpf_map_lookup_elem(&match_bitmaps, &slot);
	if (!classes || !maps)
		return false;
	if (place == PART_NONE) {
		number = bitmaps->header->live;
		live = bpf_map_lookup_elem(classes, &number);
		if (!live)
			return false;
		number = live->base;
		bitmaps->part = bpf_map_lookup_elem(maps, &number);
		if (!bitmaps->part)
			return false;
	} else {
		part = part_at(slot, hook, place);
		if (!part)
			return false;
		bitmaps->part = &part->bitmap;
	}
#pragma unroll
	for (int k = 0; k < MATCH_OWN_OPERANDS; k++) {
		number = (k < 3 ? first : second) >> MATCH_CLASS_BITS * (k % 3) & CLASS_MASK;
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

/*
 * A walk over the words that may have a place left: each, and once more for each word of summaries. One loop of which the
 * verifier knows nothing but the count, so that the states of all its ways through are the same ones.
 */
#define SCAN_STEPS (MATCH_WORDS + MATCH_SUMMARY)
#define SCAN_NEXT(bitmaps, part, summary, zero)                               \
	part ^= zero;                                                         \
	if (!summary) {                                                       \
		part++;                                                       \
		if (part >= MATCH_SUMMARY)                                    \
			break;                                                \
		summary = summary_left(&bitmaps, part & (MATCH_SUMMARY - 1)); \
		continue;                                                     \
	}

/* What match_scan gives: the places, each one more, of what decides and of what says whether to post. */
#define SCAN_PLACE 0xffffULL
#define SCAN_POSTS_SHIFT 16
#define SCAN_MONITORS (1ULL << 32)
#define SCAN_BROKEN (1ULL << 33)

/*
 * Finds the best that decides, the best that says whether to post, and whether anything is in mode monitor. With SCAN_TELL
 * in `where` (bit 24) tells of what is only told of instead: what scores more than `floor`, which is 0 else. No branch but
 * on whether anything is left: each would double the verifier's states with each word.
 */
__noinline __u64 match_scan(__u64 where, __u64 first, __u64 second, __u64 floor)
{
	__u64 decides, posts, monitors, summary, part, zero, want = where >> 16 & 0xff;
	__u32 slot = where & 0xff, mode = where >> 16 & SCAN_TELL;
	struct match_bitmaps bitmaps;

	if (!bitmaps_find(&bitmaps, where, first, second))
		return SCAN_BROKEN;
	zero = *(volatile __u64 *)&bitmaps.header->zero;
	posts = monitors = part = zero;
	decides = floor ^ zero;
	summary = summary_left(&bitmaps, 0);
	for (int i = 0; i < SCAN_STEPS; i++) {
		__u64 word, kind, is_post, best;
		__u32 at;

		SCAN_NEXT(bitmaps, part, summary, zero);
		at = (part & (MATCH_SUMMARY - 1)) * 64 + lowest_bit(summary);
		summary = without_lowest(summary);
		kind = bitmaps.header->kind[at & (MATCH_WORDS - 1)];
		word = word_left(&bitmaps, at) & -(want >> (kind >> 1 & 1) & 1);
		if (!word)
			continue;
		monitors |= kind;
		is_post = -(kind >> 1 & 1);
		asm volatile("" : "+r"(is_post));
		best = match_word(slot, at | mode, word, (posts & is_post) | (decides & ~is_post));
		posts = (best & is_post) | (posts & ~is_post);
		decides = (best & ~is_post) | (decides & is_post);
	}
	return (decides ? place_of(decides) + 1 : 0) |
	       (posts ? (__u64)place_of(posts) + 1 : 0) << SCAN_POSTS_SHIFT |
	       (monitors & KIND_MONITOR ? SCAN_MONITORS : 0);
}

/* The score of the selector at a place. */
__noinline __u64 match_score_at(__u32 slot, __u32 place)
{
	void *selectors = bpf_map_lookup_elem(&match_selectors, &slot);
	struct match_selector *selector;

	selector = selectors ? bpf_map_lookup_elem(selectors, &place) : NULL;
	return selector ? score_of(selector, place & SCORE_PLACES) : 0;
}
