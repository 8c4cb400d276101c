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

enum truncate_how {
	TRUNCATE_DENTRY = 0,
	TRUNCATE_GIVEN = 1,
	TRUNCATE_FILE = 2,
};

__noinline __u32 match_truncate(__u64 where, __u64 from, __u32 how)
{
	struct match_event event = {.hook = HOOK_FILE_TRUNCATE};

	if (!match_begin(&event))
		return event.verdict;
	if (how == TRUNCATE_FILE)
		event.path_slot = look_at_file(where, 0);
	else
		event.path_slot = look_at_name(where, from, how == TRUNCATE_GIVEN);
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

static __always_inline bool truncates_file(struct pt_regs *regs)
{
	return syscall_is(regs, __NR_ftruncate, IA32_FTRUNCATE) ||
	       syscall_is(regs, NO_SYSCALL, IA32_FTRUNCATE64);
}

static __always_inline bool truncates_path(struct pt_regs *regs)
{
	return syscall_is(regs, __NR_truncate, IA32_TRUNCATE) ||
	       syscall_is(regs, NO_SYSCALL, IA32_TRUNCATE64);
}

/* A 32-bit program gives 64 bits in two registers. */
static __always_inline __u64 length_of(struct pt_regs *regs)
{
	if (syscall_is(regs, NO_SYSCALL, IA32_FTRUNCATE64) ||
	    syscall_is(regs, NO_SYSCALL, IA32_TRUNCATE64))
		return syscall_arg(regs, 2) << 32 | (__u32)syscall_arg(regs, 1);
	return syscall_arg(regs, 1);
}

/* The hooks are not told the length: the system call was. Before 5.15 its registers are out of reach. */
static __always_inline __u64 length_asked(void)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct pt_regs *regs;
	__u32 flags;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return UNKNOWN_LENGTH;
	regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	if (truncates_file(regs) || truncates_path(regs))
		return length_of(regs);
	return opens_file(regs, task, &flags) ? 0 : UNKNOWN_LENGTH;
}

static __always_inline __u32 on_truncate(struct path *path)
{
	struct inode___size *inode = (void *)BPF_CORE_READ(path, dentry, d_inode);

	return end_truncate(
		match_truncate((__u64)BPF_CORE_READ(path, dentry), mount_of(path), TRUNCATE_DENTRY),
		length_asked(), BPF_CORE_READ(inode, i_size), ACT_WAITS);
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
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 how = TRUNCATE_FILE, flags = 0;
	__s32 from = AT_FDCWD;
	struct file *file;
	__u64 where, length = 0;

	if (truncates_path(regs)) {
		where = syscall_arg(regs, 0);
		length = length_of(regs);
		how = TRUNCATE_GIVEN;
	} else if (truncates_file(regs)) {
		where = (__u64)file_of(task, syscall_arg(regs, 0));
		length = length_of(regs);
	} else if (opens_file(regs, task, &flags) && flags & O_TRUNC) {
		file = result < 0 ? NULL : file_of(task, result);
		/* a file that the open has made was empty */
		if (!file || BPF_CORE_READ(file, f_mode) & FMODE_CREATED ||
		    (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFREG)
			return 0;
		where = (__u64)file;
	} else {
		return 0;
	}
	if (where && act_counts(result) && match_asked(HOOK_FILE_TRUNCATE))
		end_truncate(match_truncate(where, from, how), length, UNKNOWN_LENGTH, result);
	return 0;
}
#endif
