/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The AND of an event's bitmaps, walked in order of priority. An enforcing selector decides; those in mode monitor with a
 * higher place are told and never mask it, which is why the two are walked apart.
 *
 * A selector whose lease has ended is passed over here, whatever the agent does. With it goes the rest of its group in the
 * word (same priority and action: those behind it ended before it). The walk has no other bound than the number of
 * selectors, so that nothing is decided unseen.
 */
#pragma once

#include "match_event.h"

#define MATCH_BITMAPS (MATCH_OPERANDS + 1)
#define NSEC_PER_SEC 1000000000ULL

/* Events of which a selector is told, by thread, while that is done. Never per CPU: a program can be preempted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(__u32));
	/* not its type: clang would then leave struct process_state, a pointer in it, out of the BTF */
	__uint(value_size, sizeof(struct match_event));
	__uint(map_flags, BPF_F_NO_PREALLOC);
} match_events SEC(".maps");

struct match_bitmaps {
	const __u8 *of[MATCH_BITMAPS]; /* the last one: by mode */
};

#define NO_SELECTOR 0xffffffff

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

/* `at` in bytes, below sizeof(struct match_class) - 7. */
static __always_inline __u64 bitmaps_and(struct match_bitmaps *bitmaps, __u32 at)
{
	__u64 word = ~0ULL;

#pragma unroll
	for (int k = 0; k < MATCH_BITMAPS; k++)
		word &= *(__u64 *)(bitmaps->of[k] + at);
	return word;
}

static __always_inline bool has_ended(struct match_selector *selector, __u64 now)
{
	return selector->deadline && now >= selector->deadline;
}

/* Counts a match; returns how many matches its record stands for, 0 when the rate limit lets none pass. */
static __always_inline __u32 match_account(struct match_selector *selector,
					   struct match_event *event)
{
	__u32 number = selector->counters;
	__u64 interval = selector->interval, now = event->now, credit, most, count;
	struct match_counters *counters = bpf_map_lookup_elem(&selector_counters, &number);

	if (!counters)
		return 1;
	__sync_fetch_and_add(&counters->hits, 1);
	if (selector->mode == MODE_ENFORCE)
		__sync_fetch_and_add(&counters->denied, 1);
	else
		__sync_fetch_and_add(&counters->would_deny, 1);
	if (selector->operands & event->unknown)
		__sync_fetch_and_add(&counters->undecided, 1);
	most = interval > NSEC_PER_SEC ? interval : NSEC_PER_SEC;
	bpf_spin_lock(&counters->lock);
	credit = counters->credit;
	/* clocks of two CPUs, read before the lock was had */
	if (now > counters->refilled) {
		credit += now - counters->refilled;
		counters->refilled = now;
	}
	if (credit > most)
		credit = most;
	if (credit >= interval) {
		credit -= interval;
		count = counters->pending + 1;
		counters->pending = 0;
	} else {
		counters->pending++;
		count = 0;
	}
	counters->credit = credit;
	bpf_spin_unlock(&counters->lock);
	if (!count)
		__sync_fetch_and_add(&counters->suppressed, 1);
	return count;
}

/* The ring was full: the next record stands for these too. */
static __always_inline void match_give_back(__u32 number, __u32 count)
{
	struct match_counters *counters = bpf_map_lookup_elem(&selector_counters, &number);

	if (!counters)
		return;
	__sync_fetch_and_add(&counters->suppressed, 1);
	bpf_spin_lock(&counters->lock);
	counters->pending += count;
	bpf_spin_unlock(&counters->lock);
}

/* Counts a match and posts its record. */
static __always_inline void match_tell(struct match_event *event, struct match_selector *selector,
				       __u32 index)
{
	struct task_struct *task = event->task;
	struct denial_record *record;
	__u32 count;

	count = match_account(selector, event);
	if (!count)
		return;
	record = record_reserve(RECORD_DENIAL, sizeof(*record));
	if (!record) {
		match_give_back(selector->counters, count);
		return;
	}
	record->process.start = event->start;
	record->process.self_exec_id = BPF_CORE_READ(task, self_exec_id);
	record->process.tgid = event->tgid;
	record->process.reserved = 0;
	record->install = event->install;
	record->selector = index;
	record->count = count;
	record->tid = event->tid;
	record->operands = selector->operands & event->unknown;
	record->hook = event->hook;
	record->mode = selector->mode;
	record->action = selector->action;
	record->flags = record->operands ? DENIAL_UNDECIDED : 0;
	record->family = event->family;
	record->protocol = event->protocol;
	record->dport = event->dport;
	__builtin_memcpy(record->daddr, event->address, sizeof(record->daddr));
	record->path_len = 0;
	__builtin_memset(&record->file, 0, sizeof(record->file));
	record_submit(record);
}

/*
 * The first live selector among those of one word that survive, or NO_SELECTOR. The functions from here on are global
 * (verified once) and take no pointers: see match_path.h.
 */
__noinline __u32 match_first(__u32 slot, __u32 base, __u64 word, __u64 now)
{
	void *selectors = bpf_map_lookup_elem(&match_selectors, &slot);

	if (!selectors)
		return NO_SELECTOR;
	for (int i = 0; i < 64; i++) {
		struct match_selector *selector;
		__u32 index = base + lowest_bit(word);

		if (!word)
			break;
		selector = bpf_map_lookup_elem(selectors, &index);
		if (!selector) {
			match_count(COUNT_BROKEN);
			break;
		}
		if (!has_ended(selector, now))
			return index;
		word &= selector->beyond;
	}
	return NO_SELECTOR;
}

/* Tells of each live selector of one word whose place is before `end`: the event is what match_events has for `tid`. */
__noinline int match_tell_word(__u32 tid, __u32 slot, __u32 base, __u64 word, __u32 end)
{
	struct match_event *event = bpf_map_lookup_elem(&match_events, &tid);
	void *selectors = bpf_map_lookup_elem(&match_selectors, &slot);

	if (!selectors || !event)
		return 0;
	for (int i = 0; i < 64; i++) {
		struct match_selector *selector;
		__u32 index = base + lowest_bit(word);

		if (!word || index >= end)
			break;
		selector = bpf_map_lookup_elem(selectors, &index);
		if (!selector) {
			match_count(COUNT_BROKEN);
			break;
		}
		if (has_ended(selector, event->now)) {
			word &= selector->beyond;
		} else {
			match_tell(event, selector, index);
			word = without_lowest(word);
		}
	}
	return 0;
}

/* Tells of one selector; returns its action. */
__noinline __u32 match_tell_one(__u32 tid, __u32 slot, __u32 index)
{
	struct match_event *event = bpf_map_lookup_elem(&match_events, &tid);
	void *selectors = bpf_map_lookup_elem(&match_selectors, &slot);
	struct match_selector *selector;

	if (!selectors)
		return ACTION_POST;
	selector = bpf_map_lookup_elem(selectors, &index);
	if (!selector)
		return ACTION_POST;
	/* there was no memory to tell of it with; it is enforced all the same */
	if (event)
		match_tell(event, selector, index);
	else
		match_count(COUNT_UNTOLD);
	return selector->action;
}

/* Place of the first live selector that survives in the bitmaps, or NO_SELECTOR. */
static __always_inline __u32 scan_first(struct match_bitmaps *bitmaps, __u32 slot, __u64 now)
{
	for (__u32 part = 0; part < MATCH_SUMMARY; part++) {
		__u64 summary = bitmaps_and(bitmaps, 8 * part);

		for (int i = 0; i < 64; i++) {
			__u32 at = 64 * part + lowest_bit(summary), index;
			__u64 word;

			if (!summary)
				break;
			summary = without_lowest(summary);
			if (at >= MATCH_WORDS)
				break;
			word = bitmaps_and(bitmaps, 8 * MATCH_SUMMARY + 8 * at);
			if (!word)
				continue;
			index = match_first(slot, 64 * at, word, now);
			if (index != NO_SELECTOR)
				return index;
		}
	}
	return NO_SELECTOR;
}

/* Tells of every live selector that survives in the bitmaps and whose place is before `end`. */
static __always_inline void scan_tell(struct match_bitmaps *bitmaps, struct match_event *event,
				      __u32 slot, __u32 end)
{
	for (__u32 part = 0; part < MATCH_SUMMARY; part++) {
		__u64 summary = bitmaps_and(bitmaps, 8 * part);

		for (int i = 0; i < 64; i++) {
			__u32 at = 64 * part + lowest_bit(summary);
			__u64 word;

			if (!summary)
				break;
			summary = without_lowest(summary);
			if (at >= MATCH_WORDS)
				break;
			word = bitmaps_and(bitmaps, 8 * MATCH_SUMMARY + 8 * at);
			if (!word)
				continue;
			bpf_map_update_elem(&match_events, &event->tid, event, BPF_NOEXIST);
			match_tell_word(event->tid, slot, 64 * at, word, end);
		}
	}
}
