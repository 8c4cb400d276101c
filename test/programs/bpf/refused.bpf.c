/* SPDX-License-Identifier: GPL-2.0 */
/* A program that no verifier takes: it reads a map's value without looking whether there is one. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("tp_btf/sched_process_fork")
int unchecked(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&counts, &key);

	return *value;
}

char LICENSE[] SEC("license") = "GPL";
