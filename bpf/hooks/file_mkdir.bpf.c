// SPDX-License-Identifier: GPL-2.0
/* Directories made. */
#include "hook.h"

struct file_mkdir_record {
	struct act act DOC("act");
	struct file_identity file DOC("marks of its path; the directory is not there yet");
	__u32 mode FMT("octal") DOC("permission bits that it was made with, the umask applied");
	__u32 reserved PAD;
	char path[0] LEN("act.path_len") FMT("path") DOC("the new directory");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 3
#include "hook_run.h"
#include "file_calls.h"

char LICENSE[] SEC("license") = "GPL";

__noinline __u32 match_mkdir(__u64 where, __u64 from, __u32 given)
{
	struct match_event event = {.hook = HOOK_FILE_MKDIR};

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = look_at_name(where, from, given);
	match_own_text(&event, MATCH_OWN(0));
	return act_verdict(&event, match_end(&event));
}

static __always_inline __u32 end_mkdir(__u32 verdict, __u32 mode, __s32 result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file_mkdir_record *record = act_record(&verdict, RECORD_FILE_MKDIR);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot) {
		record->file = slot->file;
		/* where the hook is told of the mode before the umask is applied, and where after it: the same */
		record->mode = mode & 07777 & ~BPF_CORE_READ(task, fs, umask);
		record->reserved = 0;
	}
	return act_end(verdict, RECORD_FILE_MKDIR, sizeof(*record), result);
}

HOOK_TRIPLE(file_mkdir, path_mkdir, security_path_mkdir, struct path *directory,
	    struct dentry *dentry, umode_t mode)
{
	if (!match_asked(HOOK_FILE_MKDIR))
		return MATCH_PASS;
	return end_mkdir(match_mkdir(number_of(dentry), mount_of(directory), false), mode,
			 ACT_WAITS);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_mkdir_sys_exit, struct pt_regs *regs, long result)
{
	__s32 dirfd = AT_FDCWD;
	__u64 path;
	__u32 mode;

	if (syscall_is(regs, __NR_mkdir, IA32_MKDIR)) {
		path = syscall_arg(regs, 0);
		mode = syscall_arg(regs, 1);
	} else if (syscall_is(regs, __NR_mkdirat, IA32_MKDIRAT)) {
		dirfd = syscall_arg(regs, 0);
		path = syscall_arg(regs, 1);
		mode = syscall_arg(regs, 2);
	} else {
		return 0;
	}
	if (act_counts(result) && match_asked(HOOK_FILE_MKDIR))
		end_mkdir(match_mkdir(path, dirfd, true), mode, result);
	return 0;
}
#endif
