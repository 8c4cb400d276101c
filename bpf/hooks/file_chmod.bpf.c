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

enum chmod_how {
	CHMOD_DENTRY = 0,
	CHMOD_GIVEN = 1,
	CHMOD_FILE = 2,
};

/* `how`: enum chmod_how << 16 | the new mode. */
__noinline __u32 match_chmod(__u64 where, __u64 from, __u32 how)
{
	struct match_event event = {.hook = HOOK_FILE_CHMOD};

	if (!match_begin(&event))
		return event.verdict;
	if (how >> 16 == CHMOD_FILE)
		event.path_slot = look_at_file(where, 0);
	else
		event.path_slot = look_at_name(where, from, how >> 16 == CHMOD_GIVEN);
	match_own_text(&event, MATCH_OWN(0));
	match_own_mask(&event, MATCH_OWN(3), how & MODE_BITS);
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
	return end_chmod(match_chmod((__u64)BPF_CORE_READ(path, dentry), mount_of(path),
				     CHMOD_DENTRY << 16 | (mode & MODE_BITS)),
			 mode, ACT_WAITS);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_chmod_sys_exit, struct pt_regs *regs, long result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__s32 from = AT_FDCWD;
	__u32 how = CHMOD_GIVEN, mode;
	__u64 where;

	if (syscall_is(regs, __NR_fchmodat, IA32_FCHMODAT) ||
	    syscall_is(regs, NR_FCHMODAT2, NR_FCHMODAT2)) {
		from = syscall_arg(regs, 0);
		where = syscall_arg(regs, 1);
		mode = syscall_arg(regs, 2);
	} else if (syscall_is(regs, __NR_fchmod, IA32_FCHMOD)) {
		where = (__u64)file_of(task, syscall_arg(regs, 0));
		mode = syscall_arg(regs, 1);
		how = CHMOD_FILE;
		if (!where)
			return 0;
	} else if (syscall_is(regs, __NR_chmod, IA32_CHMOD)) {
		where = syscall_arg(regs, 0);
		mode = syscall_arg(regs, 1);
	} else {
		return 0;
	}
	if (act_counts(result) && match_asked(HOOK_FILE_CHMOD))
		end_chmod(match_chmod(where, from, how << 16 | (mode & MODE_BITS)), mode, result);
	return 0;
}
#endif
