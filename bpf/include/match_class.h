/* SPDX-License-Identifier: GPL-2.0 */
/* Classes of values: one lookup each, whatever the number of selectors. */
#pragma once

#include "match_path.h"

/* Class 0, which has all places, where the tables contradict themselves. */
static __always_inline __u32 class_of(__u32 table, struct match_value *value)
{
	struct match_node *node = node_at(table, value->node);

	return node ? node->class : 0;
}

/* The class of a number, one of `operand`'s values. */
__noinline __u32 match_number_class(__u32 slot, __u32 operand, __u64 number)
{
	struct match_header *header = header_of(slot);
	struct match_key key = {.low = number, .operand = operand};
	struct match_prefix prefix = {.length = 32 + 64, .operand = operand};
	struct match_value *value;
	void *values, *prefixes;
	__u32 table;

	if (!header || operand >= MATCH_OPERANDS)
		return 0;
	table = header->table;
	values = bpf_map_lookup_elem(&match_values, &table);
	value = values ? bpf_map_lookup_elem(values, &key) : NULL;
	if (value)
		return class_of(table, value);
	if (header->shorter & BIT(operand)) {
		prefixes = bpf_map_lookup_elem(&match_prefixes, &table);
		number = __builtin_bswap64(number);
		__builtin_memcpy(prefix.data, &number, sizeof(number));
		value = prefixes ? bpf_map_lookup_elem(prefixes, &prefix) : NULL;
		if (value)
			return class_of(table, value);
	}
	return header->none[operand];
}

/* The class of an address, network byte order; `family` is 4 or 6. */
__noinline __u32 match_address_class(__u32 slot, __u32 operand, __u32 family, __u64 address0,
				     __u64 address1)
{
	struct match_header *header = header_of(slot);
	struct match_key key = {
		.low = address0, .high = address1, .operand = operand, .family = family};
	struct match_prefix prefix = {.operand = operand, .family = family};
	struct match_value *value;
	void *values, *prefixes;
	__u32 table;

	if (!header || operand >= MATCH_OPERANDS)
		return 0;
	table = header->table;
	values = bpf_map_lookup_elem(&match_values, &table);
	value = values ? bpf_map_lookup_elem(values, &key) : NULL;
	if (value)
		return class_of(table, value);
	if (header->shorter & BIT(operand)) {
		prefixes = bpf_map_lookup_elem(&match_prefixes, &table);
		prefix.length = 32 + (family == 4 ? 32 : 128);
		__builtin_memcpy(prefix.data, &address0, sizeof(address0));
		__builtin_memcpy(prefix.data + 8, &address1, sizeof(address1));
		value = prefixes ? bpf_map_lookup_elem(prefixes, &prefix) : NULL;
		if (value)
			return class_of(table, value);
	}
	return header->none[operand];
}
