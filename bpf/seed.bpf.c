// SPDX-License-Identifier: GPL-2.0
/* The processes that run already, told once when the agent starts. */
#include "path_walk.h"
#include "image.h"
#include "proc_state.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define TAIL_BYTES (2 * PATH_BYTES + ARGUMENT_BYTES)

struct seed_scratch {
	struct process_seed_record record;
	char tail[TAIL_BYTES];
	__u32 used; /* bytes of tail */
	__u32 reserved;
	struct path_walk walk;
};

/* Not per CPU: an iterator may be preempted. One reads at a time, the agent that starts. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seed_scratch);
} seed_scratch SEC(".maps");

static __always_inline struct seed_scratch *seed_scratch_buffer(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&seed_scratch, &zero);
}

static __always_inline struct path_walk *path_walk_buffer(__u32 which)
{
	struct seed_scratch *scratch = seed_scratch_buffer();
	return scratch ? &scratch->walk : NULL;
}

/* Arguments of another process can only be read where the program may sleep. */
static __always_inline __u32 add_arguments(struct process_image *image, struct task_struct *task,
					   char *to)
{
	void *start = (void *)task->mm->arg_start;
	__u32 take = argument_span(image, task);

	if (take == 0)
		return 0;
	if (bpf_copy_from_user_task(to, take, start, task, 0) == 0)
		return take;
	image->flags |= PROCESS_ARGUMENTS_UNREADABLE;
	return 0;
}

/*
 * Whether this task speaks for its process: the leader does; when it is gone and others live, they all do, and whoever reads
 * takes one.
 */
static __always_inline bool speaks(struct task_struct *task)
{
	if (task->signal->live.counter == 0 || task->exit_state)
		return false;
	return task->pid == task->tgid || task->group_leader->exit_state;
}

static __always_inline int seed(struct bpf_iter__task *ctx, bool with_arguments)
{
	struct task_struct *task = ctx->task;
	struct seed_scratch *scratch = seed_scratch_buffer();
	struct process_seed_record *record;
	struct process_image *image;
	struct fs_struct *fs;
	struct file *file;
	__u32 size;

	if (!task || !scratch || !speaks(task))
		return 0;
	record = &scratch->record;
	image = &record->image;
	record->header.kind = RECORD_PROCESS_SEED;
	record->header.reserved = 0;
	record->header.time = bpf_ktime_get_boot_ns();
	read_image(image, task);
	__builtin_memset(&image->file, 0, sizeof(image->file));
	scratch->used = 0;
	if (task->flags & PF_KTHREAD)
		image->flags |= PROCESS_KERNEL_THREAD;
	fs = task->fs;
	/* exec holds no reference for us: whatever is gone by now reads as nothing */
	file = task->mm ? task->mm->exe_file : NULL;
	if (file && fs) {
		read_file(&image->file, file->f_inode);
		if (in_upper_layer(file->f_inode))
			image->flags |= PROCESS_UPPER;
		path_root(&scratch->walk, fs);
		path_walk(&scratch->walk, 0, &file->f_path);
		image->flags |= binary_marks(&scratch->walk);
		scratch->used = image->binary_len = path_take(&scratch->walk, scratch->tail);
	}
	proc_state_seed(task, scratch->tail, image->binary_len,
			file_properties(image->file.mode, image->flags & PROCESS_MEMFD,
					image->flags & PROCESS_UPPER));
	if (fs) {
		path_root(&scratch->walk, fs);
		path_walk(&scratch->walk, 0, &fs->pwd);
		image->flags |= cwd_marks(&scratch->walk);
		image->cwd_len = path_take(&scratch->walk, TAIL_AT(scratch, PATH_BYTES));
		scratch->used += image->cwd_len;
	}
	if (with_arguments && task->mm) {
		image->arguments_len = add_arguments(image, task, TAIL_AT(scratch, 2 * PATH_BYTES));
		scratch->used += image->arguments_len;
	}
	size = sizeof(*record) + scratch->used;
	record->header.size = size;
	barrier_var(size);
	if (size <= sizeof(*record) + TAIL_BYTES)
		bpf_seq_write(ctx->meta->seq, record, size);
	return 0;
}

/* Since 5.18 iterators may sleep, and read the memory of whom they visit. */
SEC("iter.s/task")
int seed_with_arguments(struct bpf_iter__task *ctx)
{
	return seed(ctx, true);
}

/* Before that the agent takes arguments from /proc. */
SEC("iter/task")
int seed_without_arguments(struct bpf_iter__task *ctx)
{
	return seed(ctx, false);
}
