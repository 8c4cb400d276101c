/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The matcher's tables, written by agent/selectors. `match_root` leads to one entry per hook, which names the slot in which
 * the hook's tables stand. One update of the root puts all hooks onto new tables at once. Read the root once and pass on
 * what it gave: a slot is changed only after the root has left it and that update has returned, which is after every
 * program that still used it has ended.
 *
 * A selector has a place, which is a bit. A class is a set of places: those that a value satisfies. It is a bitmap in which
 * up to two words are turned into other ones, so that a value which one selector of ten thousand lists takes no bitmap of
 * its own. Places whose selector does not ask for an operand are in all of its classes: a new selector changes only
 * the classes of what it asks for. What several predicates of one selector ask of the same operand is one bit: the
 * compiler evaluates them together for each value that the tables tell apart.
 *
 * Places are no order: what decides is the selector's priority, then the stronger action, then the lower place.
 */
#pragma once

#include "proc_state.h"

/*
 * Whether this kind of program may use spin locks on this kernel (before 5.11 few may): found out by trial load. Without,
 * processes' parts are not kept, and two matches at once may make a record too many.
 */
const volatile __u8 match_locks = 1;

#define MATCH_HOOKS 8
/* Two for each hook: the one in use, and the one that is being changed. */
#define MATCH_SLOTS 16
/* Words of 64 places, and a summary bit for each word that is not empty. */
#define MATCH_WORDS 256
#define MATCH_SUMMARY 4
#define MATCH_DELTAS 2
#define MATCH_NO_WORD 0x7fffffff
#define MATCH_ATOMS 64
/* Kinds of process that a revision tells apart; those beyond are matched without what is known of them. */
#define MATCH_PARTS 256
#define MATCH_COUNTERS 32768

/* Operands that every hook has. The process's part of the answer is made of them alone. */
enum match_operand {
	OPERAND_BINARY = 0, /* exact */
	OPERAND_BINARY_PREFIX = 1,
	OPERAND_BINARY_SUFFIX = 2,
	OPERAND_PARENT = 3,
	OPERAND_PARENT_PREFIX = 4,
	OPERAND_PARENT_SUFFIX = 5,
	OPERAND_UID = 6,
	OPERAND_GID = 7,
	OPERAND_AUID = 8,
	OPERAND_CGROUP = 9, /* set of scopes that the cgroup lies in */
	OPERAND_TREE = 10, /* set of marked trees that the process belongs to */
	OPERAND_NAMESPACE = 11, /* and the seven after it: enum match_namespace */
	OPERAND_CAP_EFFECTIVE = 19, /* masks from here on: see struct match_atom */
	OPERAND_CAP_PERMITTED = 20,
	OPERAND_LINEAGE = 21,
	OPERAND_PROPERTIES = 22,
	PROCESS_OPERANDS = 23,
	MATCH_OPERANDS = 40,
};

enum match_namespace {
	NAMESPACE_MNT = 0,
	NAMESPACE_PID = 1,
	NAMESPACE_NET = 2,
	NAMESPACE_UTS = 3,
	NAMESPACE_IPC = 4,
	NAMESPACE_USER = 5,
	NAMESPACE_CGROUP = 6,
	NAMESPACE_TIME = 7,
	NAMESPACES = 8,
};

/* Operands of a hook of its own: MATCH_OWN(0) to MATCH_OWN(5). A path takes the first three: exact, prefix, suffix. */
#define MATCH_OWN(n) (32 + (n))
#define MATCH_OWNS 6
#define MATCH_CLASS_BITS 21

#define BIT(operand) (1ULL << (operand))
#define BINARY_OPERANDS \
	(BIT(OPERAND_BINARY) | BIT(OPERAND_BINARY_PREFIX) | BIT(OPERAND_BINARY_SUFFIX))
#define PARENT_OPERANDS \
	(BIT(OPERAND_PARENT) | BIT(OPERAND_PARENT_PREFIX) | BIT(OPERAND_PARENT_SUFFIX))
#define NAMESPACE_OPERANDS (0xffULL << OPERAND_NAMESPACE)
#define CAPABILITY_OPERANDS (BIT(OPERAND_CAP_EFFECTIVE) | BIT(OPERAND_CAP_PERMITTED))
#define ALL_PROCESS_OPERANDS (BIT(PROCESS_OPERANDS) - 1)

struct match_entry {
	__u64 epoch; /* never used again; changes with the tables and with the marks of processes and cgroups */
	__u32 slot;
	__u32 selectors; /* 0: nothing to match */
};

/* One test of a mask operand: which places are left when the value has any of the bits, and when it has none. */
struct match_atom {
	__u64 mask;
	__u32 operand;
	__u32 set; /* class */
	__u32 clear; /* class */
	__u32 reserved;
};

/* What the selectors of a word are for; a word is for one only. */
enum match_kind {
	KIND_DECIDE = 0, /* deny, kill, signal */
	KIND_MONITOR = 1, /* the same, only told */
	KIND_POST = 2, /* post, noPost */
};

enum match_header_flag {
	MATCH_ENFORCES = 1 << 0,
	MATCH_EVERY =
		1
		<< 1, /* tell of every selector that matches, not only of those that come to decide */
};

/* Prefix lengths in use, bit n for length n + 1: those that end in a slash, and the others. */
struct match_lengths {
	__u8 slash[PATH_TEXT_BYTES / 8];
	__u8 any[PATH_TEXT_BYTES / 8];
};

/* Whose text: two walks each, forward and reversed. */
enum match_text_family {
	TEXT_BINARY = 0,
	TEXT_PARENT = 1,
	TEXT_OWN = 2,
	TEXT_FAMILIES = 3,
};

struct match_header {
	__u64 active; /* operands that some selector asks for */
	__u64 shorter; /* operands that have values shorter than whole: looked for among the prefixes */
	__u64 seed; /* the texts' hash's key */
	__u64 zero; /* always; the verifier cannot know */
	__u32 install; /* number of this set of tables, never used again */
	__u32 pool; /* where the classes and texts are */
	__u32 words;
	__u32 flags;
	__u32 live; /* class of all places that are taken */
	__u32 atoms;
	__u32 care[MATCH_OWNS + 2]; /* own mask operands: bits that are looked up, at most ten */
	__u32 none[MATCH_OPERANDS]; /* class of a value that is in no table, by operand */
	struct match_lengths lengths[2 * TEXT_FAMILIES];
	struct match_atom atom[MATCH_ATOMS];
	__u64 best[MATCH_WORDS]; /* no selector of the word scores more: see score_of */
	__u8 kind[MATCH_WORDS];
};

/* A whole value: a number, an address, or the keyed hash of a text. */
struct match_key {
	__u64 low;
	__u64 high;
	__u32 operand;
	__u32 family; /* 4 or 6 for addresses */
};

struct match_value {
	__u32 class;
	__u32 text; /* for hashes: what was hashed */
};

/* The beginning of a number of 64 bits or of an address, big-endian. IPv4 is told apart from its v6-mapped form. */
struct match_prefix {
	__u32 length; /* 32 + bits of `data` */
	__u8 operand;
	__u8 family;
	__u8 reserved[2];
	__u8 data[16];
};

struct match_bitmap {
	__u64 summary[MATCH_SUMMARY];
	__u64 words[MATCH_WORDS];
};

struct match_delta {
	__u64 word; /* MATCH_NO_WORD: none, and no bits */
	__u64 bits; /* exclusive or */
};

/* Class 0 has all places, and its bitmap is number 0. */
struct match_class {
	__u32 base; /* bitmap */
	__u32 reserved;
	__u64 touched[MATCH_SUMMARY]; /* words that a delta changes */
	struct match_delta delta[MATCH_DELTAS];
};

struct match_selector {
	__u64 deadline; /* boottime ns from which on it is ignored; the highest of 63 bits: never */
	__u64 interval; /* ns between two records, once the allowance of a second is used up */
	__u64 operands; /* that it asks for */
	__s32 priority;
	__u32 counters; /* stable number */
	__u8 action;
	__u8 mode;
	__u8 per_process; /* whether each process has an allowance of its own */
	__u8 reserved[5];
};

/* Suffixes are kept reversed. Entry 0 is no text. */
struct match_text {
	__u64 length;
	__u8 bytes[PATH_TEXT_BYTES];
};

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
	__u64 rate_limited; /* of the hits: those without a record of their own */
};

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
	__array(values, struct match_entries);
} match_root SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MATCH_SLOTS);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct match_header));
} match_headers SEC(".maps");

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
	__array(values, struct match_bitmap_table);
} match_bitmaps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, MATCH_SLOTS);
	__type(key, __u32);
	__array(values, struct match_selector_table);
} match_selectors SEC(".maps");

/* By pool. An entry is never changed while a slot that names the pool is in use: both slots of a hook share it. */
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

static __always_inline void match_count_seen(__u32 hook)
{
	__u64 *count = bpf_map_lookup_elem(&match_seen, &hook);

	if (count)
		__sync_fetch_and_add(count, 1);
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
