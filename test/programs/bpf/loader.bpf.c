/* SPDX-License-Identifier: GPL-2.0 */
/* What the loader's tests load: one program of each kind, settings of each size, a ring, maps to share. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define RECORD_WORDS 6

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu SEC(".maps");

const volatile __u8 small = 1;
const volatile __u32 target_tgid = 0;
const volatile __u64 getppid_number = 0;
const volatile __u64 big = 0;
const volatile __s32 negative = 0;

static __always_inline int is_target(void)
{
	return target_tgid != 0 && bpf_get_current_pid_tgid() >> 32 == target_tgid;
}

static __always_inline void count(__u32 index)
{
	__u64 *value = bpf_map_lookup_elem(&counts, &index);

	if (value)
		__sync_fetch_and_add(value, 1);
}

/* getppid of the target: a record of RECORD_WORDS words, every seventh discarded */
SEC("raw_tp/sys_enter")
int on_getppid(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 *record;
	__u32 zero = 0, *mine;
	__u64 number;

	if (ctx->args[1] != getppid_number || !is_target())
		return 0;
	mine = bpf_map_lookup_elem(&per_cpu, &zero);
	if (mine)
		*mine += 1;
	__u64 *counted = bpf_map_lookup_elem(&counts, &zero);
	if (!counted)
		return 0;
	number = __sync_fetch_and_add(counted, 1);
	record = bpf_ringbuf_reserve(&ring, RECORD_WORDS * sizeof(__u64), 0);
	if (!record) {
		count(1);
		return 0;
	}
	record[0] = number;
	record[1] = small;
	record[2] = big;
	record[3] = negative;
	record[4] = bpf_get_current_pid_tgid();
	record[5] = ~number;
	if (number % 7 == 6)
		bpf_ringbuf_discard(record, BPF_RB_NO_WAKEUP);
	else
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int on_fork(__u64 *ctx)
{
	if (is_target())
		count(2);
	return 0;
}

SEC("cgroup/connect4")
int on_connect(struct bpf_sock_addr *ctx)
{
	count(3);
	return 1;
}

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

SEC("iter/task")
int each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u32 ids[2];

	if (!task)
		return 0;
	ids[0] = task->pid;
	ids[1] = task->tgid;
	bpf_seq_write(ctx->meta->seq, ids, sizeof(ids));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
