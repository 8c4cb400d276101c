/* SPDX-License-Identifier: GPL-2.0 */
/* The matcher: selectors of a hook as aggregated bit vectors, one lookup per operand, whatever their number. */
#pragma once

#include "match_scan.h"

/* verdicts */
enum match_verdict {
	MATCH_PASS = 0,
	MATCH_DENY = 1,
	MATCH_KILL = 2,
	MATCH_SIGNAL = 3,
};

#define MATCH_SIGKILL 9
#define MATCH_SIGTERM 15

static __always_inline __u32 verdict_of(__u8 action)
{
	if (action == ACTION_DENY)
		return MATCH_DENY;
	if (action == ACTION_KILL)
		return MATCH_KILL;
	return action == ACTION_SIGNAL ? MATCH_SIGNAL : MATCH_PASS;
}

/* Bitmaps for the operands' classes; false when not even the bitmap of all selectors is there. */
static __always_inline bool find_bitmaps(struct match_bitmaps *bitmaps, struct match_event *event,
					 void *classes)
{
	__u32 zero = 0;
	const __u8 *all = bpf_map_lookup_elem(classes, &zero);

	if (!all)
		return false;
#pragma unroll
	for (int i = 0; i < MATCH_OPERANDS; i++) {
		const __u8 *bitmap = bpf_map_lookup_elem(classes, &event->classes[i]);

		bitmaps->of[i] = bitmap;
		if (!bitmap) {
			bitmaps->of[i] = all;
			event->unknown |= BIT(i);
		}
	}
	return true;
}

/*
 * The verdict on an event of the current task, whose hook and destination are filled in. Tells what matched. `keep`: the
 * path operands' classes are worth keeping for the process's next event.
 */
static __always_inline __u32 match_event(struct match_event *event, bool keep)
{
	struct match_header *header = match_header_of(event->hook);
	void *values, *prefixes, *classes;
	__u64 pid = bpf_get_current_pid_tgid(), cgroup_id = bpf_get_current_cgroup_id();
	__u32 slot, enforcing, monitoring, verdict, first = NO_SELECTOR;
	struct match_bitmaps bitmaps = {};
	struct cgroup_mark *cgroup;

	if (!header || !header->selectors)
		return MATCH_PASS;
	event->task = (struct task_struct *)bpf_get_current_task();
	event->tgid = pid >> 32;
	event->tid = pid;
	event->start = process_start(event->task);
	event->state = proc_state_of(event->tgid, event->start);
	cgroup = bpf_map_lookup_elem(&cgroup_marks, &cgroup_id);
	if (match_exempt(event, cgroup))
		return MATCH_PASS;
	event->now = bpf_ktime_get_boot_ns();

	event->install = header->install;
	slot = header->slot;
	values = bpf_map_lookup_elem(&match_values, &slot);
	prefixes = bpf_map_lookup_elem(&match_prefixes, &slot);
	classes = bpf_map_lookup_elem(&match_classes, &slot);
	if (!values || !prefixes || !classes) {
		match_count(COUNT_BROKEN);
		return MATCH_PASS;
	}
	match_classes_of(event, header, values, prefixes, cgroup, keep);
	if (!find_bitmaps(&bitmaps, event, classes)) {
		match_count(COUNT_BROKEN);
		return MATCH_PASS;
	}
	enforcing = header->enforcing;
	monitoring = header->monitoring;
	if (header->flags & MATCH_ENFORCES) {
		bitmaps.of[MATCH_OPERANDS] = bpf_map_lookup_elem(classes, &enforcing);
		if (bitmaps.of[MATCH_OPERANDS])
			first = scan_first(&bitmaps, slot, event->now);
	}
	if (header->flags & MATCH_MONITORS) {
		bitmaps.of[MATCH_OPERANDS] = bpf_map_lookup_elem(classes, &monitoring);
		if (bitmaps.of[MATCH_OPERANDS])
			scan_tell(&bitmaps, event, slot, first);
	}
	verdict = MATCH_PASS;
	if (first != NO_SELECTOR) {
		bpf_map_update_elem(&match_events, &event->tid, event, BPF_NOEXIST);
		verdict = verdict_of(match_tell_one(event->tid, slot, first));
	}
	if (header->flags & MATCH_MONITORS || first != NO_SELECTOR)
		bpf_map_delete_elem(&match_events, &event->tid);
	return verdict;
}

static __always_inline void match_signal(__u32 signal)
{
	if (bpf_send_signal(signal))
		match_count(COUNT_FAILED);
}

/* A function of its own for the verifier: the exec program's states and these do not multiply. */
__noinline __u32 match_exec_verdict(void)
{
	struct match_event event = {.hook = HOOK_PROCESS_EXEC};

	return match_event(&event, false);
}

/*
 * Called in sched_process_exec after proc_state_on_exec. Kills the current process (SIGKILL, before its first
 * instruction) when an enforcing selector says so, posts denial records, and returns the verdict.
 */
static __always_inline __u32 match_exec(struct task_struct *task)
{
	__u32 verdict = match_exec_verdict();

	if (verdict == MATCH_DENY || verdict == MATCH_KILL)
		match_signal(MATCH_SIGKILL);
	else if (verdict == MATCH_SIGNAL)
		match_signal(MATCH_SIGTERM);
	return verdict;
}
