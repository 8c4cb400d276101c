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

/*
 * Which text, and how: bit 0 reversed, bits 1 and 2 whose operands (enum match_text_family), bits 3 and 4 where the text
 * is. `source` is the process's tgid, or the number of a path slot.
 */
#define WALK_REVERSED 1
#define WALK_FAMILY_SHIFT 1
#define WALK_STATE_BINARY (0 << 3)
#define WALK_STATE_PARENT (1 << 3)
#define WALK_PATH_SLOT (2 << 3)
#define WALK_SOURCE (3 << 3)

/* Two lanes of 32 bits: what JavaScript multiplies fast too. */
#define HASH_STEP_LOW 0x9E3779B1u
#define HASH_STEP_HIGH 0x85EBCA77u
#define HASH_END_LOW 0xC2B2AE3Du
#define HASH_END_HIGH 0x27D4EB2Fu

static __always_inline __u64 hash_mix(__u64 hash, __u64 word, const __u32 by_low,
				      const __u32 by_high)
{
	__u32 low = ((__u32)hash ^ (__u32)word) * by_low;
	__u32 high = ((__u32)(hash >> 32) ^ (__u32)(word >> 32)) * by_high;

	low ^= high >> 15;
	high ^= low >> 13;
	high *= by_low;
	low ^= high >> 16;
	return (__u64)high << 32 | low;
}

static __always_inline __u64 hash_step(__u64 hash, __u64 word)
{
	return hash_mix(hash, word, HASH_STEP_LOW, HASH_STEP_HIGH);
}

static __always_inline __u64 hash_end(__u64 hash, __u64 word)
{
	return hash_mix(hash, word, HASH_END_LOW, HASH_END_HIGH);
}

/* One of two texts that stand one after the other. No branch: whatever follows would be verified for each of them. */
static __always_inline struct path_text *second_if(struct path_text *texts, __u64 second)
{
	second &= 1;
	asm volatile("" : "+r"(second));
	return (void *)texts + second * sizeof(*texts);
}

/* A hook that has paths of its own includes path_slot.h before this. */
static __always_inline struct path_text *own_text(__u32 number, bool reversed)
{
#ifdef PATH_SLOTS
	struct path_slot *slot = path_slot_at(number);

	if (!slot)
		return NULL;
	return second_if(&slot->head, reversed & (slot->head.length > slot->head.held));
#else
	return NULL;
#endif
}

static __always_inline struct path_text *walk_text(__u32 source, __u32 which)
{
	struct process_state *state;

	if ((which & WALK_SOURCE) == WALK_PATH_SLOT)
		return own_text(source, which & WALK_REVERSED);
	state = bpf_map_lookup_elem(&processes, &source);
	if (!state)
		return NULL;
	return second_if(&state->binary, (which & WALK_SOURCE) / WALK_STATE_PARENT);
}

/* Word of a text or of its reverse that begins at `at`, a multiple of 8 below `held`. Bytes after its end are anything. */
static __always_inline __u64 text_word(struct path_text *text, __u32 held, __u32 at, __u32 which)
{
	__u64 reversed = -(__u64)(which & WALK_REVERSED), from = at, word, lead;

	asm volatile("" : "+r"(reversed));
	from ^= (from ^ (held - at)) & reversed;
	lead = ~reversed;
	/* bounded here: 5.10 forgets the bounds of what is kept on the stack, 6.1 those of an exclusive or */
	asm volatile("" : "+r"(lead), "+r"(from));
	word = *(__u64 *)(text->lead + (lead & sizeof(text->lead)) + (from & 255));
	return word ^ ((word ^ __builtin_bswap64(word)) & reversed);
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

/* Whether a text begins (reversed: ends) with entry `index` of the tables' texts; returns its length, else 0. */
__noinline __u32 match_text_is(__u32 source, __u32 table, __u32 which, __u32 index)
{
	struct path_text *text = walk_text(source, which);
	void *texts = bpf_map_lookup_elem(&match_texts, &table);
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
		word = text_word(text, held, at, which);
		if (word != *(__u64 *)(entry->bytes + at))
			return 0;
	}
	if (!(length & 7))
		return length;
	end = length & 248;
	word = text_word(text, held, end, which);
	word = first_bytes(word, length & 7);
	return word == *(__u64 *)(entry->bytes + end) ? length : 0;
}

/* A text that the tables have: its class, and one; its index << 24; which byte of the word it ends at << 56. 0: none. */
#define FOUND_CLASS ((1ULL << 24) - 1)
#define FOUND_TEXT_SHIFT 24
#define FOUND_BYTE_SHIFT 56

static __always_inline __u64 text_found(__u32 table, __u32 which, __u64 hash, const __u32 exact)
{
	void *values = bpf_map_lookup_elem(&match_values, &table);
	__u32 family = which >> WALK_FAMILY_SHIFT & 3;
	struct match_key key = {.low = hash};
	struct match_value *value;
	struct match_node *node;

	/* exact, prefix and suffix of a family stand one after the other */
	key.operand =
		family >= TEXT_OWN ? MATCH_OWN(3 * (family - TEXT_OWN)) : OPERAND_PARENT * family;
	if (!exact)
		key.operand += which & WALK_REVERSED ? 2 : 1;
	value = values ? bpf_map_lookup_elem(values, &key) : NULL;
	node = value ? node_at(table, value->node) : NULL;
	if (!node)
		return 0;
	return (node->class + 1) | (__u64)node->text << FOUND_TEXT_SHIFT;
}

/*
 * The longest text of the tables that ends in one word of a path, by its hash: whoever asks compares the bytes. `lengths`:
 * bits of the bytes where one may end.
 */
__noinline __u64 match_path_word(__u32 table, __u32 which, __u64 hash, __u64 word, __u32 lengths)
{
	for (__s32 k = 7; k >= 0; k--) {
		__u64 found;

		if (!(lengths >> k & 1))
			continue;
		found = text_found(table, which, hash_end(hash, word & (~0ULL >> (56 - 8 * k))),
				   false);
		if (found)
			return found | (__u64)k << FOUND_BYTE_SHIFT;
	}
	return 0;
}

/* The whole path by its hash. */
__noinline __u64 match_path_whole(__u32 table, __u32 which, __u64 hash)
{
	return text_found(table, which, hash, true);
}

/*
 * Classes of a path: exact in the upper half, longest prefix (reversed: suffix) in the lower, each one more than the
 * class, 0 where no value of the tables fits.
 */
__noinline __u64 match_path(__u32 source, __u32 slot, __u32 which)
{
	struct path_text *text = walk_text(source, which);
	struct match_header *header = header_of(slot);
	__u32 walk = which & 7, held, exact, longest;
	struct match_lengths *lengths;
	__u64 hash, found;
	__u32 table;

	if (!header || !text || walk >= 2 * TEXT_FAMILIES)
		return 0;
	held = text->held;
	if (!held || held >= PATH_TEXT_BYTES)
		return 0;
	lengths = &header->lengths[walk];
	table = header->table;
	/* 0, which the verifier does not know: else what is found makes other states */
	exact = longest = *(volatile __u64 *)&header->zero;
	hash = header->seed;
	for (__u32 at = 0; at < PATH_TEXT_BYTES; at += 8) {
		__u32 lengths_here;
		__u64 word;

		if (at >= held)
			break;
		word = text_word(text, held, at, which);
		word = first_bytes(word, held - at);
		lengths_here = lengths->any[at / 8] | (lengths->slash[at / 8] & slashes_in(word));
		/* a second time where the first one only has the hash; that both do is as good as impossible */
		for (int i = 0; i < 2; i++) {
			if (!lengths_here)
				break;
			found = match_path_word(table, which, hash, word, lengths_here);
			if (!found)
				break;
			if (match_text_is(source, table, which, found >> FOUND_TEXT_SHIFT) ==
			    at + (found >> FOUND_BYTE_SHIFT) + 1) {
				longest = found & FOUND_CLASS;
				break;
			}
			lengths_here &= (1U << (found >> FOUND_BYTE_SHIFT & 7)) - 1;
		}
		if (held - at <= 8) {
			hash = hash_end(hash, word) ^ held;
			break;
		}
		hash = hash_step(hash, word);
	}
	if (!(which & WALK_REVERSED) && text->length == held) {
		found = match_path_whole(table, which, hash);
		if (found && match_text_is(source, table, which, found >> FOUND_TEXT_SHIFT) == held)
			exact = found & FOUND_CLASS;
	}
	return (__u64)exact << 32 | longest;
}
