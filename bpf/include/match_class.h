/* SPDX-License-Identifier: GPL-2.0 */
/* Classes of values: one lookup each, whatever the number of selectors. */
#pragma once

#include "match_path.h"

/* The class of a number, one of `operand`'s values. */
__noinline __u32 match_number_class(__u32 slot, __u32 operand, __u64 number)
{
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	void *values = bpf_map_lookup_elem(&match_values, &slot);
	struct match_key key = {.low = number, .operand = operand};
	struct match_prefix prefix = {.length = 32 + 64, .operand = operand};
	struct match_value *value;
	void *prefixes;

	if (!header || !values || operand >= MATCH_OPERANDS)
		return 0;
	value = bpf_map_lookup_elem(values, &key);
	if (value)
		return value->class;
	if (header->shorter & BIT(operand)) {
		prefixes = bpf_map_lookup_elem(&match_prefixes, &slot);
		number = __builtin_bswap64(number);
		__builtin_memcpy(prefix.data, &number, sizeof(number));
		value = prefixes ? bpf_map_lookup_elem(prefixes, &prefix) : NULL;
		if (value)
			return value->class;
	}
	return header->none[operand];
}

/* The class of an address, network byte order; `family` is 4 or 6. */
__noinline __u32 match_address_class(__u32 slot, __u32 operand, __u32 family, __u64 address0,
				     __u64 address1)
{
	struct match_header *header = bpf_map_lookup_elem(&match_headers, &slot);
	void *values = bpf_map_lookup_elem(&match_values, &slot);
	struct match_key key = {
		.low = address0, .high = address1, .operand = operand, .family = family};
	struct match_prefix prefix = {.operand = operand, .family = family};
	struct match_value *value;
	void *prefixes;

	if (!header || !values || operand >= MATCH_OPERANDS)
		return 0;
	value = bpf_map_lookup_elem(values, &key);
	if (value)
		return value->class;
	if (header->shorter & BIT(operand)) {
		prefixes = bpf_map_lookup_elem(&match_prefixes, &slot);
		prefix.length = 32 + (family == 4 ? 32 : 128);
		__builtin_memcpy(prefix.data, &address0, sizeof(address0));
		__builtin_memcpy(prefix.data + 8, &address1, sizeof(address1));
		value = prefixes ? bpf_map_lookup_elem(prefixes, &prefix) : NULL;
		if (value)
			return value->class;
	}
	return header->none[operand];
}
