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

__noinline __u32 match_network_accept(__u64 sock)
{
	struct match_event event = {.hook = HOOK_NETWORK_ACCEPT};
	struct socket_name name = {};

	if (!match_begin(&event))
		return event.verdict;
	read_socket_name(&name, (struct sock *)sock);
	return match_both_ends(&event, &name);
}

static __always_inline void on_accept(struct sock *sock)
{
	struct network_accept_record *record;
	struct socket_name name;
	__u32 verdict;

	if (!read_socket_name(&name, sock))
		return;
	verdict = match_network_accept(socket_number(sock));
	if (verdict & MATCH_POSTS) {
		record = record_reserve(RECORD_NETWORK_ACCEPT, sizeof(*record));
		if (record) {
			socket_act(&record->act, 0);
			record->socket = name;
			record_submit(record);
		}
	}
	socket_decided(verdict, true);
}

/*
 * Where accept gives the connection to its new socket. Others that graft a socket (mptcp, af_alg) are told apart by their
 * protocol and family.
 */
SEC("fentry/security_sock_graft")
int BPF_PROG(network_accept_fentry, struct sock *sock, struct socket *parent)
{
	if (match_asked(HOOK_NETWORK_ACCEPT) && BPF_CORE_READ(sock, sk_protocol) == IPPROTO_TCP)
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
