/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The matcher's tables, written by agent/selectors. `match_root` leads to one entry per hook, which names the slot of the
 * hook's header. One update of the root puts all hooks onto new headers at once. Read the root once and pass on what it
 * gave: a slot is changed only after the root has left it and that update has returned, which is after every program that
 * still used it has ended.
 *
 * A selector has a place, which is a bit. A class is a set of places: those that a value satisfies. It is a bitmap in which
 * up to three words are turned into other ones, so that a value which one selector of ten thousand lists takes no bitmap of
 * its own. Places whose selector does not ask for an operand are in all of its classes: a new selector changes only
 * the classes of what it asks for. What several predicates of one selector ask of the same operand is one bit: the
 * compiler evaluates them together for each value that the tables tell apart.
 *
 * Tables are changed while programs use them, and no event sees it: which places are taken is said by the slot (its part
 * number 0), places are given once, and what changes for a value is only whether it satisfies places that no slot in use
 * has. So whatever is read of a word that is being changed, an event sees the selectors that were there before, whole.
 *
 * Places are no order: what decides is the selector's priority, then the stronger action, then the lower place.
 */
#pragma once

#include "bits.h"
#include "match_layout.h"

/*
 * Whether this kind of program may use spin locks on this kernel (before 5.11 few may): found out by trial load. Without,
 * processes' parts are not kept, and two matches at once may make a record too many.
 */
const volatile __u8 match_locks = 1;

/* What is not any selector's. */
enum match_count {
	COUNT_BROKEN = 0, /* tables that contradict themselves */
	COUNT_FAILED = 1, /* signals that could not be sent */
	COUNT_UNKNOWN_PROCESS = 2, /* events of a process without state */
	COUNT_UNTOLD = 3, /* matches without memory to tell of them */
	COUNT_NO_MEMORY = 4, /* events matched with nothing known of the process */
	COUNT_UNCACHED = 5, /* events whose process's part could not be kept */
	MATCH_COUNTS = 6,
};

/* Sizes, not types: clang leaves out of the BTF what only an inner map names. */
struct match_entries {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MATCH_HOOKS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_entry));
};

struct match_value_table {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct match_key));
	__uint(value_size, sizeof(struct match_value));
};

struct match_prefix_table {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(struct match_prefix));
	__uint(value_size, sizeof(struct match_value));
	__uint(map_flags, BPF_F_NO_PREALLOC);
};

struct match_node_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_node));
	__uint(map_flags, BPF_F_INNER_MAP);
};

struct match_bitmap_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_bitmap));
	__uint(map_flags, BPF_F_INNER_MAP);
};

struct match_class_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_class));
	__uint(map_flags, BPF_F_INNER_MAP);
};

struct match_word_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_word));
	__uint(map_flags, BPF_F_INNER_MAP);
};

struct match_text_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_text));
	__uint(map_flags, BPF_F_INNER_MAP);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct match_entries);
} match_root SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MATCH_SLOTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_header));
} match_headers SEC(".maps");

/* By the number of a set of tables: struct match_header's `table`. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_TABLES);
	__type(key, __u32);
	__array(values, struct match_value_table);
} match_values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_TABLES);
	__type(key, __u32);
	__array(values, struct match_prefix_table);
} match_prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_TABLES);
	__type(key, __u32);
	__array(values, struct match_node_table);
} match_nodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_TABLES);
	__type(key, __u32);
	__array(values, struct match_class_table);
} match_classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_TABLES);
	__type(key, __u32);
	__array(values, struct match_bitmap_table);
} match_bitmaps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_TABLES);
	__type(key, __u32);
	__array(values, struct match_word_table);
} match_words SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_TABLES);
	__type(key, __u32);
	__array(values, struct match_text_table);
} match_texts SEC(".maps");

/* By the stable number that the agent gives a selector for as long as it has it, whatever is installed. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MATCH_COUNTERS);
	__type(key, __u32);
	__type(value, struct match_counters);
} selector_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MATCH_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} match_counts SEC(".maps");

static __always_inline void match_count(__u32 which)
{
	__u64 *count = bpf_map_lookup_elem(&match_counts, &which);

	if (count)
		__sync_fetch_and_add(count, 1);
}

/* By hook: events that were compared with its selectors, so that it can be told how many of them were not posted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MATCH_HOOKS);
	__type(key, __u32);
	__type(value, __u64);
} match_seen SEC(".maps");

/* A function of its own: the key would lie on the stack of whoever calls, where there is no room left. */
__noinline int match_count_seen(__u32 hook)
{
	__u64 *count = bpf_map_lookup_elem(&match_seen, &hook);

	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

static __always_inline struct match_entry *match_entry_of(__u32 hook)
{
	__u32 zero = 0;
	void *entries = bpf_map_lookup_elem(&match_root, &zero);

	return entries ? bpf_map_lookup_elem(entries, &hook) : NULL;
}

/* Whether a hook has anything to match: looked at before what an event is made of costs anything. */
static __always_inline bool match_asked(__u32 hook)
{
	struct match_entry *entry = match_entry_of(hook);

	return entry && entry->selectors;
}

static __always_inline struct match_header *header_of(__u32 slot)
{
	return bpf_map_lookup_elem(&match_headers, &slot);
}

/* What a value is now; NULL where the tables contradict themselves. */
static __always_inline struct match_node *node_at(__u32 table, __u32 number)
{
	void *nodes = bpf_map_lookup_elem(&match_nodes, &table);

	return nodes ? bpf_map_lookup_elem(nodes, &number) : NULL;
}

static __always_inline struct match_class *class_at(__u32 table, __u32 number)
{
	void *classes = bpf_map_lookup_elem(&match_classes, &table);

	return classes ? bpf_map_lookup_elem(classes, &number) : NULL;
}

static __always_inline struct match_bitmap *bitmap_at(__u32 table, __u32 number)
{
	void *bitmaps = bpf_map_lookup_elem(&match_bitmaps, &table);

	return bitmaps ? bpf_map_lookup_elem(bitmaps, &number) : NULL;
}

static __always_inline struct match_word *word_at(__u32 table, __u32 number)
{
	void *words = bpf_map_lookup_elem(&match_words, &table);

	return words ? bpf_map_lookup_elem(words, &number) : NULL;
}

/* The selector at a place; where nobody is, one whose lease has ended. */
static __always_inline struct match_selector *selector_at(__u32 table, __u32 place)
{
	struct match_word *word = word_at(table, place / 64);

	return word ? &word->selector[place & 63] : NULL;
}
