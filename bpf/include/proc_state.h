/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the matcher keeps of every living process: its binary, its parent's, cached classes, marks.
 *
 * Three maps, by who writes them. `processes` is written here only. `process_trees` (the set of marked trees that a
 * process belongs to) is written by the agent for living processes and inherited here at fork. `cgroup_marks` (the set of
 * scopes that a cgroup lies in) is written by the agent for the cgroups that are there and inherited in scope.bpf.c.
 * An entry belongs to the process whose start time it carries; any other is that of a dead one and counts as absent.
 */
#pragma once

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define PATH_TEXT_BYTES 256

enum process_state_flag {
	/* Never matched: PID 1 and kernel threads. */
	STATE_INIT = 1 << 0,
	STATE_KERNEL_THREAD = 1 << 1,
	STATE_BINARY_UNKNOWN = 1 << 2,
	STATE_PARENT_UNKNOWN = 1 << 3,
	/* The tree mark could not be inherited: there was no memory. */
	STATE_TREE_UNKNOWN = 1 << 4,
	/* What its ancestors were could not be noted, of itself or of one of them: there was no memory. */
	STATE_LINEAGE_UNKNOWN = 1 << 5,
};

#define STATE_EXEMPT (STATE_INIT | STATE_KERNEL_THREAD)

/* What an image is, as its exec saw it; operands of the matcher. */
enum process_property {
	PROPERTY_SET_ID = 1 << 0, /* the file gives its own user or group */
	PROPERTY_MEMFD = 1 << 1,
	PROPERTY_UPPER = 1 << 2, /* the file lies in an overlay's upper layer */
	PROPERTY_CONTAINER = 1 << 3, /* in a pid namespace below the host's */
};

#define SET_ID_BITS 06000

/* Properties of an executed file by its mode; those of a container are added where they are asked for. */
static __always_inline __u32 file_properties(__u32 mode, bool memfd, bool upper)
{
	return (mode & SET_ID_BITS ? PROPERTY_SET_ID : 0) | (memfd ? PROPERTY_MEMFD : 0) |
	       (upper ? PROPERTY_UPPER : 0);
}

struct path_text {
	__u32 length; /* true length, also when it is above what is held */
	__u32 held;
	__u8 lead[8]; /* zero: a word that ends inside `bytes` may begin before it */
	__u8 bytes[PATH_TEXT_BYTES];
};

struct process_state {
	__u64 start; /* group leader's start_boottime */
	__u32 sequence; /* odd while exec rewrites the paths */
	__u32 flags;
	struct path_text binary;
	struct path_text parent; /* its parent's binary at its fork or last exec */
	__u32 properties;
	__u32 reserved;
};

struct tree_mark {
	__u64 start;
	__u32 set;
	__u32 reserved;
};

enum cgroup_mark_flag {
	CGROUP_EXEMPT = 1 << 0,
};

struct cgroup_mark {
	__u32 set;
	__u32 flags;
};

#define CONTAINER_ID_BYTES 64

/* A container that is made in a cgroup with this set of scopes: see scope.bpf.c. */
struct expected_container {
	char id[CONTAINER_ID_BYTES];
	__u32 parent_set;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, __u32);
	__type(value, struct process_state);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} processes SEC(".maps");

/* One zero value: a new state is made from it, as it is too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct process_state);
} process_zero SEC(".maps");

/* When the seed began (boottime ns), with every program attached: from then on each new process gets a state. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} process_since SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, __u32);
	__type(value, struct tree_mark);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} process_trees SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, __u64);
	__type(value, struct cgroup_mark);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} cgroup_marks SEC(".maps");

static __always_inline __u64 process_start(struct task_struct *task)
{
	return BPF_CORE_READ(task, group_leader, start_boottime);
}

/* The state of a process, or NULL when it is not known. */
static __always_inline struct process_state *proc_state_of(__u32 tgid, __u64 start)
{
	struct process_state *state = bpf_map_lookup_elem(&processes, &tgid);

	return state && state->start == start ? state : NULL;
}

/*
 * Whether a process without state may have lost a tree mark for want of memory. One that is older than the seed, and that
 * the seed did not see (a machine may hide its PID 1), never had one: were that unknown, every tree that is cut off would
 * take the host's services and logins with it.
 */
static __always_inline bool tree_lost(__u64 start)
{
	__u32 zero = 0;
	__u64 *since = bpf_map_lookup_elem(&process_since, &zero);

	return !since || start >= *since;
}

static __always_inline void path_text_copy(struct path_text *text, const struct path_text *from)
{
	bpf_probe_read_kernel(text, sizeof(*text), from);
}

/*
 * Copies the binary of a process that may be at exec on another CPU: tried again while it changes under the hand.
 * Returns false when it is not known.
 */
static __always_inline bool binary_copy(struct path_text *text, struct process_state *from)
{
	for (int i = 0; i < 3; i++) {
		__u32 before = *(volatile __u32 *)&from->sequence;

		path_text_copy(text, &from->binary);
		if (!(before & 1) && before == *(volatile __u32 *)&from->sequence)
			return !(*(volatile __u32 *)&from->flags & STATE_BINARY_UNKNOWN);
	}
	return false;
}

static __always_inline void parent_refresh(struct process_state *state, struct task_struct *task)
{
	struct task_struct *parent = BPF_CORE_READ(task, real_parent);
	__u32 tgid = BPF_CORE_READ(parent, tgid);
	struct process_state *from = proc_state_of(tgid, process_start(parent));

	/*
	 * PID 0 is the idle task, the parent of PID 1 and kthreadd; it never was a program. A PID 1 that the seed does not
	 * see is no path that a selector names, and no reason to deny what it starts.
	 */
	if (!tgid || (tgid == 1 && !from)) {
		state->parent.length = 0;
		state->parent.held = 0;
		state->flags &= ~STATE_PARENT_UNKNOWN;
	} else if (from && binary_copy(&state->parent, from)) {
		state->flags &= ~STATE_PARENT_UNKNOWN;
	} else {
		state->flags |= STATE_PARENT_UNKNOWN;
	}
}

static __always_inline void binary_set(struct process_state *state, const char *path, __u32 len)
{
	__u32 held = len < PATH_TEXT_BYTES ? len : PATH_TEXT_BYTES - 1;

	if (!len || bpf_probe_read_kernel(state->binary.bytes, PATH_TEXT_BYTES, path)) {
		state->binary.length = 0;
		state->binary.held = 0;
		state->flags |= STATE_BINARY_UNKNOWN;
		return;
	}
	state->binary.length = len;
	state->binary.held = held;
	state->flags &= ~STATE_BINARY_UNKNOWN;
}

/* A state of its own for a process that has none; NULL when there is no memory. */
static __always_inline struct process_state *proc_state_create(__u32 tgid, __u64 start, __u64 flags)
{
	__u32 zero = 0;
	struct process_state *empty = bpf_map_lookup_elem(&process_zero, &zero);
	struct process_state *state;

	if (!empty)
		return NULL;
	/* left by a process that died unseen */
	state = bpf_map_lookup_elem(&processes, &tgid);
	if (state && state->start != start)
		bpf_map_delete_elem(&processes, &tgid);
	bpf_map_update_elem(&processes, &tgid, empty, flags);
	state = bpf_map_lookup_elem(&processes, &tgid);
	if (state && !state->start)
		state->start = start;
	return state && state->start == start ? state : NULL;
}

/*
 * Called in sched_process_fork, before the child can run. The child inherits binary, properties and tree mark.
 * Does nothing for a new thread. The binary of a child whose parent is not known is unknown until it execs.
 */
static __always_inline void proc_state_on_fork(struct task_struct *parent,
					       struct task_struct *child)
{
	__u32 source = BPF_CORE_READ(parent, tgid), tgid = BPF_CORE_READ(child, tgid);
	struct process_state *from, *state;
	struct tree_mark *marked;
	__u64 start;

	if (BPF_CORE_READ(child, pid) != tgid)
		return;
	start = BPF_CORE_READ(child, start_boottime);
	from = proc_state_of(source, process_start(parent));
	/* copied whole by the kernel; nobody looks at the child's before it runs */
	if (!from) {
		state = proc_state_create(tgid, start, BPF_ANY);
		if (!state)
			return;
		state->flags = STATE_BINARY_UNKNOWN;
		if (tree_lost(process_start(parent)))
			state->flags |= STATE_TREE_UNKNOWN;
	} else if (bpf_map_update_elem(&processes, &tgid, from, BPF_ANY)) {
		return;
	}
	state = bpf_map_lookup_elem(&processes, &tgid);
	if (!state)
		return;
	state->start = start;
	state->sequence = 0;
	state->flags &= ~(STATE_EXEMPT | STATE_PARENT_UNKNOWN);
	if (BPF_CORE_READ(child, flags) & PF_KTHREAD)
		state->flags |= STATE_KERNEL_THREAD;
	parent_refresh(state, child);

	marked = bpf_map_lookup_elem(&process_trees, &source);
	if (marked && marked->start == process_start(parent)) {
		struct tree_mark mark = {.start = start, .set = marked->set};

		if (bpf_map_update_elem(&process_trees, &tgid, &mark, BPF_ANY))
			state->flags |= STATE_TREE_UNKNOWN;
	}
}

/*
 * Called in sched_process_exec with the new image's path: `path` points to at least 256 readable bytes (zero padded or
 * not), `path_len` is the true length without the final zero, also when it is above 255. A path that could not be
 * determined is `path_len` 0: the process's binary is then unknown, and selectors that ask for it are undecided.
 * `properties` are bits of enum process_property.
 */
static __always_inline void proc_state_on_exec(struct task_struct *task, const char *path,
					       __u32 path_len, __u32 properties)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	__u64 start = process_start(task);
	struct process_state *state = proc_state_of(tgid, start);

	if (!state) {
		state = proc_state_create(tgid, start, BPF_ANY);
		if (!state)
			return;
		if (tree_lost(start))
			state->flags |= STATE_TREE_UNKNOWN;
	}
	*(volatile __u32 *)&state->sequence += 1;
	state->flags &= ~STATE_KERNEL_THREAD;
	binary_set(state, path, path_len);
	state->properties = properties;
	*(volatile __u32 *)&state->sequence += 1;
	parent_refresh(state, task);
}

/*
 * Copies the path of the image that the process runs now, at most 255 bytes, to `to`, which has 256. Returns its whole
 * length, 0 when it is not known.
 */
static __always_inline __u32 proc_state_binary(struct task_struct *task, char *to)
{
	struct process_state *state = proc_state_of(BPF_CORE_READ(task, tgid), process_start(task));

	if (!state || state->flags & STATE_BINARY_UNKNOWN)
		return 0;
	if (bpf_probe_read_kernel(to, PATH_TEXT_BYTES, state->binary.bytes))
		return 0;
	return state->binary.length;
}

/* Called in sched_process_exit for every task; forgets the process when its last thread goes. */
static __always_inline void proc_state_on_exit(struct task_struct *task)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);

	if (BPF_CORE_READ(task, signal, live.counter) > 0)
		return;
	/* in this order: the agent writes a mark first and then looks whether the process is still there */
	bpf_map_delete_elem(&processes, &tgid);
	bpf_map_delete_elem(&process_trees, &tgid);
}

/*
 * Called by the seed iterator for each living thread group leader (kernel threads too), with the path of its executable
 * as in proc_state_on_exec. Never overwrites what fork or exec has written. Seeding happens before the first tree is
 * marked, so what is seeded lies in none; iterated twice, it also reaches a child whose parent came later.
 */
static __always_inline void proc_state_seed(struct task_struct *task, const char *path,
					    __u32 path_len, __u32 properties)
{
	__u32 tgid = BPF_CORE_READ(task, tgid);
	__u64 start = process_start(task);
	struct process_state *state = proc_state_of(tgid, start);
	__u32 zero = 0;
	__u64 *since = bpf_map_lookup_elem(&process_since, &zero);

	if (since && !*since)
		*since = bpf_ktime_get_boot_ns();
	if (!state) {
		state = proc_state_create(tgid, start, BPF_NOEXIST);
		if (!state)
			return;
		if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
			state->flags |= STATE_KERNEL_THREAD;
		else
			binary_set(state, path, path_len);
		state->properties = properties;
		/* an exec came between: which of the two paths stands there is not known */
		if (*(volatile __u32 *)&state->sequence)
			state->flags |= STATE_BINARY_UNKNOWN;
		state->flags |= STATE_PARENT_UNKNOWN;
	}
	if (tgid == 1)
		state->flags |= STATE_INIT;
	state->flags &= ~STATE_TREE_UNKNOWN;
	if (state->flags & STATE_PARENT_UNKNOWN)
		parent_refresh(state, task);
}
