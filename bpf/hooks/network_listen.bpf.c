// SPDX-License-Identifier: GPL-2.0
/* A process begins to listen for connections: listen. */
#include "socket.h"

struct network_listen_record {
	struct act act DOC("act");
	struct socket_name socket DOC("the listening socket; it has no peer");
	__u32 backlog DOC("connections that may wait to be accepted: as in force, or as asked "
			  "where the call failed");
	__u32 reserved PAD;
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 3
#include "socket_run.h"

char LICENSE[] SEC("license") = "GPL";

__noinline __u32 match_network_listen(__u64 saddr0, __u64 saddr1, __u64 ends)
{
	return match_one_end(HOOK_NETWORK_LISTEN, saddr0, saddr1, ends);
}

/* `want`: see enum match_want. A socket that is of no IP address passes. */
static __always_inline __u32 ask_listen(struct sock *sock, __u64 want)
{
	__u32 family = socket_family(socket_number(sock));

	if (!family)
		return MATCH_PASS;
	return match_network_listen(local_word(sock, family, 0), local_word(sock, family, 1),
				    ends_of(0, BPF_CORE_READ(sock, __sk_common.skc_num), family,
					    BPF_CORE_READ(sock, sk_protocol)) |
					    want << ENDS_WANT_SHIFT);
}

__noinline int post_listen(__u64 number, __u32 backlog, __s32 result)
{
	struct network_listen_record *record =
		record_reserve(RECORD_NETWORK_LISTEN, sizeof(*record));
	struct sock *sock = (struct sock *)number;

	if (!record)
		return 0;
	socket_act(&record->act, result);
	read_socket_name(&record->socket, sock);
	record->backlog = result ? backlog : BPF_CORE_READ(sock, sk_max_ack_backlog);
	record->reserved = 0;
	record_submit(record);
	return 0;
}

/* What is denied does not reach the function at which the others are told. */
static __always_inline long decide_listen(struct socket *socket, int backlog)
{
	struct sock *sock = BPF_CORE_READ(socket, sk);
	bool denied;

	if (!match_asked(HOOK_NETWORK_LISTEN))
		return 0;
	denied = socket_decided(ask_listen(sock, MATCH_WANT_ENFORCE), true);
	if (denied && ask_listen(sock, MATCH_WANT_POST) & MATCH_POSTS)
		post_listen(socket_number(sock), backlog, -EPERM);
	return socket_answer(denied);
}

SEC("lsm/socket_listen")
int BPF_PROG(network_listen_lsm, struct socket *socket, int backlog)
{
	return decide_listen(socket, backlog);
}

SEC("fmod_ret/security_socket_listen")
int BPF_PROG(network_listen_fmod_ret, struct socket *socket, int backlog)
{
	return decide_listen(socket, backlog);
}

static __always_inline void tell_listen(struct sock *sock, int backlog, __s32 result)
{
	__u32 verdict = ask_listen(sock, act_denies ? MATCH_WANT_POST : 0);

	if (verdict & MATCH_POSTS)
		post_listen(socket_number(sock), backlog, result);
	socket_decided(verdict, !act_denies);
}

SEC("fexit/inet_listen")
int BPF_PROG(network_listen_fexit, struct socket *socket, int backlog, int result)
{
	if (match_asked(HOOK_NETWORK_LISTEN))
		tell_listen(BPF_CORE_READ(socket, sk), backlog, result);
	return 0;
}

#define IA32_LISTEN 363

SEC("tp_btf/sys_exit")
int BPF_PROG(network_listen_sys_exit, struct pt_regs *regs, long result)
{
	struct socket *socket;
	struct sock *sock;

	if (!syscall_is(regs, __NR_listen, IA32_LISTEN) || !match_asked(HOOK_NETWORK_LISTEN))
		return 0;
	socket = socket_of(syscall_arg(regs, 0));
	sock = socket ? BPF_CORE_READ(socket, sk) : NULL;
	if (sock)
		tell_listen(sock, syscall_arg(regs, 1), result);
	return 0;
}
#endif
