// SPDX-License-Identifier: GPL-2.0
/*
 * What bench:match compares the matcher with: a program that returns at once, one that goes through selectors one by one,
 * and one that knows a single selector, of which there is one attached for each policy.
 */
#include "kernel_types.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "GPL";

/* A selector: what it asks for of uid, address and port. */
struct naive_selector {
	__u32 uid;
	__u32 mask;
	__u32 address;
	__u16 low;
	__u16 high;
	__u64 binary; /* hash of the process's binary, 0: any */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct naive_selector);
} naive_selectors SEC(".maps");

const volatile __u32 naive_count = 0;
const volatile __u32 single_port = 0;
const volatile __u32 single_address = 0;

struct naive_event {
	__u32 uid;
	__u32 address;
	__u32 port;
	__u32 found;
	__u64 binary;
};

static long naive_one(__u32 index, struct naive_event *event)
{
	struct naive_selector *one = bpf_map_lookup_elem(&naive_selectors, &index);

	if (!one)
		return 1;
	if (one->binary && one->binary != event->binary)
		return 0;
	if ((event->address & one->mask) != one->address)
		return 0;
	if (event->port < one->low || event->port > one->high)
		return 0;
	event->found = 1;
	return 1;
}

SEC("cgroup/connect4")
int nothing(struct bpf_sock_addr *ctx)
{
	return 1;
}

SEC("cgroup/connect4")
int naive(struct bpf_sock_addr *ctx)
{
	struct naive_event event = {
		.uid = bpf_get_current_uid_gid(),
		.address = ctx->user_ip4,
		.port = bpf_ntohs(ctx->user_port),
		.binary = bpf_get_current_pid_tgid(),
	};

	bpf_loop(naive_count, naive_one, &event, 0);
	return !event.found;
}

SEC("cgroup/connect4")
int single(struct bpf_sock_addr *ctx)
{
	if ((__u32)bpf_get_current_uid_gid() == 0 && bpf_ntohs(ctx->user_port) == single_port &&
	    ctx->user_ip4 == single_address)
		return 0;
	return 1;
}
