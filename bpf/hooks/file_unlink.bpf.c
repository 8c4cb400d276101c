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

__noinline __u32 match_unlink(__u64 where, __u64 from, __u32 given)
{
	struct match_event event = {.hook = HOOK_FILE_UNLINK};

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = look_at_name(where, from, given);
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
	return end_unlink(match_unlink(number_of(dentry), mount_of(directory), false), is_directory,
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
	bool rmdir = syscall_is(regs, __NR_rmdir, IA32_RMDIR);
	__s32 dirfd = AT_FDCWD;
	__u64 path;

	if (syscall_is(regs, __NR_unlinkat, IA32_UNLINKAT)) {
		dirfd = syscall_arg(regs, 0);
		path = syscall_arg(regs, 1);
		rmdir = syscall_arg(regs, 2) & AT_REMOVEDIR;
	} else if (rmdir || syscall_is(regs, __NR_unlink, IA32_UNLINK)) {
		path = syscall_arg(regs, 0);
	} else {
		return 0;
	}
	if (act_counts(result) && match_asked(HOOK_FILE_UNLINK))
		end_unlink(match_unlink(path, dirfd, true), rmdir, result);
	return 0;
}
#endif
