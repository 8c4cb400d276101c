// SPDX-License-Identifier: GPL-2.0
/* Files cut or made longer: truncate, ftruncate, and an open that empties (O_TRUNC). */
#include "hook.h"

struct file_truncate_record {
	struct act act DOC("act");
	struct file_identity file DOC("the file; all zero where only its name is known");
	__u64 length DOC("length that was asked for; all ones where that is not known");
	__u64 before DOC("length that it had; all ones where the hook comes after the change");
	char path[0] LEN("act.path_len") FMT("path") DOC("its path");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 3
#include "hook_run.h"
#include "file_calls.h"
#include "open.h"

char LICENSE[] SEC("license") = "GPL";

#define UNKNOWN_LENGTH (~0ULL)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct inode___size {
	long long i_size;
};
#pragma clang attribute pop

/* An open that empties a file which was there: a file that the open has made was empty. */
static __always_inline struct file *emptied(long fd)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file *file = fd < 0 ? NULL : file_of(task, fd);

	if (!file || BPF_CORE_READ(file, f_mode) & FMODE_CREATED ||
	    (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFREG)
		return NULL;
	return file;
}

static __always_inline bool truncates_file(__u64 regs)
{
	return call_is(regs, __NR_ftruncate, IA32_FTRUNCATE) ||
	       call_is(regs, NO_SYSCALL, IA32_FTRUNCATE64);
}

static __always_inline bool truncates_path(__u64 regs)
{
	return call_is(regs, __NR_truncate, IA32_TRUNCATE) ||
	       call_is(regs, NO_SYSCALL, IA32_TRUNCATE64);
}

/* Whether a system call that ended so has changed a length. */
__noinline __u32 has_truncated(__u64 regs, long result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 flags = 0;

	if (truncates_path(regs) || truncates_file(regs))
		return true;
	if (!opens_file((struct pt_regs *)regs, task, &flags) || !(flags & O_TRUNC))
		return false;
	return emptied(result) != NULL;
}

__noinline __u32 look_at_truncated(__u64 regs, long result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (truncates_path(regs))
		return look_at_given(AT_FDCWD, call_arg(regs, 0));
	if (truncates_file(regs))
		return look_at_file((__u64)file_of(task, call_arg(regs, 0)), 0);
	return look_at_file((__u64)emptied(result), 0);
}

/* A 32-bit program gives 64 bits in two registers. */
__noinline __u64 length_of(__u64 regs)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 flags;

	if (call_is(regs, NO_SYSCALL, IA32_FTRUNCATE64) ||
	    call_is(regs, NO_SYSCALL, IA32_TRUNCATE64))
		return call_arg(regs, 2) << 32 | (__u32)call_arg(regs, 1);
	if (truncates_file(regs) || truncates_path(regs))
		return call_arg(regs, 1);
	return opens_file((struct pt_regs *)regs, task, &flags) ? 0 : UNKNOWN_LENGTH;
}

/* As match_unlink; `result` is that of the system call. */
__noinline __u32 match_truncate(__u64 where, __u64 mount, __s32 result)
{
	struct match_event event = {.hook = HOOK_FILE_TRUNCATE};

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot =
		mount ? look_at_dentry(where, mount, 0) : look_at_truncated(where, result);
	match_own_text(&event, MATCH_OWN(0));
	return act_verdict(&event, match_end(&event));
}

static __always_inline __u32 end_truncate(__u32 verdict, __u64 length, __u64 before, __s32 result)
{
	struct file_truncate_record *record = act_record(&verdict, RECORD_FILE_TRUNCATE);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot) {
		record->file = slot->file;
		record->length = length;
		record->before = before;
	}
	return act_end(verdict, RECORD_FILE_TRUNCATE, sizeof(*record), result);
}

/* The hooks are not told the length: the system call was. Before 5.15 its registers are out of reach. */
static __always_inline __u64 length_asked(void)
{
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return UNKNOWN_LENGTH;
	return length_of(number_of((void *)bpf_task_pt_regs(bpf_get_current_task_btf())));
}

static __always_inline __u32 on_truncate(struct path *path)
{
	__u32 verdict = match_truncate(dentry_of(path), mount_of(path), 0);
	struct inode___size *inode = (void *)BPF_CORE_READ(path, dentry, d_inode);

	return end_truncate(verdict, length_asked(), BPF_CORE_READ(inode, i_size), ACT_WAITS);
}

HOOK_TRIPLE(file_truncate, path_truncate, security_path_truncate, struct path *path)
{
	return match_asked(HOOK_FILE_TRUNCATE) ? on_truncate(path) : MATCH_PASS;
}

/* ftruncate has a hook of its own since 6.2 (3350607dc563). */
HOOK_TRIPLE(file_truncate_open, file_truncate, security_file_truncate, struct file *file)
{
	if (!match_asked(HOOK_FILE_TRUNCATE))
		return MATCH_PASS;
	return on_truncate(__builtin_preserve_access_index(&file->f_path));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_truncate_sys_exit, struct pt_regs *regs, long result)
{
	__u32 verdict;

	if (!act_counts(result) || !has_truncated(number_of(regs), result) ||
	    !match_asked(HOOK_FILE_TRUNCATE))
		return 0;
	verdict = match_truncate(number_of(regs), 0, result);
	end_truncate(verdict, length_of(number_of(regs)), UNKNOWN_LENGTH, result);
	return 0;
}
#endif
