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
#define IPPROTO_MPTCP 262

/* Operands of the hooks that are about both ends of a socket; those about one have its address, port, protocol. */
enum socket_operand {
	OPERAND_DADDR = MATCH_OWN(0),
	OPERAND_DPORT = MATCH_OWN(1),
	OPERAND_PROTOCOL = MATCH_OWN(2),
	OPERAND_SADDR = MATCH_OWN(3),
	OPERAND_SPORT = MATCH_OWN(4),
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

/*
 * Sockets as numbers, to be passed to global functions: two words for each address, and `ends`: sport << 48 | dport << 32 |
 * family << 8 | protocol. What calls the matcher has next to no stack: below it there is little left on older kernels.
 */
#define ENDS_WANT_SHIFT 24

/* AF_INET, also for an IPv4 address in IPv6 form, or AF_INET6; 0 for a socket of another family. */
__noinline __u32 socket_family(__u64 number)
{
	struct sock *sock = (struct sock *)number;
	__u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
	struct in6_addr address;

	if (family != AF_INET6)
		return family == AF_INET ? AF_INET : 0;
	BPF_CORE_READ_INTO(&address, sock, __sk_common.skc_v6_daddr);
	if (is_mapped(&address))
		return AF_INET;
	BPF_CORE_READ_INTO(&address, sock, __sk_common.skc_v6_rcv_saddr);
	return is_mapped(&address) ? AF_INET : AF_INET6;
}

static __always_inline __u64 local_word(struct sock *sock, __u32 family, const int word)
{
	__u64 value = 0;

	if (family == AF_INET)
		return word ? 0 : BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr);
	bpf_probe_read_kernel(
		&value, sizeof(value),
		(void *)__builtin_preserve_access_index(&sock->__sk_common.skc_v6_rcv_saddr) +
			8 * word);
	return value;
}

static __always_inline __u64 peer_word(struct sock *sock, __u32 family, const int word)
{
	__u64 value = 0;

	if (family == AF_INET)
		return word ? 0 : BPF_CORE_READ(sock, __sk_common.skc_daddr);
	bpf_probe_read_kernel(
		&value, sizeof(value),
		(void *)__builtin_preserve_access_index(&sock->__sk_common.skc_v6_daddr) +
			8 * word);
	return value;
}

static __always_inline __u64 ends_of(__u64 sport, __u64 dport, __u32 family, __u32 protocol)
{
	return sport << 48 | dport << 32 | family << 8 | (protocol & 0xff);
}

static __always_inline __u64 socket_ends(struct sock *sock, __u32 family)
{
	__u64 sport = BPF_CORE_READ(sock, __sk_common.skc_num);

	if (!sport)
		sport = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sock, inet_sport));
	return ends_of(sport, bpf_ntohs(BPF_CORE_READ(sock, __sk_common.skc_dport)), family,
		       BPF_CORE_READ(sock, sk_protocol));
}

/*
 * Of an address of `length` bytes that a system call was given: `which` 0 and 1 its words, 2 port << 16 | family << 8, which
 * is 0 for one that the kernel does not take. `user`: it lies in the caller's memory.
 */
__noinline __u64 given_word(__u64 address, __u32 length, __u32 user, __u32 which)
{
	struct given_address given = {};
	__u64 words[2];
	__u8 family = 0;
	__u16 port = 0;
	long failed = user ? bpf_probe_read_user(&given, sizeof(given), (void *)address)
			   : bpf_probe_read_kernel(&given, sizeof(given), (void *)address);

	if (failed || !name_of_given(&family, (__u8 *)words, &port, &given, length))
		return 0;
	if (which > 1)
		return (__u64)port << 16 | family << 8;
	return which ? words[1] : words[0];
}

static __always_inline void name_of_words(struct socket_name *name, __u64 daddr0, __u64 daddr1,
					  __u64 saddr0, __u64 saddr1, __u64 ends)
{
	__u64 daddr[2] = {daddr0, daddr1}, saddr[2] = {saddr0, saddr1};

	name->family = ends >> 8;
	name->reserved = 0;
	name->protocol = ends & 0xff;
	name->sport = ends >> 48;
	name->dport = ends >> 32;
	__builtin_memcpy(name->daddr, daddr, sizeof(daddr));
	__builtin_memcpy(name->saddr, saddr, sizeof(saddr));
}

/* All five, and the verdict; for the hook's global function. */
static __always_inline __u32 match_both_ends(const __u32 hook, __u64 daddr0, __u64 daddr1,
					     __u64 saddr0, __u64 saddr1, __u64 ends)
{
	struct match_event event = {
		.hook = hook,
		.want = ends >> ENDS_WANT_SHIFT,
		.address = {daddr0, daddr1},
		.dport = ends >> 32,
		.family = ends >> 8,
		.protocol = ends,
	};

	if (!match_begin(&event))
		return event.verdict;
	match_own_address(&event, OPERAND_DADDR);
	match_own_number(&event, OPERAND_DPORT, event.dport);
	match_own_number(&event, OPERAND_PROTOCOL, event.protocol);
	if (event.header->active & BIT(OPERAND_SADDR))
		event.own[3] = match_address_class(event.slot, OPERAND_SADDR,
						   event.family == AF_INET ? 4 : 6, saddr0, saddr1);
	match_own_number(&event, OPERAND_SPORT, ends >> 48);
	return match_end(&event);
}

/* One end, its port where the peer's stands in `ends`. */
static __always_inline __u32 match_one_end(const __u32 hook, __u64 address0, __u64 address1,
					   __u64 ends)
{
	struct match_event event = {
		.hook = hook,
		.want = ends >> ENDS_WANT_SHIFT,
		.address = {address0, address1},
		.dport = ends >> 32,
		.family = ends >> 8,
		.protocol = ends,
	};

	if (!match_begin(&event))
		return event.verdict;
	match_own_address(&event, MATCH_OWN(0));
	match_own_number(&event, MATCH_OWN(1), event.dport);
	match_own_number(&event, MATCH_OWN(2), event.protocol);
	return match_end(&event);
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
