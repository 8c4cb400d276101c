/* SPDX-License-Identifier: GPL-2.0 */
/* What the records of the network hooks tell of a socket. */
#pragma once

#include "hook.h"

/* Both ends of a socket, in the host's byte order; an IPv4 address in IPv6 form is IPv4. */
struct socket_name {
	__u8 family FMT("enum:socket_family") DOC("family of the addresses");
	__u8 reserved PAD;
	__u16 protocol DOC("IP protocol (6 TCP, 17 UDP)");
	__u16 sport DOC("local port");
	__u16 dport DOC("peer's port");
	__u8 saddr[16] FMT("ip") DOC("local address; IPv4 in the first four bytes");
	__u8 daddr[16] FMT("ip") DOC("peer's address; IPv4 in the first four bytes");
};
