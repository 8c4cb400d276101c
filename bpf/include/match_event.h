/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a hook knows of an event. A hook fills in what it is about, calls match_begin, one match_own_* for each operand of
 * its own, and match_end: see match.h.
 */
#pragma once

#include "denial.h"
#include "match_refresh.h"

/* What a hook wants of the selectors; 0 is both. */
enum match_want {
	MATCH_WANT_ENFORCE = 1 << 0, /* deny, kill, signal, also in mode monitor */
	MATCH_WANT_POST = 1 << 1, /* post, noPost */
};

/* Verdicts: the low byte of what match_end returns. */
enum match_verdict {
	MATCH_PASS = 0,
	MATCH_DENY = 1,
	MATCH_KILL = 2,
	MATCH_SIGNAL = 3,
};

/* Beside the verdict: a selector asks for the event. */
#define MATCH_POSTS 256

struct match_event {
	__u64 address[2]; /* as in a denial record */
	__u64 unknown; /* bits of operands without a value: all selectors survive there */
	__u32 path_slot; /* 0: none */
	__u32 second_slot; /* of a hook that is about two paths */
	__u32 properties; /* of an image that is not the process's own yet */
	__u32 place; /* of the process's part */
	__u16 dport;
	__u8 family; /* AF_INET, AF_INET6, or 0 where there is no destination */
	__u8 protocol;
	__u8 hook;
	__u8 want;
	__u8 slot;
	__u8 verdict;
	/* not told */
	struct match_header *header;
	__u32 own[MATCH_OWNS]; /* classes of the hook's own operands; 0: all */
};

/* The part that matters to whoever tells of a match. */
struct match_facts {
	__u64 words[__builtin_offsetof(struct match_event, header) / 8];
};

/*
 * Reads the root, finds the current process's part. Returns false when there is nothing to match: event->verdict is then
 * the answer.
 */
static __always_inline bool match_begin(struct match_event *event)
{
	struct match_entry *entry = match_entry_of(event->hook);
	__u32 slot, image = event->hook == HOOK_PROCESS_EXEC ? event->path_slot : 0;

	event->verdict = MATCH_PASS;
	if (!entry || !entry->selectors)
		return false;
	slot = entry->slot;
	event->slot = slot;
	event->header = header_of(slot);
	if (!event->header)
		return false;
	event->place = image ? PART_UNKNOWN : match_remembered(slot, event->hook, entry->epoch);
	if (event->place == PART_UNKNOWN)
		event->place =
			match_refresh(slot, event->hook, entry->epoch, image, event->properties);
	/* through a number that the verifier does not know, or each combination of bits is a state of its own to it */
	event->unknown = *(volatile __u64 *)&event->header->zero;
	if (event->place == PART_EXEMPT)
		return false;
	match_count_seen(event->hook);
	return true;
}

static __always_inline void match_own_number(struct match_event *event, const __u32 operand,
					     __u64 number)
{
	if (event->header->active & BIT(operand))
		event->own[operand - MATCH_OWN(0)] =
			match_number_class(event->slot, operand, number);
}

static __always_inline void match_own_address(struct match_event *event, const __u32 operand)
{
	if (event->header->active & BIT(operand))
		event->own[operand - MATCH_OWN(0)] =
			match_address_class(event->slot, operand, event->family == AF_INET ? 4 : 6,
					    event->address[0], event->address[1]);
}

/* Of the bits only those matter that some selector asks for; each combination of them has a class. */
static __always_inline void match_own_mask(struct match_event *event, const __u32 operand,
					   __u32 bits)
{
	match_own_number(event, operand, bits & event->header->care[operand - MATCH_OWN(0)]);
}

/*
 * Class of an operand of the path in a path slot, with bit 31 when it is not known. `which`: 0 exact, 1 prefix, 2 suffix;
 * with 4, of the hook's second path.
 */
__noinline __u32 match_own_path_class(__u32 path_slot, __u32 slot, __u32 which)
{
	struct match_header *header = header_of(slot);
	struct path_text *text = own_text(path_slot, false);
	__u32 family = which & 4 ? TEXT_SECOND : TEXT_OWN, kind = which & 3, class;
	__u32 walk = family << WALK_FAMILY_SHIFT | WALK_PATH_SLOT;
	__u64 found;

	if (!header || kind > 2 || !text || !text->length)
		return 1U << 31;
	found = match_path(path_slot, slot, kind == 2 ? walk | WALK_REVERSED : walk);
	class = kind ? found : found >> 32;
	kind += which & 4 ? MATCH_OWN(3) : MATCH_OWN(0);
	return class ? class - 1 : header->none[kind];
}

static __always_inline void match_path_operands(struct match_event *event, const __u32 operand,
						__u32 path_slot)
{
#pragma unroll
	for (int k = 0; k < 3; k++) {
		__u64 class;

		if (!(event->header->active & BIT(operand + k)))
			continue;
		class = match_own_path_class(path_slot, event->slot,
					     k | (operand == MATCH_OWN(0) ? 0 : 4));
		event->unknown |= class >> 31 << (operand + k);
		event->own[operand + k - MATCH_OWN(0)] = class & ~(1U << 31);
	}
}

/* The path in the event's path slot: three operands, of which `operand` is the first. That is MATCH_OWN(0). */
static __always_inline void match_own_text(struct match_event *event, const __u32 operand)
{
	match_path_operands(event, operand, event->path_slot);
}

/* The same of the event's second path, as MATCH_OWN(3) to MATCH_OWN(5). */
static __always_inline void match_own_second_text(struct match_event *event, const __u32 operand)
{
	match_path_operands(event, operand, event->second_slot);
}
