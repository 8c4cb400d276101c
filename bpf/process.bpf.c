// SPDX-License-Identifier: GPL-2.0
/* Processes from exec over fork to exit. */
#include "path_walk.h"
#include "image.h"
#include "stdio.h"
#include "lineage.h"
#define MATCH_OWN_OPERANDS 0
#include "match.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define PREVIOUS_BYTES 255
#define TAIL_BYTES (3 * PATH_BYTES + PREVIOUS_BYTES + ARGUMENT_BYTES)

/*
 * One record under construction and one path being walked. Per CPU is safe here: a tracepoint's program is not entered a
 * second time on a CPU before it returned (preemption is off; where it is not, the kernel skips the second entry and counts
 * it), and no other program uses this map.
 */
struct exec_scratch {
	struct process_exec_record record;
	char tail[TAIL_BYTES];
	__u32 used; /* bytes of tail */
	__u32 reserved;
	struct path_walk walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps");

static __always_inline struct exec_scratch *exec_scratch_buffer(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&exec_scratch, &zero);
}

static __always_inline struct path_walk *path_walk_buffer(__u32 which)
{
	struct exec_scratch *scratch = exec_scratch_buffer();
	return scratch ? &scratch->walk : NULL;
}

static __always_inline __u32 add_arguments(struct exec_scratch *scratch, struct task_struct *task,
					   char *to)
{
	struct process_image *image = &scratch->record.image;
	void *start = (void *)task->mm->arg_start;
	__u32 take = argument_span(image, task);
	__u32 first;

	if (take == 0)
		return 0;
	if (bpf_probe_read_user(to, take, start) == 0)
		return take;
	/* a page of them is not in memory: what stands before it */
	image->flags |= PROCESS_ARGUMENTS_TRUNCATED;
	first = 4096 - ((__u64)start & 4095);
	if (first < take && bpf_probe_read_user(to, first, start) == 0)
		return first;
	image->flags |= PROCESS_ARGUMENTS_UNREADABLE;
	return 0;
}

/* The image that the process ran until now, as the matcher's state still has it. */
static __always_inline __u32 add_previous(const struct process_key *key, char *to)
{
	struct process_state *state = proc_state_of(key->tgid, key->start);
	__u32 len;

	if (!state || state->flags & STATE_BINARY_UNKNOWN)
		return 0;
	len = state->binary.length;
	if (len == 0 || len > PREVIOUS_BYTES)
		return 0;
	bpf_probe_read_kernel(to, len, state->binary.bytes);
	return len;
}

/* Builds the record with its tails. */
static __always_inline void build_exec(struct exec_scratch *scratch, struct task_struct *task,
				       pid_t caller, struct linux_binprm *bprm)
{
	struct process_exec_record *record = &scratch->record;
	struct process_image *image = &record->image;
	struct path_walk *walk = &scratch->walk;
	struct inode *inode = bprm->file->f_inode;
	struct fs_struct *fs = task->fs;

	record->header.kind = RECORD_PROCESS_EXEC;
	record->header.reserved = 0;
	record->header.time = bpf_ktime_get_boot_ns();
	read_image(image, task);
	image->caller_tid = caller;
	read_file(&image->file, inode);
	read_stdio(record->stdio, task);
	if (in_upper_layer(inode))
		image->flags |= PROCESS_UPPER;
	if (BPF_CORE_READ_BITFIELD_PROBED(bprm, secureexec))
		image->flags |= PROCESS_PRIVILEGES_RAISED;

	path_root(walk, fs);
	path_walk(walk, 0, &bprm->file->f_path);
	image->flags |= binary_marks(walk);
	scratch->used = image->binary_len = path_take(walk, scratch->tail);

	path_walk(walk, 0, &fs->pwd);
	image->flags |= cwd_marks(walk);
	image->cwd_len = path_take(walk, TAIL_AT(scratch, PATH_BYTES));
	scratch->used += image->cwd_len;

	if (bprm->interp != bprm->filename) {
		long got = bpf_probe_read_kernel_str(TAIL_AT(scratch, 2 * PATH_BYTES), PATH_BYTES,
						     bprm->filename);

		image->flags |= PROCESS_INTERPRETED;
		if (got > 1 && got <= PATH_BYTES) {
			image->script_len = got - 1;
			scratch->used += got - 1;
		}
	}
	image->previous_len = add_previous(&image->key, TAIL_AT(scratch, 3 * PATH_BYTES));
	scratch->used += image->previous_len;

	image->arguments_len =
		add_arguments(scratch, task, TAIL_AT(scratch, 3 * PATH_BYTES + PREVIOUS_BYTES));
	scratch->used += image->arguments_len;
	record->header.size = sizeof(*record) + scratch->used;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *task, pid_t caller, struct linux_binprm *bprm)
{
	struct exec_scratch *scratch = exec_scratch_buffer();
	__u32 size;

	if (!scratch)
		return 0;
	build_exec(scratch, task, caller, bprm);
	proc_state_on_exec(task, scratch->tail, scratch->record.image.binary_len,
			   file_properties(scratch->record.image.file.mode,
					   scratch->record.image.flags & PROCESS_MEMFD,
					   scratch->record.image.flags & PROCESS_UPPER));
	lineage_on_exec();
	size = scratch->record.header.size;
	barrier_var(size);
	if (size > sizeof(scratch->record) + TAIL_BYTES)
		return 0;
	if (bpf_ringbuf_output(&events, &scratch->record, size, BPF_RB_NO_WAKEUP))
		record_lost(RECORD_PROCESS_EXEC);
	else
		record_wake();
	return 0;
}

/* What the matcher decides here, as in enum match_want: not what LSM decided before the exec. */
const volatile __u32 exec_want = 0;

/*
 * Attached after process_exec, so that it runs after it: a denial names the image that was just told. A program of its own,
 * since the verifier would follow the matcher once for each way through the record's making.
 */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec_match, struct task_struct *task)
{
	match_exec(exec_want);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *source, struct task_struct *child)
{
	struct process_clone_record *record;

	proc_state_on_fork(source, child);
	if (child->pid != child->tgid)
		return 0;
	lineage_on_fork(source->tgid, process_start(source), child->tgid, process_start(child));
	record = record_reserve(RECORD_PROCESS_CLONE, sizeof(*record));
	if (!record)
		return 0;
	process_key_of(&record->key, child);
	process_key_of(&record->parent, child->real_parent);
	process_key_of(&record->source, source);
	record->cgroup_id = cgroup_id_of(child);
	record->cgroup_v1_id = cgroup_v1_id_of(child);
	record->flags = child->flags & PF_KTHREAD ? PROCESS_KERNEL_THREAD : 0;
	record->reserved = 0;
	record_submit(record);
	return 0;
}

/*
 * Processes whose end was told while other threads of theirs were still on their way out. Kernels tell the last thread by an
 * argument of the tracepoint only from 6.16 on; what holds everywhere is that no thread is alive, which two that exit at the
 * same time may both see.
 */
struct exit_told {
	__u64 start;
	__u64 tgid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct exit_told);
	__type(value, __u8);
} exits_told SEC(".maps");

static __always_inline bool is_last_thread(struct task_struct *task)
{
	struct exit_told key = {};
	__u8 one = 1;

	if (task->signal->live.counter != 0)
		return false;
	key.start = task->group_leader->start_boottime;
	key.tgid = task->tgid;
	if (task->signal->nr_threads > 1)
		return bpf_map_update_elem(&exits_told, &key, &one, BPF_NOEXIST) == 0;
	return !bpf_map_lookup_elem(&exits_told, &key);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	struct process_exit_record *record;
	__u32 code;

	match_forget_thread(task->pid);
	proc_state_on_exit(task);
	lineage_on_exit(task);
	if (!is_last_thread(task))
		return 0;
	record = record_reserve(RECORD_PROCESS_EXIT, sizeof(*record));
	if (!record)
		return 0;
	process_key_of(&record->key, task);
	/* what wait() gives */
	code = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code
						 : task->group_leader->exit_code;
	record->status = code >> 8 & 0xff;
	record->signal = code & 0x7f;
	record->core_dumped = code >> 7 & 1;
	record->reserved = 0;
	record_submit(record);
	return 0;
}
