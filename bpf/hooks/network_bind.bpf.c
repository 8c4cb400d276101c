// SPDX-License-Identifier: GPL-2.0
/* A process gives a socket its local address: bind. */
#include "socket.h"

struct network_bind_record {
	struct act act DOC("act");
	struct socket_name socket DOC(
		"the socket: as it is bound, or was to be where the call failed; it has no peer");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 3
#include "socket_run.h"

char LICENSE[] SEC("license") = "GPL";

/* Whether the programs for cgroups may call bpf_send_signal on this kernel: found out by trial load. */
const volatile __u8 bind_can_signal = 1;

__noinline __u32 match_network_bind(__u64 saddr0, __u64 saddr1, __u64 ends)
{
	return match_one_end(HOOK_NETWORK_BIND, saddr0, saddr1, ends);
}

/* `ends` as the matcher's: the local port is where a peer's stands. */
__noinline int post_bind(__u64 saddr0, __u64 saddr1, __u64 ends, __s32 result)
{
	struct network_bind_record *record = record_reserve(RECORD_NETWORK_BIND, sizeof(*record));

	if (!record)
		return 0;
	socket_act(&record->act, result);
	name_of_words(&record->socket, 0, 0, saddr0, saddr1,
		      ends_of(ends >> 32 & 0xffff, 0, ends >> 8 & 0xff, ends));
	record_submit(record);
	return 0;
}

/* Of an address that was given; 0 for one that the kernel does not take, and for sockets of other families. */
static __always_inline __u64 given_ends(struct sock *sock, __u64 address, __u32 length, __u32 user)
{
	__u32 word = given_word(address, length, user, 2);

	if (!word || !socket_family(socket_number(sock)))
		return 0;
	return ends_of(0, word >> 16, word >> 8 & 0xff, BPF_CORE_READ(sock, sk_protocol));
}

/* What is denied does not reach the function at which the others are told. */
static __always_inline long decide_bind(struct socket *socket, void *pointer, int length)
{
	struct sock *sock = BPF_CORE_READ(socket, sk);
	__u64 address = socket_number(pointer), saddr0, saddr1, ends;
	bool denied;

	if (!match_asked(HOOK_NETWORK_BIND))
		return 0;
	ends = given_ends(sock, address, length, false);
	if (!ends)
		return 0;
	saddr0 = given_word(address, length, false, 0);
	saddr1 = given_word(address, length, false, 1);
	denied = socket_decided(
		match_network_bind(saddr0, saddr1, ends | MATCH_WANT_ENFORCE << ENDS_WANT_SHIFT),
		true);
	if (denied &&
	    match_network_bind(saddr0, saddr1, ends | MATCH_WANT_POST << ENDS_WANT_SHIFT) &
		    MATCH_POSTS)
		post_bind(saddr0, saddr1, ends, -EPERM);
	return socket_answer(denied);
}

SEC("lsm/socket_bind")
int BPF_PROG(network_bind_lsm, struct socket *socket, struct sockaddr *address, int length)
{
	return decide_bind(socket, address, length);
}

SEC("fmod_ret/security_socket_bind")
int BPF_PROG(network_bind_fmod_ret, struct socket *socket, struct sockaddr *address, int length)
{
	return decide_bind(socket, address, length);
}

/* For cgroups: 0 is EPERM for the caller. TCP and UDP. */
static __always_inline int decide_in_cgroup(__u64 saddr0, __u64 saddr1, __u64 ends)
{
	__u64 want = MATCH_WANT_ENFORCE;

	return !socket_decided(match_network_bind(saddr0, saddr1, ends | want << ENDS_WANT_SHIFT),
			       bind_can_signal);
}

SEC("cgroup/bind4")
int network_bind4(struct bpf_sock_addr *ctx)
{
	return decide_in_cgroup(ctx->user_ip4, 0,
				ends_of(0, bpf_ntohs(ctx->user_port), AF_INET, ctx->protocol));
}

SEC("cgroup/bind6")
int network_bind6(struct bpf_sock_addr *ctx)
{
	__u64 a = ctx->user_ip6[0], b = ctx->user_ip6[1], c = ctx->user_ip6[2],
	      d = ctx->user_ip6[3];
	__u64 port = bpf_ntohs(ctx->user_port);

	if (!a && !b && c == bpf_htonl(0xffff))
		return decide_in_cgroup(d, 0, ends_of(0, port, AF_INET, ctx->protocol));
	return decide_in_cgroup(b << 32 | a, d << 32 | c,
				ends_of(0, port, AF_INET6, ctx->protocol));
}

static __always_inline void tell_bind(__u64 saddr0, __u64 saddr1, __u64 ends, __s32 result)
{
	__u64 want = act_denies ? MATCH_WANT_POST : 0;
	__u32 verdict = match_network_bind(saddr0, saddr1, ends | want << ENDS_WANT_SHIFT);

	if (verdict & MATCH_POSTS)
		post_bind(saddr0, saddr1, ends, result);
	socket_decided(verdict, !act_denies);
}

/* The socket as it is bound; where it is not, as it was to be. */
static __always_inline void end_bind(struct sock *sock, __u64 address, __u32 length, __u32 user,
				     __s32 result)
{
	__u64 ends;
	__u32 family;

	if (result) {
		ends = given_ends(sock, address, length, user);
		if (ends)
			tell_bind(given_word(address, length, user, 0),
				  given_word(address, length, user, 1), ends, result);
		return;
	}
	family = socket_family(socket_number(sock));
	ends = socket_ends(sock, family);
	if (family)
		tell_bind(local_word(sock, family, 0), local_word(sock, family, 1),
			  ends_of(0, ends >> 48, family, ends), 0);
}

static __always_inline int at_exit(struct socket *socket, void *address, int length, int result)
{
	if (match_asked(HOOK_NETWORK_BIND))
		end_bind(BPF_CORE_READ(socket, sk), socket_number(address), length, false, result);
	return 0;
}

SEC("fexit/inet_bind")
int BPF_PROG(network_bind_fexit4, struct socket *socket, struct sockaddr *address, int length,
	     int result)
{
	return at_exit(socket, address, length, result);
}

SEC("fexit/inet6_bind")
int BPF_PROG(network_bind_fexit6, struct socket *socket, struct sockaddr *address, int length,
	     int result)
{
	return at_exit(socket, address, length, result);
}

#define IA32_BIND 361

/* Where the call failed, the address is what its memory says now: nothing else keeps it. */
SEC("tp_btf/sys_exit")
int BPF_PROG(network_bind_sys_exit, struct pt_regs *regs, long result)
{
	struct socket *socket;

	if (!syscall_is(regs, __NR_bind, IA32_BIND) || !match_asked(HOOK_NETWORK_BIND))
		return 0;
	socket = socket_of(syscall_arg(regs, 0));
	if (socket)
		end_bind(BPF_CORE_READ(socket, sk), syscall_arg(regs, 1), syscall_arg(regs, 2),
			 true, result);
	return 0;
}
#endif
