// SPDX-License-Identifier: GPL-2.0
/* A process takes a connection from a listening socket: accept, accept4. */
#include "socket.h"

struct network_accept_record {
	struct act act DOC("act");
	struct socket_name socket DOC("the accepted connection");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 5
#include "socket_run.h"

char LICENSE[] SEC("license") = "GPL";

__noinline __u32 match_network_accept(__u64 daddr0, __u64 daddr1, __u64 saddr0, __u64 saddr1,
				      __u64 ends)
{
	return match_both_ends(HOOK_NETWORK_ACCEPT, daddr0, daddr1, saddr0, saddr1, ends);
}

__noinline int post_accept(__u64 sock)
{
	struct network_accept_record *record =
		record_reserve(RECORD_NETWORK_ACCEPT, sizeof(*record));

	if (!record)
		return 0;
	socket_act(&record->act, 0);
	read_socket_name(&record->socket, (struct sock *)sock);
	record_submit(record);
	return 0;
}

static __always_inline void on_accept(struct sock *sock)
{
	__u32 family = socket_family(socket_number(sock)), verdict;

	if (!family)
		return;
	verdict = match_network_accept(peer_word(sock, family, 0), peer_word(sock, family, 1),
				       local_word(sock, family, 0), local_word(sock, family, 1),
				       socket_ends(sock, family));
	if (verdict & MATCH_POSTS)
		post_accept(socket_number(sock));
	socket_decided(verdict, true);
}

/* Where accept gives the connection to its new socket; other families graft sockets too. */
SEC("fentry/security_sock_graft")
int BPF_PROG(network_accept_fentry, struct sock *sock, struct socket *parent)
{
	__u32 protocol = BPF_CORE_READ(sock, sk_protocol);

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP)
		return 0;
	if (match_asked(HOOK_NETWORK_ACCEPT))
		on_accept(sock);
	return 0;
}

#define IA32_ACCEPT4 364

/* By the socket behind the new descriptor. Connections accepted by io_uring are not system calls and are not seen. */
SEC("tp_btf/sys_exit")
int BPF_PROG(network_accept_sys_exit, struct pt_regs *regs, long result)
{
	struct socket *socket;

	if (result < 0 || (!syscall_is(regs, __NR_accept4, IA32_ACCEPT4) &&
			   !syscall_is(regs, __NR_accept, NO_SYSCALL)))
		return 0;
	if (!match_asked(HOOK_NETWORK_ACCEPT))
		return 0;
	socket = socket_of(result);
	if (socket)
		on_accept(BPF_CORE_READ(socket, sk));
	return 0;
}
#endif
