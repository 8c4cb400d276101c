// SPDX-License-Identifier: GPL-2.0
/*
 * Denies connections and datagrams in cgroups, by return value 0, which is EPERM for the caller. A datagram to an address is
 * asked about as a connection would be; one over a connected socket was asked about when it was connected.
 */
#include "connect.h"

char LICENSE[] SEC("license") = "GPL";

/* Whether this kind of program may call bpf_send_signal on this kernel: found out by trial load. */
const volatile __u8 connect_can_signal = 0;

static __always_inline int allows(__u32 verdict)
{
	verdict &= 0xff;
	if (connect_can_signal && verdict == MATCH_KILL)
		match_signal(MATCH_SIGKILL);
	if (connect_can_signal && verdict == MATCH_SIGNAL)
		match_signal(MATCH_SIGTERM);
	return verdict == MATCH_DENY || verdict == MATCH_KILL ? 0 : 1;
}

static __always_inline int ipv4(struct bpf_sock_addr *ctx)
{
	__u32 socket = socket_word(bpf_ntohs(ctx->user_port), AF_INET, ctx->protocol);

	return allows(match_connect_verdict(ipv4_destination(ctx->user_ip4), 0, socket));
}

static __always_inline int ipv6(struct bpf_sock_addr *ctx)
{
	__u64 a = ctx->user_ip6[0], b = ctx->user_ip6[1], c = ctx->user_ip6[2],
	      d = ctx->user_ip6[3];

	return allows(
		ipv6_verdict(b << 32 | a, d << 32 | c, bpf_ntohs(ctx->user_port), ctx->protocol));
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return ipv4(ctx);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	return ipv6(ctx);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	return ipv4(ctx);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	return ipv6(ctx);
}
