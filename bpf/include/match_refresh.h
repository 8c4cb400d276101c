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

/* Classes of the three operands of a path into the thread's inputs. `walk` is WALK_* without WALK_REVERSED. */
static __always_inline int gather_path(__u32 slot, __u32 hook, __u32 source, __u32 walk)
{
	struct match_header *header = header_of(slot);
	__u32 first = (walk >> WALK_FAMILY_SHIFT & 3) == TEXT_PARENT ? OPERAND_PARENT : 0;
	struct match_thread *thread = thread_at(hook);
	struct path_text *text = walk_text(source, walk);
	__u64 active, found;
	__u32 *classes;

	if (!header || !thread)
		return -1;
	active = header->active >> first;
	if (!(active & 7))
		return 0;
	if (!text || !text->length) {
		/* an empty text of a state is a parent that never was a program; of a path slot, a path that is not known */
		if (!text || (walk & WALK_SOURCE) == WALK_PATH_SLOT)
			thread->inputs.unknown |= (BINARY_OPERANDS << first) & header->active;
		return 0;
	}
	classes = first ? thread->inputs.texts + OPERAND_PARENT : thread->inputs.texts;
	if (active & 3) {
		found = match_path(source, slot, walk);
		if (active & 1 && found >> 32)
			classes[0] = (found >> 32) - 1;
		if (active & 2 && (__u32)found)
			classes[1] = (__u32)found - 1;
	}
	if (!(active & 4))
		return 0;
	/* what the path ends with was cut off; a path slot has its end as well */
	if ((walk & WALK_SOURCE) != WALK_PATH_SLOT && text->length > text->held) {
		thread->inputs.unknown |= BIT(OPERAND_BINARY_SUFFIX) << first;
		return 0;
	}
	found = match_path(source, slot, walk | WALK_REVERSED);
	if ((__u32)found)
		classes[2] = (__u32)found - 1;
	return 0;
}

/*
 * Puts the classes of the process's paths into the thread's inputs. Returns whether they will be the same at the process's
 * next event.
 */
__noinline __u32 match_gather_paths(__u32 slot, __u32 hook, __u32 path_slot)
{
	struct match_header *header = header_of(slot);
	struct match_thread *thread = thread_at(hook);
	__u32 tgid = bpf_get_current_pid_tgid() >> 32, parent_tgid;
	struct task_struct *task = current_task(), *parent;
	struct process_state *state = current_state(tgid);
	__u64 active;

	if (!header || !thread)
		return false;
	active = header->active;
	if (active & BINARY_OPERANDS) {
		if (path_slot)
			gather_path(slot, hook, path_slot,
				    TEXT_BINARY << WALK_FAMILY_SHIFT | WALK_PATH_SLOT);
		else if (!state || state->flags & STATE_BINARY_UNKNOWN)
			thread->inputs.unknown |= BINARY_OPERANDS & active;
		else
			gather_path(slot, hook, tgid,
				    TEXT_BINARY << WALK_FAMILY_SHIFT | WALK_STATE_BINARY);
	}
	if (!(active & PARENT_OPERANDS))
		return !path_slot && state;
	if (state && !(state->flags & STATE_PARENT_UNKNOWN)) {
		gather_path(slot, hook, tgid, TEXT_PARENT << WALK_FAMILY_SHIFT | WALK_STATE_PARENT);
		return !path_slot;
	}
	/* seeded or exec'd before its parent was known: what the parent is now */
	parent = BPF_CORE_READ(task, real_parent);
	parent_tgid = BPF_CORE_READ(parent, tgid);
	state = proc_state_of(parent_tgid, process_start(parent));
	if (!state || state->flags & STATE_BINARY_UNKNOWN)
		thread->inputs.unknown |= PARENT_OPERANDS & active;
	else
		gather_path(slot, hook, parent_tgid,
			    TEXT_PARENT << WALK_FAMILY_SHIFT | WALK_STATE_BINARY);
	return false;
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
	__u32 keep = 1;

	if (place == PART_NOTHING)
		return PART_NOTHING;
	if (place != PART_EXEMPT)
		keep = match_gather_paths(slot, hook, path_slot);
	return match_settle(slot, hook, epoch, keep);
}
