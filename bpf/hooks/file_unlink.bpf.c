// SPDX-License-Identifier: GPL-2.0
/* Names removed: unlink and rmdir. */
#include "hook.h"

struct file_unlink_record {
	struct act act DOC("act");
	struct file_identity
		file DOC("what the name stood for; all zero where it is seen at the call's end");
	__u32 directory FMT("bool") DOC("whether a directory was removed");
	__u32 reserved PAD;
	char path[0] LEN("act.path_len") FMT("path") DOC("the removed name");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 3
#include "hook_run.h"
#include "file_calls.h"

char LICENSE[] SEC("license") = "GPL";

enum unlink_call {
	CALL_NONE = 0,
	CALL_UNLINK = 1,
	CALL_RMDIR = 2,
};

/* Which of them a system call is. */
static __noinline __u32 unlink_call(struct pt_regs *regs)
{
	if (syscall_is(regs, __NR_unlinkat, IA32_UNLINKAT))
		return syscall_arg(regs, 2) & AT_REMOVEDIR ? CALL_RMDIR : CALL_UNLINK;
	if (syscall_is(regs, __NR_unlink, IA32_UNLINK))
		return CALL_UNLINK;
	return syscall_is(regs, __NR_rmdir, IA32_RMDIR) ? CALL_RMDIR : CALL_NONE;
}

__noinline __u32 look_at_unlinked(__u64 regs)
{
	if (call_is(regs, __NR_unlinkat, IA32_UNLINKAT))
		return look_at_given(call_arg(regs, 0), call_arg(regs, 1));
	return look_at_given(AT_FDCWD, call_arg(regs, 0));
}

/* By a dentry and its mount; without a mount `where` is the registers of the system call. */
__noinline __u32 match_unlink(__u64 where, __u64 mount)
{
	struct match_event event = {.hook = HOOK_FILE_UNLINK};

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = mount ? look_at_dentry(where, mount, 0) : look_at_unlinked(where);
	match_own_text(&event, MATCH_OWN(0));
	return act_verdict(&event, match_end(&event));
}

static __always_inline __u32 end_unlink(__u32 verdict, __u32 directory, __s32 result)
{
	struct file_unlink_record *record = act_record(&verdict, RECORD_FILE_UNLINK);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot) {
		record->file = slot->file;
		record->directory = directory;
		record->reserved = 0;
	}
	return act_end(verdict, RECORD_FILE_UNLINK, sizeof(*record), result);
}

static __always_inline __u32 on_unlink(struct path *directory, struct dentry *dentry,
				       bool is_directory)
{
	if (!match_asked(HOOK_FILE_UNLINK))
		return MATCH_PASS;
	return end_unlink(match_unlink(number_of(dentry), mount_of(directory)), is_directory,
			  ACT_WAITS);
}

HOOK_TRIPLE(file_unlink, path_unlink, security_path_unlink, struct path *directory,
	    struct dentry *dentry)
{
	return on_unlink(directory, dentry, false);
}

HOOK_TRIPLE(file_rmdir, path_rmdir, security_path_rmdir, struct path *directory,
	    struct dentry *dentry)
{
	return on_unlink(directory, dentry, true);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_unlink_sys_exit, struct pt_regs *regs, long result)
{
	__u32 verdict;

	if (!unlink_call(regs) || !act_counts(result) || !match_asked(HOOK_FILE_UNLINK))
		return 0;
	verdict = match_unlink(number_of(regs), 0);
	end_unlink(verdict, unlink_call(regs) == CALL_RMDIR, result);
	return 0;
}
#endif
