/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What binaries a process's ancestors ran, as far as selectors ask: a bit for each text that some selector lists. An image
 * that has begun to run gives its process bits of its own, which become the ancestors' of what it forks from then on. What
 * lived already when a selector came is marked by the agent (agent/selectors/lineage-marks.ts), which never takes away what
 * an exec has written meanwhile: bits of an image count only while the process has made no further exec.
 */
#pragma once

#include "proc_state.h"

/* A text: whole paths end in a zero byte, others are beginnings. */
struct lineage_text {
	__u32 bits; /* of the path that count */
	__u8 path[PATH_TEXT_BYTES];
};

/* Each text has the bits of those too that it begins with: the longest one is all that is looked for. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 64);
	__type(key, struct lineage_text);
	__type(value, __u64);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} lineage_texts SEC(".maps");

struct process_lineage {
	__u64 start;
	__u64 ancestors; /* bits */
	__u64 own; /* bits of the image that it runs */
	__u32 sequence; /* of the process's state when that began: see struct process_state */
	__u32 reserved;
};

/* Of processes that have any bits. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, __u32);
	__type(value, struct process_lineage);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} process_lineages SEC(".maps");

/* Per CPU is safe in sched_process_exec: see struct exec_scratch. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lineage_text);
} lineage_scratch SEC(".maps");

static __always_inline struct process_lineage *lineage_of(__u32 tgid, __u64 start)
{
	struct process_lineage *lineage = bpf_map_lookup_elem(&process_lineages, &tgid);

	return lineage && lineage->start == start ? lineage : NULL;
}

/* The bits of the image that a process runs. */
static __always_inline __u64 lineage_bits(struct process_state *state)
{
	__u32 zero = 0, held = state->binary.held, end;
	struct lineage_text *text = bpf_map_lookup_elem(&lineage_scratch, &zero);
	__u64 *bits;

	if (!text || state->flags & STATE_BINARY_UNKNOWN || held >= PATH_TEXT_BYTES)
		return 0;
	if (bpf_probe_read_kernel(text->path, sizeof(text->path), state->binary.bytes))
		return 0;
	if (state->binary.length == held) {
		end = held++;
		/* bounded where it is used: 6.1 forgets the bounds of what is kept on the stack */
		barrier_var(end);
		text->path[end & (PATH_TEXT_BYTES - 1)] = 0;
	}
	text->bits = 8 * held;
	bits = bpf_map_lookup_elem(&lineage_texts, text);
	return bits ? *bits : 0;
}

/* Called in sched_process_exec after proc_state_on_exec. A function of its own for the verifier. */
__noinline int lineage_on_exec(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u64 start = process_start(task), own;
	struct process_state *state = proc_state_of(tgid, start);
	struct process_lineage *lineage, fresh = {.start = start};

	if (!state)
		return 0;
	own = lineage_bits(state);
	lineage = lineage_of(tgid, start);
	if (lineage) {
		lineage->own = own;
		lineage->sequence = state->sequence;
		return 0;
	}
	if (!own)
		return 0;
	fresh.own = own;
	fresh.sequence = state->sequence;
	/* its children's are not known then: they copy the flag */
	if (bpf_map_update_elem(&process_lineages, &tgid, &fresh, BPF_ANY))
		state->flags |= STATE_LINEAGE_UNKNOWN;
	return 0;
}

/* Called in sched_process_fork after proc_state_on_fork, before the child can run. */
__noinline int lineage_on_fork(__u32 source, __u64 source_start, __u32 tgid, __u64 start)
{
	struct process_lineage *from = lineage_of(source, source_start), fresh = {.start = start};
	struct process_state *parent, *state;

	if (!from)
		return 0;
	parent = proc_state_of(source, source_start);
	if (parent && parent->sequence == from->sequence)
		fresh.own = from->own;
	/* the child's state begins with sequence 0 */
	fresh.ancestors = from->ancestors | fresh.own;
	if (!fresh.ancestors)
		return 0;
	if (!bpf_map_update_elem(&process_lineages, &tgid, &fresh, BPF_ANY))
		return 0;
	state = proc_state_of(tgid, start);
	if (state)
		state->flags |= STATE_LINEAGE_UNKNOWN;
	return 0;
}

/* Called in sched_process_exit after proc_state_on_exit: where that has forgotten the process. */
static __always_inline void lineage_on_exit(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);

	if (!bpf_map_lookup_elem(&processes, &tgid))
		bpf_map_delete_elem(&process_lineages, &tgid);
}
