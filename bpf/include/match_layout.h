/* SPDX-License-Identifier: GPL-2.0 */
/* What the matcher's tables consist of: see match_tables.h. agent/selectors/layout.ts writes the same bytes. */
#pragma once

#include "lineage.h"

#define MATCH_HOOKS 64
/* Numbers of headers, and of sets of tables: two for each hook that has selectors. What stands behind them is made on demand. */
#define MATCH_SLOTS 128
#define MATCH_TABLES 128
/* Words of 64 places, and a summary bit for each word that is not empty. */
#define MATCH_WORDS 256
#define MATCH_SUMMARY 4
#define MATCH_DELTAS 3
#define MATCH_NO_WORD 0x7fffffff
#define MATCH_ATOMS 64
/* Processes' parts lie in frames of this size, as many of them in each as their tables' words allow. */
#define MATCH_FRAME_BYTES 16384
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

/* Operands of a hook of its own: MATCH_OWN(0) to MATCH_OWN(5). A path takes the first or the last three: exact, prefix, suffix. */
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
	TEXT_SECOND = 3, /* of a hook that is about two paths */
	TEXT_FAMILIES = 4,
};

/* What an event goes by from its first look at the root on. Beside it the tables only ever get more, see match_tables.h. */
struct match_header {
	__u64 active; /* operands that some selector asks for */
	__u64 shorter; /* operands that have values shorter than whole: looked for among the prefixes */
	__u64 seed; /* the texts' hash's key */
	__u64 zero; /* always; the verifier cannot know */
	__u32 install; /* number of this set of selectors, never used again */
	__u32 table; /* where the tables are */
	__u32 words;
	__u32 flags;
	__u32 atoms;
	__u32 stride; /* bytes of a process's part */
	__u32 per_frame; /* parts in a frame */
	__u32 frames;
	__u32 care[MATCH_OWNS]; /* own mask operands: bits that are looked up, at most ten */
	__u64 lineage; /* bits that some selector asks for */
	__u32 none[MATCH_OPERANDS]; /* class of a value that is in no table, by operand */
	struct match_lengths lengths[2 * TEXT_FAMILIES];
	struct match_atom atom[MATCH_ATOMS];
};

/* A whole value: a number, an address, or the keyed hash of a text. */
struct match_key {
	__u64 low;
	__u64 high;
	__u32 operand;
	__u32 family; /* 4 or 6 for addresses */
};

/* Never changed: what an entry of a hash is changed to lies elsewhere, and where it lay may be another's at once. */
struct match_value {
	__u32 node;
	__u32 reserved;
};

/* What a value of the tables is now. */
struct match_node {
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

/* Whose allowance of records a selector's is. */
enum match_rate_per {
	RATE_PER_SELECTOR = 0,
	RATE_PER_PROCESS = 1,
	RATE_PER_FILE = 2, /* each process's for each file; elsewhere the process's */
};

struct match_selector {
	__u64 deadline; /* boottime ns from which on it is ignored; the highest of 63 bits: never */
	__u64 interval; /* ns between two records, once the allowance of a second is used up */
	__u64 operands; /* that it asks for */
	__s32 priority;
	__u32 counters; /* stable number */
	__u8 action;
	__u8 mode;
	__u8 rate_per; /* enum match_rate_per */
	__u8 reserved[5];
};

/* The selectors of a word of places; all zero (ended) where nobody is. */
struct match_word {
	__u64 best; /* none of them scores more: see score_of */
	__u32 kind; /* what all of them are for */
	__u32 reserved;
	struct match_selector selector[64];
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
