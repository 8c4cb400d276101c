/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The matcher: selectors of a hook as aggregated bit vectors, one lookup per operand, whatever their number.
 *
 * A hook is one global function with numbers as arguments, which every rung of it calls:
 *
 *	__noinline __u32 match_connect_verdict(__u64 address0, __u64 address1, __u32 socket)
 *	{
 *		struct match_event event = {.hook = HOOK_NETWORK_CONNECT, ...};	what denial records tell
 *
 *		if (!match_begin(&event))
 *			return event.verdict;
 *		match_own_address(&event, OPERAND_DADDR);	one call for each operand of its own,
 *		match_own_number(&event, OPERAND_DPORT, port);	numbered from MATCH_OWN(0)
 *		return match_end(&event);
 *	}
 *
 * The object says before it includes this how many they are (the highest number and one): MATCH_OWN_OPERANDS. What they
 * are called and how their values are written is one file in agent/selectors/hooks.
 */
#pragma once

#include "match_scan.h"

#define MATCH_SIGKILL 9
#define MATCH_SIGTERM 15

static __always_inline __u32 verdict_of(__u32 action)
{
	if (action == ACTION_DENY)
		return MATCH_DENY;
	if (action == ACTION_KILL)
		return MATCH_KILL;
	return action == ACTION_SIGNAL ? MATCH_SIGNAL : MATCH_PASS;
}

/* Tells of what is only told of: a second scan keeps it, so that no more has to be kept of an event that matches nothing. */
static __always_inline void match_tell_others(struct match_event *event, __u64 where, __u64 first,
					      __u64 second, __u32 decides)
{
	__u32 tid = bpf_get_current_pid_tgid(), zero = 0;
	struct match_told *empty = bpf_map_lookup_elem(&match_told_zero, &zero);

	if (!empty || bpf_map_update_elem(&match_tolds, &tid, empty, BPF_ANY)) {
		match_count(COUNT_UNTOLD);
		return;
	}
	match_scan(where | SCAN_TELL << 8, first, second);
	match_tell_kept(event->header, event->slot, decides);
	bpf_map_delete_elem(&match_tolds, &tid);
}

/* Counts and tells what matched; the verdict, and MATCH_POSTS. Apart, since most events match nothing. */
static __always_inline __u32 match_act(struct match_event *event, __u64 found, __u64 where,
				       __u64 first, __u64 second)
{
	__u32 decides = found & SCAN_PLACE, posts = found >> SCAN_POSTS_SHIFT & SCAN_PLACE;
	__u32 tid = bpf_get_current_pid_tgid(), verdict = MATCH_PASS;
	bool every = event->header->flags & MATCH_EVERY;
	struct match_part *part;

	part = part_at(event->slot, event->header, event->place);
	if (part)
		event->unknown |= part->inputs.unknown;
	bpf_map_update_elem(&match_events, &tid, event, BPF_ANY);
	if (found & SCAN_MONITORS || (every && decides))
		match_tell_others(event, where, first, second, decides);
	if (decides)
		verdict = verdict_of(match_tell_one(event->slot, decides - 1));
	if (posts && match_may_post(event->slot, posts - 1))
		verdict |= MATCH_POSTS;
	bpf_map_delete_elem(&match_events, &tid);
	return verdict;
}

static __always_inline __u64 classes_of(const __u32 *own)
{
	return own[0] | (__u64)own[1] << MATCH_CLASS_BITS | (__u64)own[2] << 2 * MATCH_CLASS_BITS;
}

static __always_inline __u32 match_end(struct match_event *event)
{
	__u64 want = event->want ? event->want : MATCH_WANT_ENFORCE | MATCH_WANT_POST;
	__u64 where = event->slot | event->hook << 8 | want << (8 + SCAN_WANT_SHIFT) |
		      (__u64)event->place << 32;
	__u64 first = classes_of(event->own), second = classes_of(event->own + 3), found;
	__u32 verdict = MATCH_PASS;

	found = match_scan(where, first, second);
	if (found & SCAN_BROKEN) {
		match_count(COUNT_BROKEN);
		/* what cannot be decided is denied where somebody wants something denied here */
		verdict = event->header->flags & MATCH_ENFORCES ? MATCH_DENY : MATCH_PASS;
	} else if (found) {
		verdict = match_act(event, found, where, first, second);
	}
	if (event->place & PART_SPARE)
		match_spare_drop(event->hook, event->place);
	return verdict;
}

static __always_inline void match_signal(__u32 signal)
{
	if (bpf_send_signal(signal))
		match_count(COUNT_FAILED);
}

/*
 * The current process's new image: from its state (path_slot 0), or before exec has made it its own from a path slot and
 * its properties. A function of its own for the verifier: the exec program's states and these do not multiply.
 */
__noinline __u32 match_exec_verdict(__u32 path_slot, __u32 properties, __u32 want)
{
	struct match_event event = {
		.hook = HOOK_PROCESS_EXEC,
		.path_slot = path_slot,
		.properties = properties,
		.want = want,
	};

	if (!match_begin(&event))
		return event.verdict;
	return match_end(&event);
}

/*
 * Called in sched_process_exec after proc_state_on_exec. Kills the current process (SIGKILL, before its first
 * instruction) when an enforcing selector says so, posts denial records, and returns the verdict.
 */
static __always_inline __u32 match_exec(__u32 want)
{
	__u32 verdict = match_exec_verdict(0, 0, want), act = verdict & 0xff;

	if (act == MATCH_DENY || act == MATCH_KILL)
		match_signal(MATCH_SIGKILL);
	else if (act == MATCH_SIGNAL)
		match_signal(MATCH_SIGTERM);
	return verdict;
}
