/* SPDX-License-Identifier: GPL-2.0 */
/* What every rung of network_connect asks the matcher. */
#pragma once

#define MATCH_OWN_OPERANDS 3
#include "match.h"
#include <bpf/bpf_endian.h>

enum network_operand {
	OPERAND_DADDR = MATCH_OWN(0),
	OPERAND_DPORT = MATCH_OWN(1),
	OPERAND_PROTOCOL = MATCH_OWN(2),
};

/* Without pointers among its arguments, for kernels before 5.12. `socket` is port << 16 | family << 8 | protocol. */
__noinline __u32 match_connect_verdict(__u64 address0, __u64 address1, __u32 socket)
{
	struct match_event event = {
		.hook = HOOK_NETWORK_CONNECT,
		.address = {address0, address1},
		.dport = socket >> 16,
		.family = socket >> 8,
		.protocol = socket,
	};

	if (!match_begin(&event))
		return event.verdict;
	match_own_address(&event, OPERAND_DADDR);
	match_own_number(&event, OPERAND_DPORT, event.dport);
	match_own_number(&event, OPERAND_PROTOCOL, event.protocol);
	return match_end(&event);
}

/* For match_connect_verdict; `port` in the host's byte order. */
static __always_inline __u32 socket_word(__u32 port, __u32 family, __u32 protocol)
{
	return port << 16 | family << 8 | (protocol & 0xff);
}

/* Connecting to the wildcard address reaches this host's loopback: that is the destination, whatever was written. */
static __always_inline __u64 ipv4_destination(__u32 address)
{
	return address ? address : bpf_htonl(0x7f000001);
}

/* IPv4 addresses in IPv6 form are IPv4 to whoever writes selectors. `address0` and `address1` as a denial record has them. */
static __always_inline __u32 ipv6_verdict(__u64 address0, __u64 address1, __u32 port,
					  __u32 protocol)
{
	if (!address0 && (__u32)address1 == bpf_htonl(0xffff))
		return match_connect_verdict(ipv4_destination(address1 >> 32), 0,
					     socket_word(port, AF_INET, protocol));
	if (!address0 && !address1)
		address1 = (__u64)bpf_htonl(1) << 32;
	return match_connect_verdict(address0, address1, socket_word(port, AF_INET6, protocol));
}
