/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The matcher's tables, written by agent/selectors. `match_root` leads to one header per hook; a header names the slot
 * in which its hook's tables stand. One update of the root puts all hooks onto new tables at once. Read the root once and
 * pass on what it gave: a slot is filled anew only after the root has left it and that update has returned, which is
 * after every program that still used it has ended.
 *
 * A class is a bitmap over a hook's selectors, in order of priority: those that some value of an operand satisfies.
 * Class 0 has all of them. What several predicates of one selector ask of the same operand is one bit: the compiler
 * evaluates them together for each value that the tables tell apart.
 */
#pragma once

#include "proc_state.h"

#define MATCH_HOOKS 3
#define MATCH_SLOTS 16
/* Selectors of a hook: 160 words of 64, and a summary bit for each word that is not empty. */
#define MATCH_WORDS 160
#define MATCH_SUMMARY 3
#define MATCH_COUNTERS 32768

enum match_operand {
	OPERAND_BINARY = 0, /* exact */
	OPERAND_BINARY_PREFIX = 1,
	OPERAND_BINARY_SUFFIX = 2,
	OPERAND_PARENT = 3,
	OPERAND_PARENT_PREFIX = 4,
	OPERAND_PARENT_SUFFIX = 5,
	OPERAND_UID = 6,
	OPERAND_CGROUP = 7, /* set of scopes that the cgroup lies in */
	OPERAND_TREE = 8, /* set of marked trees that the process belongs to */
	OPERAND_DADDR = 9,
	OPERAND_DPORT = 10,
	MATCH_OPERANDS = 11,
};

#define BIT(operand) (1u << (operand))
#define BINARY_OPERANDS \
	(BIT(OPERAND_BINARY) | BIT(OPERAND_BINARY_PREFIX) | BIT(OPERAND_BINARY_SUFFIX))
#define PARENT_OPERANDS \
	(BIT(OPERAND_PARENT) | BIT(OPERAND_PARENT_PREFIX) | BIT(OPERAND_PARENT_SUFFIX))

enum match_header_flag {
	MATCH_ENFORCES = 1 << 0,
	MATCH_MONITORS = 1 << 1,
};

struct match_header {
	__u32 install; /* number of this set of tables, never used again */
	__u32 slot;
	__u32 selectors; /* 0: nothing to match */
	__u32 active; /* operands that some selector asks for */
	__u32 ranged; /* operands whose values stand in the table of prefixes */
	__u32 flags;
	__u32 enforcing; /* class of the selectors in mode enforce */
	__u32 monitoring;
	__u32 none[16]; /* class of a value that is in no table, by operand */
	__u32 zero; /* always; the verifier cannot know: see unknown_add */
	__u32 reserved;
};

struct match_key {
	__u64 value; /* a number, or the keyed hash of a text */
	__u32 operand;
	__u32 reserved;
};

struct match_value {
	__u32 class;
	__u32 text; /* for hashes: what was hashed */
};

/* Numbers and addresses, big-endian. `family` is 4 or 6 for addresses, which are told apart also in v4-mapped form. */
struct match_prefix {
	__u32 length; /* 32 + bits of `data` */
	__u8 operand;
	__u8 family;
	__u8 reserved[2];
	__u8 data[16];
};

struct match_class {
	__u64 summary[MATCH_SUMMARY];
	__u64 words[MATCH_WORDS];
};

struct match_selector {
	__u64 deadline; /* boottime ns from which on it is ignored, 0: never */
	__u64 beyond; /* bits of its word that are not of its group (same priority and action) or before it */
	__u64 interval; /* ns between two denial records, once the allowance of a second is used up */
	__u32 counters; /* stable number */
	__u32 operands; /* that it asks for */
	__s32 priority;
	__u8 action;
	__u8 mode;
	__u8 reserved[2];
};

/* Suffixes are kept reversed. Entry 0 is no text: see match_lengths. */
struct match_text {
	__u64 length;
	__u8 bytes[PATH_TEXT_BYTES];
};

/* Prefix lengths in use, bit n for length n + 1: those that end in a slash, and the others. */
struct match_lengths {
	__u8 slash[PATH_TEXT_BYTES / 8];
	__u8 any[PATH_TEXT_BYTES / 8];
};

/* Entry 0 of the texts: the hash's key, and the lengths for binary, binary reversed, parent, parent reversed. */
struct match_paths {
	__u64 seed;
	struct match_lengths lengths[4];
};

_Static_assert(sizeof(struct match_paths) == sizeof(struct match_text), "entry 0 is a text entry");

struct match_counters {
	struct bpf_spin_lock lock; /* guards the rate limit: credit, refilled, pending */
	__u32 reserved;
	__u64 refilled; /* boottime ns */
	__u64 credit; /* ns */
	__u64 pending; /* matches since the last record that no record stands for */
	__u64 hits;
	__u64 would_deny;
	__u64 denied;
	__u64 undecided; /* of the hits: those where a value was not known */
	__u64 suppressed; /* of the hits: those without a record of their own */
};

/* What is not any selector's. */
enum match_count {
	COUNT_BROKEN = 0, /* tables that contradict themselves */
	COUNT_FAILED = 1, /* signals that could not be sent */
	COUNT_UNKNOWN_PROCESS = 2, /* events of a process without state */
	COUNT_UNTOLD = 3, /* matches without memory to tell of them */
	MATCH_COUNTS = 4,
};

/* Sizes, not types: clang leaves out of the BTF what only an inner map names. */
struct match_headers {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MATCH_HOOKS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_header));
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

struct match_class_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_class));
	__uint(map_flags, BPF_F_INNER_MAP);
};

struct match_selector_table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_selector));
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
	__array(values, struct match_headers);
} match_root SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_SLOTS);
	__type(key, __u32);
	__array(values, struct match_value_table);
} match_values SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_SLOTS);
	__type(key, __u32);
	__array(values, struct match_prefix_table);
} match_prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_SLOTS);
	__type(key, __u32);
	__array(values, struct match_class_table);
} match_classes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_SLOTS);
	__type(key, __u32);
	__array(values, struct match_selector_table);
} match_selectors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_SLOTS);
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

static __always_inline struct match_header *match_header_of(__u32 hook)
{
	__u32 zero = 0;
	void *headers = bpf_map_lookup_elem(&match_root, &zero);

	return headers ? bpf_map_lookup_elem(headers, &hook) : NULL;
}
