/* SPDX-License-Identifier: GPL-2.0 */
/* Finds out anew what the current process is to the selectors of a hook. */
#pragma once

#include "match_part.h"

/* Whether this task is never matched: by a mark on it or on its cgroup, before anything else is looked at. */
static __always_inline bool match_exempt(struct task_struct *task, struct process_state *state,
					 __u32 tgid, struct cgroup_mark *cgroup)
{
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return true;
	if (state && state->flags & STATE_EXEMPT)
		return true;
	/* marked by the seed, which a machine may keep from seeing it */
	if (tgid == 1)
		return true;
	return cgroup && cgroup->flags & CGROUP_EXEMPT;
}

static __always_inline struct process_state *current_state(__u32 tgid)
{
	return proc_state_of(tgid, process_start(current_task()));
}

static __always_inline void gather_numbers(struct match_thread *thread, struct match_header *header,
					   struct cgroup_mark *cgroup)
{
	__u64 active = header->active, ids = bpf_get_current_uid_gid();
	struct match_inputs *inputs = &thread->inputs;

	inputs->uid = active & BIT(OPERAND_UID) ? ids : 0;
	inputs->gid = active & BIT(OPERAND_GID) ? ids >> 32 : 0;
	inputs->auid = active & BIT(OPERAND_AUID) ? match_auid() : 0;
	inputs->cgroup = active & BIT(OPERAND_CGROUP) && cgroup ? cgroup->set : 0;
	inputs->capabilities[0] = active & CAPABILITY_OPERANDS ? match_capabilities(0) : 0;
	inputs->capabilities[1] = active & CAPABILITY_OPERANDS ? match_capabilities(1) : 0;
	for (__u32 i = 0; i < NAMESPACES; i++)
		inputs->namespaces[i] =
			active & BIT(OPERAND_NAMESPACE + i) ? match_namespace(i) : 0;
}

static __always_inline void gather_state(struct match_thread *thread, struct match_header *header,
					 struct process_state *state, __u32 path_slot,
					 __u32 properties)
{
	struct match_inputs *inputs = &thread->inputs;
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct task_struct *task = current_task();
	__u64 active = header->active, start = process_start(task);
	struct process_lineage *lineage;
	struct tree_mark *mark;

	inputs->tree = inputs->properties = 0;
	inputs->lineage = 0;
	if (active & BIT(OPERAND_TREE)) {
		mark = bpf_map_lookup_elem(&process_trees, &tgid);
		if (mark && mark->start == start)
			inputs->tree = mark->set;
		else if (state ? state->flags & STATE_TREE_UNKNOWN : tree_lost(start))
			inputs->unknown |= BIT(OPERAND_TREE);
	}
	if (active & BIT(OPERAND_PROPERTIES)) {
		if (path_slot)
			inputs->properties = properties;
		else if (state && !(state->flags & STATE_BINARY_UNKNOWN))
			inputs->properties = state->properties;
		else
			inputs->unknown |= BIT(OPERAND_PROPERTIES);
		if (BPF_CORE_READ(task, thread_pid, level))
			inputs->properties |= PROPERTY_CONTAINER;
	}
	if (active & BIT(OPERAND_LINEAGE)) {
		lineage = lineage_of(tgid, start);
		if (lineage)
			inputs->lineage = lineage->ancestors & header->lineage;
		else if (state ? state->flags & STATE_LINEAGE_UNKNOWN : tree_lost(start))
			inputs->unknown |= BIT(OPERAND_LINEAGE);
	}
}

/* Fills in the thread's inputs, paths apart. Returns 0 when there are no tables. */
__noinline int match_gather(__u32 slot, __u32 hook, __u32 path_slot, __u32 properties)
{
	__u64 cgroup_id = bpf_get_current_cgroup_id();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct match_header *header = header_of(slot);
	struct match_thread *thread = thread_at(hook);
	struct process_state *state = current_state(tgid);
	struct cgroup_mark *cgroup = bpf_map_lookup_elem(&cgroup_marks, &cgroup_id);
	struct task_struct *task = current_task();

	if (!header || !thread)
		return 0;
	thread->start = BPF_CORE_READ(task, start_boottime);
	thread->self_exec_id = BPF_CORE_READ(task, self_exec_id);
	thread->cgroup_id = cgroup_id;
	thread->exempt = match_exempt(task, state, tgid, cgroup);
	if (thread->exempt)
		return 1;
	thread->inputs.unknown = header->zero;
	thread->inputs.install = header->install;
	thread->inputs.reserved = 0;
	for (__u32 i = 0; i < 6; i++)
		thread->inputs.texts[i] = header->none[i];
	if (!state)
		match_count(COUNT_UNKNOWN_PROCESS);
	gather_numbers(thread, header, cgroup);
	gather_state(thread, header, state, path_slot, properties);
	return 1;
}

/*
 * A text to look for in the tables: WALK_* in its lowest bits, whether from its beginning and from its end, and its source.
 */
#define LOOK_WALK 31
#define LOOK_FORWARD (1 << 5)
#define LOOK_REVERSED (1 << 6)
#define LOOK_SOURCE_SHIFT 8
/* Two of them in one number, and whether what is found will be the same at the process's next event. */
#define LOOK_SECOND_SHIFT 32
#define LOOK_KEEP (1ULL << 7)

/* What of a text some selector asks for; 0: nothing. `walk` is WALK_* without WALK_REVERSED. */
static __always_inline __u64 match_look_at_text(struct match_header *header,
						struct match_thread *thread, __u32 source,
						__u32 walk)
{
	__u32 first = (walk >> WALK_FAMILY_SHIFT & 3) == TEXT_PARENT ? OPERAND_PARENT : 0;
	struct path_text *text = walk_text(source, walk);
	__u64 active = header->active >> first, look = 0;

	if (!(active & 7))
		return 0;
	if (!text || !text->length) {
		/* an empty text of a state is a parent that never was a program; of a path slot, a path that is not known */
		if (!text || (walk & WALK_SOURCE) == WALK_PATH_SLOT)
			thread->inputs.unknown |= (BINARY_OPERANDS << first) & header->active;
		return 0;
	}
	if (active & 3)
		look = LOOK_FORWARD;
	/* what the path ends with was cut off; a path slot has its end as well */
	if (active & 4 && (walk & WALK_SOURCE) != WALK_PATH_SLOT && text->length > text->held)
		thread->inputs.unknown |= BIT(OPERAND_BINARY_SUFFIX) << first;
	else if (active & 4)
		look |= LOOK_REVERSED;
	return look ? look | walk | (__u64)source << LOOK_SOURCE_SHIFT : 0;
}

/* Which of the process's paths have to be looked for: its binary's, and its parent's << LOOK_SECOND_SHIFT; LOOK_KEEP. */
__noinline __u64 match_gather_paths(__u32 slot, __u32 hook, __u32 path_slot)
{
	struct match_header *header = header_of(slot);
	struct match_thread *thread = thread_at(hook);
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, parent_tgid;
	struct task_struct *task = current_task(), *parent;
	struct process_state *state = current_state(tgid);
	__u64 active, binary = 0, keep;

	if (!header || !thread)
		return 0;
	active = header->active;
	keep = !path_slot && state ? LOOK_KEEP : 0;
	if (active & BINARY_OPERANDS) {
		if (path_slot)
			binary = match_look_at_text(header, thread, path_slot,
						    TEXT_BINARY << WALK_FAMILY_SHIFT |
							    WALK_PATH_SLOT);
		else if (!state || state->flags & STATE_BINARY_UNKNOWN)
			thread->inputs.unknown |= BINARY_OPERANDS & active;
		else
			binary = match_look_at_text(header, thread, tgid,
						    TEXT_BINARY << WALK_FAMILY_SHIFT |
							    WALK_STATE_BINARY);
	}
	if (!(active & PARENT_OPERANDS))
		return binary | keep;
	if (state && !(state->flags & STATE_PARENT_UNKNOWN))
		return binary | keep |
		       match_look_at_text(header, thread, tgid,
					  TEXT_PARENT << WALK_FAMILY_SHIFT | WALK_STATE_PARENT)
			       << LOOK_SECOND_SHIFT;
	/* seeded or exec'd before its parent was known: what the parent is now */
	parent = BPF_CORE_READ(task, real_parent);
	parent_tgid = BPF_CORE_READ(parent, tgid);
	state = proc_state_of(parent_tgid, process_start(parent));
	if (!state || state->flags & STATE_BINARY_UNKNOWN) {
		thread->inputs.unknown |= PARENT_OPERANDS & active;
		return binary;
	}
	return binary | match_look_at_text(header, thread, parent_tgid,
					   TEXT_PARENT << WALK_FAMILY_SHIFT | WALK_STATE_BINARY)
				<< LOOK_SECOND_SHIFT;
}

/* Puts what match_path found of a text into the thread's inputs. `walk`: WALK_*. */
__noinline int match_note_path(__u32 slot, __u32 hook, __u32 walk, __u64 found)
{
	struct match_header *header = header_of(slot);
	struct match_thread *thread = thread_at(hook);
	__u32 first = (walk >> WALK_FAMILY_SHIFT & 3) == TEXT_PARENT ? OPERAND_PARENT : 0;
	__u32 exact = found >> 32, longest = found, *classes;
	__u64 active;

	if (!header || !thread)
		return 0;
	active = header->active >> first;
	classes = first ? thread->inputs.texts + OPERAND_PARENT : thread->inputs.texts;
	if (walk & WALK_REVERSED) {
		if (longest)
			classes[2] = longest - 1;
		return 0;
	}
	if (active & 1 && exact)
		classes[0] = exact - 1;
	if (active & 2 && longest)
		classes[1] = longest - 1;
	return 0;
}

/*
 * Looks for a text in the tables. Not below match_gather_paths: before 6.13 the stacks of all functions that call one another
 * share 512 bytes, and match_path and what it calls take most of them.
 */
static __always_inline void match_look(__u32 slot, __u32 hook, __u32 look)
{
	__u32 source = look >> LOOK_SOURCE_SHIFT, walk = look & (LOOK_WALK & ~WALK_REVERSED);

	if (look & LOOK_FORWARD)
		match_note_path(slot, hook, walk, match_path(source, slot, walk));
	walk |= WALK_REVERSED;
	if (look & LOOK_REVERSED)
		match_note_path(slot, hook, walk, match_path(source, slot, walk));
}

/* The part that others with the same inputs have made; PART_NOTHING when there is none. */
__noinline __u32 match_part_find(__u32 slot, __u32 hook)
{
	struct match_thread *thread = thread_at(hook);
	struct match_header *header = header_of(slot);
	struct match_part *part;
	__u32 *found, place;

	if (!thread || !header)
		return PART_NOTHING;
	found = bpf_map_lookup_elem(&match_part_index, &thread->inputs);
	if (!found)
		return PART_NOTHING;
	place = *found;
	part = part_at(slot, header, place);
	if (!part)
		return PART_NOTHING;
	for (__u32 i = 0; i < INPUT_WORDS; i++)
		if (((__u64 *)&part->inputs)[i] != ((__u64 *)&thread->inputs)[i])
			return PART_NOTHING;
	return place;
}

/*
 * Makes the thread's entry and fills it in, paths apart: PART_UNKNOWN, PART_EXEMPT, or PART_NOTHING when there is no memory
 * for it.
 */
__noinline __u32 match_prepare(__u32 slot, __u32 hook, __u32 path_slot, __u32 properties)
{
	struct match_thread *thread = match_thread_make(hook) ? thread_at(hook) : NULL;

	if (!thread) {
		match_count(COUNT_NO_MEMORY);
		return PART_NOTHING;
	}
	thread->epoch = 0;
	if (!match_gather(slot, hook, path_slot, properties))
		return PART_NOTHING;
	return thread->exempt ? PART_EXEMPT : PART_UNKNOWN;
}

/* Makes a part of the thread's inputs, in a spare when no other is free. PART_NOTHING when there is none, or it is broken. */
static __always_inline __u32 match_part_make(struct match_thread *thread, __u32 slot, __u32 hook)
{
	__u32 place = match_part_claim(slot);

	if (place == PART_NOTHING) {
		match_count(COUNT_UNCACHED);
		place = match_spare_claim();
		if (place == PART_NOTHING) {
			match_count(COUNT_NO_MEMORY);
			return PART_NOTHING;
		}
	}
	if (match_part_fill(slot, hook, place)) {
		match_count(COUNT_BROKEN);
		match_spare_release(place);
		return PART_NOTHING;
	}
	if (!(place & PART_SPARE))
		bpf_map_update_elem(&match_part_index, &thread->inputs, &place, BPF_ANY);
	return place;
}

/*
 * The part of the current thread, whose inputs are there: its number, or PART_NOTHING when there is no memory or the tables
 * are broken: then nothing is known of the process. `keep`: for its next events too.
 */
__noinline __u32 match_settle(__u32 slot, __u32 hook, __u64 epoch, __u32 keep)
{
	struct match_thread *thread = thread_at(hook);
	__u32 place;

	if (!thread)
		return PART_NOTHING;
	place = thread->exempt ? PART_EXEMPT : match_part_find(slot, hook);
	if (place == PART_NOTHING)
		place = match_part_make(thread, slot, hook);
	if (thread->spare) {
		match_spare_drop(hook, 0);
	} else if (keep && place != PART_NOTHING && (place & PART_UNKNOWN) != PART_SPARE) {
		thread->part = place;
		thread->epoch = epoch;
	}
	return place;
}

/*
 * What the current process is to the selectors, found anew: see match_settle, or PART_EXEMPT. An image that exec has not
 * yet made the process's own is given by its path slot and properties, else 0. Afterwards match_spare_drop.
 */
static __always_inline __u32 match_refresh(__u32 slot, __u32 hook, __u64 epoch, __u32 path_slot,
					   __u32 properties)
{
	__u32 place = match_prepare(slot, hook, path_slot, properties);
	__u64 looks = LOOK_KEEP;

	if (place == PART_NOTHING)
		return PART_NOTHING;
	if (place != PART_EXEMPT) {
		looks = match_gather_paths(slot, hook, path_slot);
		match_look(slot, hook, looks);
		match_look(slot, hook, looks >> LOOK_SECOND_SHIFT);
	}
	return match_settle(slot, hook, epoch, !!(looks & LOOK_KEEP));
}
