/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>

/* Place of the lowest bit: de Bruijn, as there is no instruction for it. */
static const __u8 lowest_bit_of[64] = {
	0,  1,	2,  53, 3,  7,	54, 27, 4,  38, 41, 8,	34, 55, 48, 28, 62, 5,	39, 46, 44, 42,
	22, 9,	24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
	23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
};

static __always_inline __u32 lowest_bit(__u64 word)
{
	return lowest_bit_of[((word & -word) * 0x022fdd63cc95386dULL) >> 58];
}

/* Not word & (word - 1): that has a bound that falls with each step, and no two states of the verifier are alike. */
static __always_inline __u64 without_lowest(__u64 word)
{
	__u64 lowest = word & -word;

	/* or clang makes it that */
	asm volatile("" : "+r"(lowest));
	return word ^ lowest;
}
