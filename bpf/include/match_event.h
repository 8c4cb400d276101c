/* SPDX-License-Identifier: GPL-2.0 */
/* What a hook knows of an event, and the classes of its operands: one lookup each, whatever the number of selectors. */
#pragma once

#include "denial.h"
#include "match_path.h"

struct match_event {
	struct task_struct *task; /* the current one */
	struct process_state *state; /* NULL: not known */
	__u64 start;
	__u64 now; /* boottime ns */
	__u64 address[2]; /* as in a denial record */
	__u16 dport;
	__u8 family; /* AF_INET, AF_INET6, or 0 where there is no destination */
	__u8 protocol;
	__u32 install;
	__u32 hook;
	__u32 tgid;
	__u32 tid;
	__u32 unknown; /* bits of operands without a value: all selectors survive there, see match_scan.h */
	__u32 classes[MATCH_OPERANDS];
	__u32 reserved;
};

/* Whether this task is never matched: by a mark on it or on its cgroup, before anything else is looked at. */
static __always_inline bool match_exempt(struct match_event *event, struct cgroup_mark *cgroup)
{
	struct task_struct *task = event->task;

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return true;
	if (event->state && event->state->flags & STATE_EXEMPT)
		return true;
	/* marked by the seed, which a machine may keep from seeing it */
	if (event->tgid == 1)
		return true;
	return cgroup && cgroup->flags & CGROUP_EXEMPT;
}

static __always_inline __u32 number_class(struct match_header *header, void *values, void *prefixes,
					  const __u32 operand, __u64 number, const __u32 bits)
{
	struct match_value *value;

	if (!(header->active & BIT(operand)))
		return header->none[operand];
	if (header->ranged & BIT(operand)) {
		struct match_prefix key = {.length = 32 + bits, .operand = operand};

		for (__u32 i = 0; i < bits / 8; i++)
			key.data[i] = number >> (bits - 8 - 8 * i);
		value = bpf_map_lookup_elem(prefixes, &key);
	} else {
		struct match_key key = {.value = number, .operand = operand};

		value = bpf_map_lookup_elem(values, &key);
	}
	return value ? value->class : header->none[operand];
}

static __always_inline __u32 address_class(struct match_header *header, void *prefixes,
					   struct match_event *event)
{
	struct match_prefix key = {.length = 32 + 128, .operand = OPERAND_DADDR, .family = 6};
	struct match_value *value;

	if (!(header->active & BIT(OPERAND_DADDR)))
		return header->none[OPERAND_DADDR];
	if (event->family == AF_INET) {
		key.length = 32 + 32;
		key.family = 4;
	}
	__builtin_memcpy(key.data, event->address, 16);
	value = bpf_map_lookup_elem(prefixes, &key);
	return value ? value->class : header->none[OPERAND_DADDR];
}

/* Through a number that the verifier does not know: else each combination of bits is a state of its own to it. */
static __always_inline void unknown_add(struct match_event *event, struct match_header *header,
					__u32 operands)
{
	event->unknown = (event->unknown | operands) ^ *(volatile __u32 *)&header->zero;
}

/* The three operands of a path, of which `first` is the exact one, into event->classes. */
static __always_inline void path_classes(struct match_event *event, struct match_header *header,
					 const __u32 first, __u32 tgid, __u32 which, bool keep)
{
	__u32 active = header->active >> first & 7, install = header->install, slot = header->slot;
	struct process_state *state = event->state;
	__u64 found;

	if (!active)
		return;
	if (keep && state && event->hook < CACHED_HOOKS) {
		__u64 *cached = state->cached[event->hook] + first;
		__u64 a = *(volatile __u64 *)cached, b = *(volatile __u64 *)(cached + 1),
		      c = *(volatile __u64 *)(cached + 2);

		if (a >> 32 == install && b >> 32 == install && c >> 32 == install) {
			event->classes[first] = a;
			event->classes[first + 1] = b;
			event->classes[first + 2] = c;
			return;
		}
	}
	if (active & 3) {
		found = match_path(tgid, slot, which);
		if (found >> 32)
			event->classes[first] = (found >> 32) - 1;
		if ((__u32)found)
			event->classes[first + 1] = (__u32)found - 1;
	}
	if (active & 4) {
		found = match_path(tgid, slot, which | WALK_REVERSED);
		if ((__u32)found)
			event->classes[first + 2] = (__u32)found - 1;
	}
	if (keep && state && event->hook < CACHED_HOOKS) {
		__u64 *cached = state->cached[event->hook] + first, mark = (__u64)install << 32;

		*(volatile __u64 *)cached = mark | event->classes[first];
		*(volatile __u64 *)(cached + 1) = mark | event->classes[first + 1];
		*(volatile __u64 *)(cached + 2) = mark | event->classes[first + 2];
	}
}

static __always_inline __u32 text_unknown(struct path_text *text, const __u32 first)
{
	/* what the path ends with was cut off */
	return text->length > text->held ? BIT(first + 2) : 0;
}

static __always_inline void binary_classes(struct match_event *event, struct match_header *header,
					   bool keep)
{
	struct process_state *state = event->state;

	if (!(header->active & BINARY_OPERANDS))
		return;
	if (!state || state->flags & STATE_BINARY_UNKNOWN) {
		unknown_add(event, header, BINARY_OPERANDS);
		return;
	}
	unknown_add(event, header, text_unknown(&state->binary, OPERAND_BINARY));
	path_classes(event, header, OPERAND_BINARY, event->tgid, 0, keep);
}

static __always_inline void parent_classes(struct match_event *event, struct match_header *header,
					   bool keep)
{
	struct process_state *state = event->state;
	struct task_struct *task = event->task, *parent;
	__u32 tgid = event->tgid, which = WALK_PARENT_OPERAND | WALK_PARENT_TEXT;
	struct path_text *text;

	if (!(header->active & PARENT_OPERANDS))
		return;
	if (state && !(state->flags & STATE_PARENT_UNKNOWN)) {
		text = &state->parent;
	} else {
		/* seeded or exec'd before its parent was known: what the parent is now */
		parent = BPF_CORE_READ(task, real_parent);
		tgid = BPF_CORE_READ(parent, tgid);
		state = proc_state_of(tgid, process_start(parent));
		if (!state || state->flags & STATE_BINARY_UNKNOWN) {
			unknown_add(event, header, PARENT_OPERANDS);
			return;
		}
		text = &state->binary;
		which = WALK_PARENT_OPERAND;
		keep = false;
	}
	unknown_add(event, header, text_unknown(text, OPERAND_PARENT));
	path_classes(event, header, OPERAND_PARENT, tgid, which, keep);
}

static __always_inline __u32 tree_set(struct match_event *event, struct match_header *header)
{
	struct tree_mark *mark;

	if (!(header->active & BIT(OPERAND_TREE)))
		return 0;
	mark = bpf_map_lookup_elem(&process_trees, &event->tgid);
	if (mark && mark->start == event->start)
		return mark->set;
	if (event->state ? event->state->flags & STATE_TREE_UNKNOWN : tree_lost(event->start))
		unknown_add(event, header, BIT(OPERAND_TREE));
	return 0;
}

static __always_inline void match_classes_of(struct match_event *event, struct match_header *header,
					     void *values, void *prefixes,
					     struct cgroup_mark *cgroup, bool keep)
{
	__u32 *classes = event->classes;

	event->unknown = *(volatile __u32 *)&header->zero;
	for (int i = 0; i < MATCH_OPERANDS; i++)
		classes[i] = header->none[i];
	binary_classes(event, header, keep);
	parent_classes(event, header, keep);
	classes[OPERAND_UID] = number_class(header, values, prefixes, OPERAND_UID,
					    (__u32)bpf_get_current_uid_gid(), 32);
	classes[OPERAND_CGROUP] = number_class(header, values, prefixes, OPERAND_CGROUP,
					       cgroup ? cgroup->set : 0, 32);
	classes[OPERAND_TREE] =
		number_class(header, values, prefixes, OPERAND_TREE, tree_set(event, header), 32);
	if (event->family) {
		classes[OPERAND_DADDR] = address_class(header, prefixes, event);
		classes[OPERAND_DPORT] =
			number_class(header, values, prefixes, OPERAND_DPORT, event->dport, 16);
	}
	/* a value that is not known rules nobody out: class 0 */
	for (int i = 0; i < MATCH_OPERANDS; i++)
		if (event->unknown & BIT(i))
			classes[i] = *(volatile __u32 *)&header->zero;
	if (!event->state &&
	    header->active & (BINARY_OPERANDS | PARENT_OPERANDS | BIT(OPERAND_TREE)))
		match_count(COUNT_UNKNOWN_PROCESS);
}
