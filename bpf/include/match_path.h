/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Paths: one pass over words of 8 bytes, a hash taken at each prefix length that the tables have, the longest hit wins. A
 * hit counts only when the bytes are the same: a collision never denies. A suffix is a prefix of the reversed path.
 *
 * These are global functions (verified once, apart from their callers) with numbers for arguments: before 5.12 the kernel
 * takes no pointers there. What they look up again is the same: `slot` is what the root gave.
 */
#pragma once

#include "match_tables.h"

/* Which text, and how. Bits 0 and 1 are the index into match_paths.lengths. */
#define WALK_REVERSED 1
#define WALK_PARENT_OPERAND 2
#define WALK_PARENT_TEXT 4

#define HASH_STEP 0x9E3779B97F4A7C15ULL
#define HASH_END 0xD6E8FEB86659FD93ULL

static __always_inline __u64 hash_step(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * HASH_STEP;
	return hash ^ (hash >> 29);
}

static __always_inline __u64 hash_end(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * HASH_END;
	return hash ^ (hash >> 32);
}

static __always_inline struct path_text *walk_text(__u32 tgid, __u32 which)
{
	struct process_state *state = bpf_map_lookup_elem(&processes, &tgid);

	if (!state)
		return NULL;
	return which & WALK_PARENT_TEXT ? &state->parent : &state->binary;
}

/* Word of a text or of its reverse that begins at `at`, a multiple of 8 below `held`. Bytes after its end are anything. */
static __always_inline __u64 text_word(struct path_text *text, __u32 held, __u32 at, bool reversed)
{
	if (reversed)
		return __builtin_bswap64(*(__u64 *)(text->lead + ((held - at) & 255)));
	return *(__u64 *)(text->bytes + (at & 255));
}

/* The first `count` bytes of a word, at least one. A branch here would double the verifier's states with each word. */
static __always_inline __u64 first_bytes(__u64 word, __u32 count)
{
	__s32 above = (__s32)(8 - count) >> 31;

	asm volatile("" : "+r"(above));
	count += (8 - count) & above;
	return word & (~0ULL >> ((64 - 8 * count) & 63));
}

/* A bit for each byte of a word that is a slash. */
static __always_inline __u32 slashes_in(__u64 word)
{
	const __u64 low7 = 0x7f7f7f7f7f7f7f7fULL;
	__u64 other = word ^ 0x2f2f2f2f2f2f2f2fULL;
	__u64 equal = ~(((other & low7) + low7) | other | low7);

	return ((equal >> 7) * 0x0102040810204080ULL) >> 56;
}

/* Whether a text begins (reversed: ends) with entry `index` of the texts; returns its length, else 0. */
__noinline __u32 match_text_is(__u32 tgid, __u32 slot, __u32 which, __u32 index)
{
	struct path_text *text = walk_text(tgid, which);
	void *texts = bpf_map_lookup_elem(&match_texts, &slot);
	struct match_text *entry;
	__u32 held, length, end;
	__u64 word;

	if (!texts || !text)
		return 0;
	entry = bpf_map_lookup_elem(texts, &index);
	held = text->held;
	if (!entry || held >= PATH_TEXT_BYTES)
		return 0;
	length = entry->length;
	if (!length || length > held)
		return 0;
	for (__u32 at = 0; at < PATH_TEXT_BYTES; at += 8) {
		if (at + 8 > length)
			break;
		word = text_word(text, held, at, which & WALK_REVERSED);
		if (word != *(__u64 *)(entry->bytes + at))
			return 0;
	}
	if (!(length & 7))
		return length;
	end = length & 248;
	word = text_word(text, held, end, which & WALK_REVERSED);
	word = first_bytes(word, length & 7);
	return word == *(__u64 *)(entry->bytes + end) ? length : 0;
}

/*
 * Classes of a path: exact in the upper half, longest prefix (reversed: suffix) in the lower, each one more than the
 * class, 0 where no value of the tables fits.
 */
__noinline __u64 match_path(__u32 tgid, __u32 slot, __u32 which)
{
	struct path_text *text = walk_text(tgid, which);
	void *texts = bpf_map_lookup_elem(&match_texts, &slot);
	void *values = bpf_map_lookup_elem(&match_values, &slot);
	struct match_key key = {.operand = OPERAND_BINARY_PREFIX};
	struct match_lengths *lengths;
	struct match_paths *paths;
	struct match_value *value;
	__u32 zero = 0, held, exact = 0, longest = 0;
	__u64 hash;

	if (!texts || !values || !text)
		return 0;
	paths = bpf_map_lookup_elem(texts, &zero);
	held = text->held;
	if (!paths || !held || held >= PATH_TEXT_BYTES)
		return 0;
	lengths = &paths->lengths[which & 3];
	if (which & WALK_REVERSED)
		key.operand += OPERAND_BINARY_SUFFIX - OPERAND_BINARY_PREFIX;
	if (which & WALK_PARENT_OPERAND)
		key.operand += OPERAND_PARENT - OPERAND_BINARY;
	hash = paths->seed;
	for (__u32 at = 0; at < PATH_TEXT_BYTES; at += 8) {
		__u32 lengths_here;
		__u64 word;

		if (at >= held)
			break;
		word = text_word(text, held, at, which & WALK_REVERSED);
		word = first_bytes(word, held - at);
		lengths_here = lengths->any[at / 8] | (lengths->slash[at / 8] & slashes_in(word));
		for (__u32 k = 0; k < 8; k++) {
			if (!lengths_here)
				break;
			if (!(lengths_here >> k & 1))
				continue;
			key.value = hash_end(hash, word & (~0ULL >> (56 - 8 * k)));
			value = bpf_map_lookup_elem(values, &key);
			if (value && match_text_is(tgid, slot, which, value->text) == at + k + 1)
				longest = value->class + 1;
		}
		if (held - at <= 8) {
			hash = hash_end(hash, word) ^ held;
			break;
		}
		hash = hash_step(hash, word);
	}
	if (!(which & WALK_REVERSED) && text->length == held) {
		key.value = hash;
		key.operand -= OPERAND_BINARY_PREFIX - OPERAND_BINARY;
		value = bpf_map_lookup_elem(values, &key);
		if (value && match_text_is(tgid, slot, which, value->text) == held)
			exact = value->class + 1;
	}
	return (__u64)exact << 32 | longest;
}
