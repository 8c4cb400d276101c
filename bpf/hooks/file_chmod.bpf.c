// SPDX-License-Identifier: GPL-2.0
/* Permission bits changed: chmod, fchmod, fchmodat. */
#include "hook.h"

struct file_chmod_record {
	struct act act DOC("act");
	struct file_identity file DOC("the file, with its mode before where the hook comes before "
				      "the change; all zero where only its name is known");
	__u32 mode FMT("octal") DOC("permission bits asked for");
	__u32 before FMT("octal") DOC("permission bits that it had; 65535 where that is not known");
	char path[0] LEN("act.path_len") FMT("path") DOC("its path");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 4
#include "hook_run.h"
#include "file_calls.h"

char LICENSE[] SEC("license") = "GPL";

#define MODE_BITS 07777
#define MODE_UNKNOWN 0xffff

static __always_inline bool is_chmod(struct pt_regs *regs)
{
	return syscall_is(regs, __NR_fchmodat, IA32_FCHMODAT) ||
	       syscall_is(regs, __NR_fchmod, IA32_FCHMOD) ||
	       syscall_is(regs, __NR_chmod, IA32_CHMOD) ||
	       syscall_is(regs, NR_FCHMODAT2, NR_FCHMODAT2);
}

static __always_inline bool has_directory(__u64 regs)
{
	return call_is(regs, __NR_fchmodat, IA32_FCHMODAT) ||
	       call_is(regs, NR_FCHMODAT2, NR_FCHMODAT2);
}

__noinline __u32 look_at_changed(__u64 regs)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (has_directory(regs))
		return look_at_given(call_arg(regs, 0), call_arg(regs, 1));
	if (call_is(regs, __NR_chmod, IA32_CHMOD))
		return look_at_given(AT_FDCWD, call_arg(regs, 0));
	return look_at_file((__u64)file_of(task, call_arg(regs, 0)), 0);
}

__noinline __u32 mode_of_changed(__u64 regs)
{
	return (has_directory(regs) ? call_arg(regs, 2) : call_arg(regs, 1)) & MODE_BITS;
}

/* As match_unlink. */
__noinline __u32 match_chmod(__u64 where, __u64 mount, __u32 mode)
{
	struct match_event event = {.hook = HOOK_FILE_CHMOD};

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = mount ? look_at_dentry(where, mount, 0) : look_at_changed(where);
	match_own_text(&event, MATCH_OWN(0));
	match_own_mask(&event, MATCH_OWN(3), mode & MODE_BITS);
	return act_verdict(&event, match_end(&event));
}

static __always_inline __u32 end_chmod(__u32 verdict, __u32 mode, __s32 result)
{
	struct file_chmod_record *record = act_record(&verdict, RECORD_FILE_CHMOD);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot) {
		record->file = slot->file;
		record->mode = mode & MODE_BITS;
		record->before = result == ACT_WAITS ? slot->file.mode & MODE_BITS : MODE_UNKNOWN;
	}
	return act_end(verdict, RECORD_FILE_CHMOD, sizeof(*record), result);
}

HOOK_TRIPLE(file_chmod, path_chmod, security_path_chmod, struct path *path, umode_t mode)
{
	if (!match_asked(HOOK_FILE_CHMOD))
		return MATCH_PASS;
	return end_chmod(match_chmod(dentry_of(path), mount_of(path), mode), mode, ACT_WAITS);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_chmod_sys_exit, struct pt_regs *regs, long result)
{
	__u32 mode;

	if (!is_chmod(regs) || !act_counts(result) || !match_asked(HOOK_FILE_CHMOD))
		return 0;
	mode = mode_of_changed(number_of(regs));
	end_chmod(match_chmod(number_of(regs), 0, mode), mode, result);
	return 0;
}
#endif
