// SPDX-License-Identifier: GPL-2.0
/*
 * Makes processes that never were, for benchmarks: for each a fork, an exec and an exit in the agent's own ring, as its programs
 * write them. Real processes cost a hundred times what observing them does, so no host starts as many as the agent can take.
 */
#include "made_process.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 target_tgid = 0;
const volatile __u64 getppid_number = 0;

#define TURNS 16
#define MARK_EVERY 100
/* Above every pid that the kernel gives. */
#define FIRST_TGID (1 << 23)
#define TGIDS (1 << 20)
/* As long as BINARY; the hex digits are the process's number. */
#define MARK "/mark/0000000000000"
#define DIGITS 8

/* [0]: processes made so far. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} made SEC(".maps");

static __always_inline void own_key(struct process_key *to, __u64 number)
{
	to->start = bpf_ktime_get_boot_ns();
	to->self_exec_id = 1;
	to->tgid = FIRST_TGID + (number & (TGIDS - 1));
	to->reserved = 0;
}

static __always_inline void name_mark(char *binary, __u64 number)
{
	__builtin_memcpy(binary, MARK, sizeof(MARK) - 1);
	for (int i = 0; i < DIGITS; i++) {
		__u32 digit = (number >> (4 * i)) & 15;
		binary[sizeof(MARK) - 2 - i] = digit < 10 ? '0' + digit : 'a' + digit - 10;
	}
}

static __always_inline bool make(const struct task_struct *task, __u64 number)
{
	struct process_key own, parent;
	char binary[] = BINARY;

	own_key(&own, number);
	process_key_of(&parent, task);
	if (!make_fork(&own, &parent))
		return false;
	if (number % MARK_EVERY == 0)
		name_mark(binary, number);
	return make_exec(&own, &parent, binary) && make_exit(&own);
}

SEC("tp_btf/sys_enter")
int load(__u64 *ctx)
{
	__u32 zero = 0;
	__u64 *count;

	if (ctx[1] != getppid_number || bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return 0;
	count = bpf_map_lookup_elem(&made, &zero);
	if (!count)
		return 0;
	for (__u32 i = 0; i < TURNS; i++) {
		*count += 1;
		if (!make(bpf_get_current_task_btf(), *count))
			break;
	}
	return 0;
}
