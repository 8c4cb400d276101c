// SPDX-License-Identifier: GPL-2.0
/* A process makes a socket that sees or makes up packets: raw sockets of IP, and packet sockets. */
#include "hook.h"

struct socket_create_record {
	struct act act DOC("act");
	__u16 family FMT("enum:raw_family") DOC("family of the socket");
	__u16 type FMT("enum:raw_type") DOC("type of the socket");
	__u32 protocol DOC("of a raw socket the IP protocol, of a packet socket the Ethernet "
			   "protocol; 0 is none yet, 3 of a packet socket all");
};

enum raw_family {
	RAW_FAMILY_IPV4 = 2,
	RAW_FAMILY_IPV6 = 10,
	RAW_FAMILY_PACKET = 17,
};

enum raw_type {
	RAW_TYPE_DGRAM = 2,
	RAW_TYPE_RAW = 3,
	RAW_TYPE_PACKET = 10,
};

#ifdef REEVE_LAYOUTS
KEEP(enum raw_family, keep_raw_family);
KEEP(enum raw_type, keep_raw_type);
#else
#define MATCH_OWN_OPERANDS 3
#include "hook_run.h"
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "GPL";

/* What the kernel takes from a type; SOCK_CLOEXEC and SOCK_NONBLOCK stand above. */
#define TYPE_BITS 0xf

enum socket_create_operand {
	OPERAND_FAMILY = MATCH_OWN(0),
	OPERAND_TYPE = MATCH_OWN(1),
	OPERAND_PROTOCOL = MATCH_OWN(2),
};

__noinline __u32 match_socket_create(__u32 family, __u32 type, __u32 protocol)
{
	struct match_event event = {.hook = HOOK_SOCKET_CREATE};

	if (!match_begin(&event))
		return event.verdict;
	match_own_number(&event, OPERAND_FAMILY, family);
	match_own_number(&event, OPERAND_TYPE, type);
	match_own_number(&event, OPERAND_PROTOCOL, protocol);
	return match_end(&event);
}

static __always_inline bool is_raw(__u32 family, __u32 type)
{
	return family == RAW_FAMILY_PACKET ||
	       ((family == RAW_FAMILY_IPV4 || family == RAW_FAMILY_IPV6) && type == RAW_TYPE_RAW) ||
	       (family == RAW_FAMILY_IPV4 && type == RAW_TYPE_PACKET);
}

static __always_inline __u32 on_create(__u32 family, __u32 type, __u32 protocol, __s32 result)
{
	struct socket_create_record *record;
	__u32 verdict;

	type &= TYPE_BITS;
	if (!is_raw(family, type) || !match_asked(HOOK_SOCKET_CREATE))
		return MATCH_PASS;
	/* before 2.2 packet sockets were of IP */
	if (type == RAW_TYPE_PACKET)
		family = RAW_FAMILY_PACKET;
	if (family == RAW_FAMILY_PACKET)
		protocol = bpf_ntohs(protocol);
	verdict = match_socket_create(family, type, protocol);
	record = act_record(&verdict, RECORD_SOCKET_CREATE);
	if (record) {
		record->family = family;
		record->type = type;
		record->protocol = protocol;
	}
	return act_end(verdict, RECORD_SOCKET_CREATE, sizeof(*record), result);
}

HOOK_TRIPLE(socket_create, socket_create, security_socket_create, int family, int type,
	    int protocol, int kern)
{
	return kern ? MATCH_PASS : on_create(family, type, protocol, ACT_WAITS);
}

#define IA32_SOCKET 359

SEC("tp_btf/sys_exit")
int BPF_PROG(socket_create_sys_exit, struct pt_regs *regs, long result)
{
	if (!syscall_is(regs, __NR_socket, IA32_SOCKET))
		return 0;
	on_create(syscall_arg(regs, 0), syscall_arg(regs, 1), syscall_arg(regs, 2), result);
	return 0;
}
#endif
