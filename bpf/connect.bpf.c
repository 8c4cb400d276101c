// SPDX-License-Identifier: GPL-2.0
/*
 * Denies connections and datagrams wherever the process stands, by EPERM: the kernel has copied the address, and nothing
 * was sent. All programs here are loaded together or not at all.
 */
#include "connect.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* The part of an IPv6 address that counts; an IPv4 one lies where `flow` is. The kernel has room for either. */
struct destination {
	__u16 family;
	__be16 port;
	__be32 flow;
	__u64 address[2];
};

/* Asks about an address of `length` bytes that the kernel holds. */
static __always_inline __u32 verdict_on(struct socket *socket, const void *address, int length)
{
	struct sock *sock = BPF_CORE_READ(socket, sk);
	__u32 family = BPF_CORE_READ(sock, __sk_common.skc_family), protocol, port;
	struct destination to;

	if (family != AF_INET && family != AF_INET6)
		return MATCH_PASS;
	if (bpf_probe_read_kernel(&to, sizeof(to), address))
		return MATCH_PASS;
	protocol = BPF_CORE_READ(sock, sk_protocol);
	port = bpf_ntohs(to.port);
	/* what is too short the kernel refuses */
	if (to.family == AF_INET && length >= SOCKADDR_IN_BYTES)
		return match_connect_verdict(ipv4_destination(to.flow), 0,
					     socket_word(port, AF_INET, protocol));
	if (to.family == AF_INET6 && length >= SIN6_LEN_RFC2133)
		return ipv6_verdict(to.address[0], to.address[1], port, protocol);
	return MATCH_PASS;
}

static __always_inline long deny_or_allow(__u32 verdict)
{
	long result = 0;

	verdict &= 0xff;
	if (verdict == MATCH_KILL)
		match_signal(MATCH_SIGKILL);
	if (verdict == MATCH_SIGNAL)
		match_signal(MATCH_SIGTERM);
	if (verdict == MATCH_DENY || verdict == MATCH_KILL) {
		result = -EPERM;
		barrier_var(result);
	}
	return result;
}

static __always_inline long on_connect(struct socket *socket, struct sockaddr *address, int length)
{
	if (!match_asked(HOOK_NETWORK_CONNECT))
		return 0;
	return deny_or_allow(verdict_on(socket, address, length));
}

/* A stream that is opened by its first data (MSG_FASTOPEN) is connected here, not by connect. */
static __always_inline long on_send(struct socket *socket, struct msghdr *message)
{
	void *address = BPF_CORE_READ(message, msg_name);
	short type;

	if (!address || !match_asked(HOOK_NETWORK_CONNECT))
		return 0;
	type = BPF_CORE_READ(socket, type);
	if (type == SOCK_STREAM && !(BPF_CORE_READ(message, msg_flags) & MSG_FASTOPEN))
		return 0;
	return deny_or_allow(verdict_on(socket, address, BPF_CORE_READ(message, msg_namelen)));
}

SEC("lsm/socket_connect")
int BPF_PROG(connect_lsm, struct socket *socket, struct sockaddr *address, int length)
{
	return on_connect(socket, address, length);
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(send_lsm, struct socket *socket, struct msghdr *message, int size)
{
	return on_send(socket, message);
}

SEC("fmod_ret/security_socket_connect")
int BPF_PROG(connect_fmod_ret, struct socket *socket, struct sockaddr *address, int length)
{
	return on_connect(socket, address, length);
}

SEC("fmod_ret/security_socket_sendmsg")
int BPF_PROG(send_fmod_ret, struct socket *socket, struct msghdr *message, int size)
{
	return on_send(socket, message);
}
