/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the programs of the network hooks are made of. Where a socket hook is asked, ports and addresses are not settled yet:
 * what it decides is decided there, and what it posts waits for the function that does it (struct socket_wait), or for the
 * end of the system call.
 */
#pragma once

#include "match.h"
#include "identity.h"
#include "syscalls.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

/* Whether an act can be kept from happening on this rung: what decides then comes before what tells. The agent sets it. */
const volatile __u8 act_denies = 0;

#define IPPROTO_TCP 6
#define IPPROTO_UDP 17

/* Operands of the hooks that are about both ends of a socket. */
enum socket_operand {
	OPERAND_DADDR = MATCH_OWN(0),
	OPERAND_DPORT = MATCH_OWN(1),
	OPERAND_PROTOCOL = MATCH_OWN(2),
	OPERAND_SADDR = MATCH_OWN(3),
	OPERAND_SPORT = MATCH_OWN(4),
};

/* Of those about the local end alone. */
enum local_operand {
	OPERAND_LOCAL_SADDR = MATCH_OWN(0),
	OPERAND_LOCAL_SPORT = MATCH_OWN(1),
	OPERAND_LOCAL_PROTOCOL = MATCH_OWN(2),
};

/* A pointer as a number, which the verifier knows nothing of: global functions take no pointers before 5.12. */
static __always_inline __u64 socket_number(const void *pointer)
{
	__u64 number = 0;

	bpf_probe_read_kernel(&number, sizeof(number), &pointer);
	return number;
}

/* Who acts, which is the current thread, and what came of it. */
static __always_inline void socket_act(struct act *act, __s32 result)
{
	struct task_struct *task = current_task();
	__u64 ids = bpf_get_current_pid_tgid();

	act->process.start = process_start(task);
	act->process.self_exec_id = BPF_CORE_READ(task, self_exec_id);
	act->process.tgid = ids >> 32;
	act->process.reserved = 0;
	act->tid = ids;
	act->result = result;
	act->path_len = 0;
	act->other_len = 0;
	act->count = 1;
	act->reserved = 0;
}

static __always_inline void put_ipv4(__u8 *to, __be32 address)
{
	__u64 words[2] = {address, 0};

	__builtin_memcpy(to, words, sizeof(words));
}

static __always_inline bool is_mapped(const struct in6_addr *address)
{
	const __be32 *words = address->in6_u.u6_addr32;

	return words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff);
}

/* Both ends as the kernel has them now; false for a socket of another family. */
static __always_inline bool read_socket_name(struct socket_name *to, struct sock *sock)
{
	__u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
	struct in6_addr saddr = {}, daddr = {};

	if (family != AF_INET && family != AF_INET6)
		return false;
	to->reserved = 0;
	to->protocol = BPF_CORE_READ(sock, sk_protocol);
	to->sport = BPF_CORE_READ(sock, __sk_common.skc_num);
	/* a connection that was reset has given its number back */
	if (!to->sport)
		to->sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sock, inet_sport));
	to->dport = bpf_ntohs(BPF_CORE_READ(sock, __sk_common.skc_dport));
	if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&saddr, sock, __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO(&daddr, sock, __sk_common.skc_v6_daddr);
		if (!is_mapped(&daddr) && !is_mapped(&saddr)) {
			to->family = FAMILY_IPV6;
			__builtin_memcpy(to->saddr, &saddr, sizeof(saddr));
			__builtin_memcpy(to->daddr, &daddr, sizeof(daddr));
			return true;
		}
	}
	to->family = FAMILY_IPV4;
	put_ipv4(to->saddr, BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr));
	put_ipv4(to->daddr, BPF_CORE_READ(sock, __sk_common.skc_daddr));
	return true;
}

/* An address that a system call was given, as the kernel has copied it. */
struct given_address {
	__u16 family;
	__be16 port;
	__be32 flow; /* an IPv4 address lies here */
	__u64 address[2];
};

/* False when it is none of the two families, or too short for the kernel. */
static __always_inline bool name_of_given(__u8 *family, __u8 *address, __u16 *port,
					  const struct given_address *given, int length)
{
	*port = bpf_ntohs(given->port);
	if (given->family == AF_INET && length >= SOCKADDR_IN_BYTES) {
		*family = FAMILY_IPV4;
		put_ipv4(address, given->flow);
		return true;
	}
	if (given->family != AF_INET6 || length < SIN6_LEN_RFC2133)
		return false;
	if (!given->address[0] && (__u32)given->address[1] == bpf_htonl(0xffff)) {
		*family = FAMILY_IPV4;
		put_ipv4(address, given->address[1] >> 32);
		return true;
	}
	*family = FAMILY_IPV6;
	__builtin_memcpy(address, given->address, sizeof(given->address));
	return true;
}

/* The socket behind a descriptor of the current thread's, NULL when it is none. */
static __always_inline struct socket *socket_of(__u32 fd)
{
	struct file *file = file_of(current_task(), fd);

	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	return BPF_CORE_READ(file, private_data);
}

/* What the matcher and denial records go by: the peer, or the local end where the hook is about that alone. */
static __always_inline void match_about(struct match_event *event, const struct socket_name *name,
					bool local)
{
	__builtin_memcpy(event->address, local ? name->saddr : name->daddr, sizeof(event->address));
	event->dport = local ? name->sport : name->dport;
	event->family = name->family;
	event->protocol = name->protocol;
}

/* All five, and the verdict. */
static __always_inline __u32 match_both_ends(struct match_event *event,
					     const struct socket_name *name)
{
	__u64 saddr[2];

	match_about(event, name, false);
	match_own_address(event, OPERAND_DADDR);
	match_own_number(event, OPERAND_DPORT, name->dport);
	match_own_number(event, OPERAND_PROTOCOL, event->protocol);
	match_own_number(event, OPERAND_SPORT, name->sport);
	if (event->header->active & BIT(OPERAND_SADDR)) {
		__builtin_memcpy(saddr, name->saddr, sizeof(saddr));
		event->own[3] =
			match_address_class(event->slot, OPERAND_SADDR,
					    event->family == AF_INET ? 4 : 6, saddr[0], saddr[1]);
	}
	return match_end(event);
}

static __always_inline __u32 match_local_end(struct match_event *event,
					     const struct socket_name *name)
{
	match_about(event, name, true);
	match_own_address(event, OPERAND_LOCAL_SADDR);
	match_own_number(event, OPERAND_LOCAL_SPORT, name->sport);
	match_own_number(event, OPERAND_LOCAL_PROTOCOL, event->protocol);
	return match_end(event);
}

/* Signals, where the program may send them; whether the act is denied. */
static __always_inline bool socket_decided(__u32 verdict, bool can_signal)
{
	verdict &= 0xff;
	if (can_signal && verdict == MATCH_KILL)
		match_signal(MATCH_SIGKILL);
	if (can_signal && verdict == MATCH_SIGNAL)
		match_signal(MATCH_SIGTERM);
	return verdict == MATCH_DENY || verdict == MATCH_KILL;
}

/* What a program that can deny returns. */
static __always_inline long socket_answer(bool denied)
{
	long result = 0;

	if (denied) {
		result = -EPERM;
		barrier_var(result);
	}
	return result;
}
