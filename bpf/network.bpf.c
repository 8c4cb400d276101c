// SPDX-License-Identifier: GPL-2.0
/* Denies connections: cgroup/connect4 and connect6, by return value 0, which is EPERM for the caller. */
#include "match.h"
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "GPL";

/* Whether this kind of program may call bpf_send_signal on this kernel: found out by trial load. */
const volatile __u8 connect_can_signal = 0;

/* Without pointers among its arguments, for kernels before 5.12. `socket` is port << 16 | family << 8 | protocol. */
__noinline __u32 match_connect_verdict(__u64 address0, __u64 address1, __u32 socket)
{
	struct match_event event = {
		.hook = HOOK_NETWORK_CONNECT,
		.address = {address0, address1},
		.dport = socket >> 16,
		.family = socket >> 8,
		.protocol = socket,
	};

	return match_event(&event, true);
}

static __always_inline int decide(struct bpf_sock_addr *ctx, __u64 address0, __u64 address1,
				  __u32 family)
{
	__u32 port = bpf_ntohs(ctx->user_port);
	__u32 socket = port << 16 | family << 8 | (ctx->protocol & 0xff);
	__u32 verdict = match_connect_verdict(address0, address1, socket);

	if (connect_can_signal && verdict == MATCH_KILL)
		match_signal(MATCH_SIGKILL);
	if (connect_can_signal && verdict == MATCH_SIGNAL)
		match_signal(MATCH_SIGTERM);
	return verdict == MATCH_DENY || verdict == MATCH_KILL ? 0 : 1;
}

/* Connecting to the wildcard address reaches this host's loopback: that is the destination, whatever was written. */
static __always_inline __u64 ipv4_destination(__u32 address)
{
	return address ? address : bpf_htonl(0x7f000001);
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return decide(ctx, ipv4_destination(ctx->user_ip4), 0, AF_INET);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	__u32 a = ctx->user_ip6[0], b = ctx->user_ip6[1], c = ctx->user_ip6[2],
	      d = ctx->user_ip6[3];

	if (!a && !b && c == bpf_htonl(0xffff))
		return decide(ctx, ipv4_destination(d), 0, AF_INET);
	if (!a && !b && !c && !d)
		d = bpf_htonl(1);
	return decide(ctx, (__u64)b << 32 | a, (__u64)d << 32 | c, AF_INET6);
}
