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

/* Those that a scan goes by; the others are asked for the words that are left then: with more, the verifier gives up. */
#define SCAN_OPERANDS (MATCH_OWN_OPERANDS < 3 ? MATCH_OWN_OPERANDS : 3)

/* What is ANDed: the process's part, and a class for each of the hook's own operands. */
struct match_bitmaps {
	struct match_bitmap *part;
	struct match_class *of[SCAN_OPERANDS + 1];
	struct match_bitmap *base[SCAN_OPERANDS + 1];
	__u64 zero; /* 0, which the verifier does not know */
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

/* The score of the selector at a place. */
static __always_inline __u64 score_at(void *selectors, __u32 place)
{
	struct match_selector *selector = bpf_map_lookup_elem(selectors, &place);

	return selector ? score_of(selector, place & SCORE_PLACES) : 0;
}

/*
 * Takes one word of what is left into what was found so far: a live selector that scores more than the one before it takes
 * its place. The functions from here on are global (verified once) and take no pointers: see match_path.h.
 */
__noinline __u64 match_word(__u32 slot, __u32 at, __u64 word, __u64 found)
{
	void *selectors = bpf_map_lookup_elem(&match_selectors, &slot);
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	__u32 tid = bpf_get_current_pid_tgid(), kind, place, shift, want = at >> SCAN_WANT_SHIFT;
	struct match_told *told;
	__u64 best, now;

	if (!selectors || !header)
		return found | SCAN_BROKEN;
	kind = header->kind[at & (MATCH_WORDS - 1)];
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
		best |= score_at(selectors, place - 1);
	if (header->best[at] <= best)
		return found;
	now = bpf_ktime_get_boot_ns();
	for (int i = 0; i < 64; i++) {
		struct match_selector *selector;
		__u64 score, alive, higher;

		if (!word)
			break;
		place = 64 * at + lowest_bit(word);
		word = without_lowest(word);
		selector = bpf_map_lookup_elem(selectors, &place);
		if (!selector)
			return found | SCAN_BROKEN;
		score = score_of(selector, place);
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
 * What the functions below take: where to look, as slot | hook << 8 | mode << 16 (SCAN_TELL, wants) | place of the part << 32,
 * and the classes of the hook's own operands, three in each number.
 */
#define CLASS_MASK ((1ULL << MATCH_CLASS_BITS) - 1)

static __always_inline bool bitmaps_find(struct match_bitmaps *bitmaps, __u64 where, __u64 first)
{
	__u32 slot = where & 0xff, hook = where >> 8 & 0xff, place = where >> 32, pool, number;
	struct match_header *header;
	struct match_part *part;
	struct match_class *live;
	void *classes, *maps;

	/* or clang leaves arguments that are not used undefined, which the verifier refuses */
	asm volatile("" : : "r"(first));
	header = bpf_map_lookup_elem(&match_headers, &slot);
	if (!header)
		return false;
	bitmaps->zero = *(volatile __u64 *)&header->zero;
	pool = header->pool;
	classes = bpf_map_lookup_elem(&match_classes, &pool);
	maps = bpf_map_lookup_elem(&match_bitmaps, &slot);
	if (!classes || !maps)
		return false;
	if (place == PART_NONE) {
		number = header->live;
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

/*
 * A walk over the words that may have a place left: each, and once more for each word of summaries. One loop of which the
 * verifier knows nothing but the count, so that the states of all its ways through are the same ones.
 */
#define SCAN_STEPS (MATCH_WORDS + MATCH_SUMMARY)
#define SCAN_NEXT(bitmaps, part, summary)                                     \
	part ^= bitmaps.zero;                                                 \
	if (!summary) {                                                       \
		part++;                                                       \
		if (part >= MATCH_SUMMARY)                                    \
			break;                                                \
		summary = summary_left(&bitmaps, part & (MATCH_SUMMARY - 1)); \
		continue;                                                     \
	}

/* Takes from a word of what is left what the classes of the hook's fourth to sixth own operand do not have. */
__noinline __u64 match_rest(__u32 slot, __u32 at, __u64 word, __u64 second)
{
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	void *maps = bpf_map_lookup_elem(&match_bitmaps, &slot), *classes;
	__u32 pool;

	if (!header || !maps)
		return word;
	pool = header->pool;
	classes = bpf_map_lookup_elem(&match_classes, &pool);
	if (!classes)
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
		of = bpf_map_lookup_elem(classes, &number);
		if (!of)
			break;
		number = of->base;
		base = bpf_map_lookup_elem(maps, &number);
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
 * Goes through the words that may have a place left and gives what match_word finds in them. No branch but on whether
 * anything is left: each would double the verifier's states with each word.
 */
__noinline __u64 match_scan(__u64 where, __u64 first, __u64 second)
{
	__u64 found, summary, part;
	struct match_bitmaps bitmaps;

	asm volatile("" : : "r"(second));
	if (!bitmaps_find(&bitmaps, where, first))
		return SCAN_BROKEN;
	found = part = bitmaps.zero;
	summary = summary_left(&bitmaps, 0);
	for (int i = 0; i < SCAN_STEPS; i++) {
		__u64 word;
		__u32 at;

		SCAN_NEXT(bitmaps, part, summary);
		at = (part & (MATCH_SUMMARY - 1)) * 64 + lowest_bit(summary);
		summary = without_lowest(summary);
		word = word_left(&bitmaps, at);
		if (MATCH_OWN_OPERANDS > SCAN_OPERANDS && word)
			word = match_rest(where & 0xff, at, word, second);
		if (word)
			found = match_word(where & 0xff, at | (where >> 8 & 0xff00), word, found);
	}
	return found;
}

/* Tells of the live selectors of one word that are only told of. `decides`: the place of the one that decides, and one. */
__noinline int match_tell_word(__u32 slot, __u32 at, __u64 word, __u32 decides)
{
	void *selectors = bpf_map_lookup_elem(&match_selectors, &slot);
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	__u64 floor;
	bool every;

	if (!selectors || !header)
		return 0;
	at &= MATCH_WORDS - 1;
	every = header->flags & MATCH_EVERY;
	if (header->kind[at] == KIND_POST || (header->kind[at] == KIND_DECIDE && !every))
		return 0;
	floor = decides ? score_at(selectors, decides - 1) : 0;
	for (int i = 0; i < 64; i++) {
		struct match_selector *selector;
		__u32 place = 64 * at + lowest_bit(word);
		__u64 score;

		if (!word)
			break;
		word = without_lowest(word);
		selector = bpf_map_lookup_elem(selectors, &place);
		if (!selector)
			break;
		score = score_of(selector, place);
		if ((every ? score != floor : score > floor) && !has_ended(selector))
			match_tell_one(slot, place);
	}
	return 0;
}

/* Tells of what a scan with SCAN_TELL has kept. */
__noinline int match_tell_kept(__u32 slot, __u32 decides)
{
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	__u32 tid = bpf_get_current_pid_tgid();
	struct match_told *told = bpf_map_lookup_elem(&match_tolds, &tid);

	if (!header || !told)
		return 0;
	for (__u32 at = 0; at < MATCH_WORDS; at++) {
		if (at >= *(volatile __u32 *)&header->words)
			break;
		if (told->words[at])
			match_tell_word(slot, at, told->words[at], decides);
	}
	return 0;
}
