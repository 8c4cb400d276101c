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

__noinline __u32 look_at_made(__u64 regs)
{
	if (call_is(regs, __NR_mkdirat, IA32_MKDIRAT))
		return look_at_given(call_arg(regs, 0), call_arg(regs, 1));
	return look_at_given(AT_FDCWD, call_arg(regs, 0));
}

__noinline __u32 mode_of_made(__u64 regs)
{
	return call_is(regs, __NR_mkdirat, IA32_MKDIRAT) ? call_arg(regs, 2) : call_arg(regs, 1);
}

/* As match_unlink. */
__noinline __u32 match_mkdir(__u64 where, __u64 mount)
{
	struct match_event event = {.hook = HOOK_FILE_MKDIR};

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = mount ? look_at_dentry(where, mount, 0) : look_at_made(where);
	match_own_text(&event, MATCH_OWN(0));
	return act_verdict(&event, match_end(&event));
}

__noinline __u32 umask_now(void)
{
	return BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), fs, umask);
}

static __always_inline __u32 end_mkdir(__u32 verdict, __u32 mode, __s32 result)
{
	struct file_mkdir_record *record = act_record(&verdict, RECORD_FILE_MKDIR);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot) {
		record->file = slot->file;
		/* where the hook is told of the mode before the umask is applied, and where after it: the same */
		record->mode = mode & 07777 & ~umask_now();
		record->reserved = 0;
	}
	return act_end(verdict, RECORD_FILE_MKDIR, sizeof(*record), result);
}

HOOK_TRIPLE(file_mkdir, path_mkdir, security_path_mkdir, struct path *directory,
	    struct dentry *dentry, umode_t mode)
{
	if (!match_asked(HOOK_FILE_MKDIR))
		return MATCH_PASS;
	return end_mkdir(match_mkdir(number_of(dentry), mount_of(directory)), mode, ACT_WAITS);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_mkdir_sys_exit, struct pt_regs *regs, long result)
{
	__u32 verdict;

	if (!syscall_is(regs, __NR_mkdir, IA32_MKDIR) &&
	    !syscall_is(regs, __NR_mkdirat, IA32_MKDIRAT))
		return 0;
	if (!act_counts(result) || !match_asked(HOOK_FILE_MKDIR))
		return 0;
	verdict = match_mkdir(number_of(regs), 0);
	end_mkdir(verdict, mode_of_made(number_of(regs)), result);
	return 0;
}
#endif
