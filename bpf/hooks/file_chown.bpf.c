// SPDX-License-Identifier: GPL-2.0
/* Owner or group changed: chown, lchown, fchown, fchownat. */
#include "hook.h"

struct file_chown_record {
	struct act act DOC("act");
	struct file_identity file DOC("the file, with its owner before where the hook comes before "
				      "the change; all zero where only its name is known");
	__u32 uid DOC("new owner; 4294967295: it stays");
	__u32 gid DOC("new group; 4294967295: it stays");
	__u32 before FMT("bool") DOC("whether the file is as it was before the change");
	__u32 reserved PAD;
	char path[0] LEN("act.path_len") FMT("path") DOC("its path");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 5
#include "hook_run.h"
#include "file_calls.h"

char LICENSE[] SEC("license") = "GPL";

enum chown_how {
	CHOWN_DENTRY = 0,
	CHOWN_GIVEN = 1,
	CHOWN_FILE = 2,
};

__noinline __u32 match_chown(__u64 where, __u64 from, __u32 how, __u32 uid, __u32 gid)
{
	struct match_event event = {.hook = HOOK_FILE_CHOWN};

	if (!match_begin(&event))
		return event.verdict;
	if (how == CHOWN_FILE)
		event.path_slot = look_at_file(where, 0);
	else
		event.path_slot = look_at_name(where, from, how == CHOWN_GIVEN);
	match_own_text(&event, MATCH_OWN(0));
	match_own_number(&event, MATCH_OWN(3), uid);
	match_own_number(&event, MATCH_OWN(4), gid);
	return act_verdict(&event, match_end(&event));
}

static __always_inline __u32 end_chown(__u32 verdict, __u32 uid, __u32 gid, __s32 result)
{
	struct file_chown_record *record = act_record(&verdict, RECORD_FILE_CHOWN);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot) {
		record->file = slot->file;
		record->uid = uid;
		record->gid = gid;
		record->before = result == ACT_WAITS;
		record->reserved = 0;
	}
	return act_end(verdict, RECORD_FILE_CHOWN, sizeof(*record), result);
}

/* Ids are structs, which kernels before 6.1 do not pass to programs: there this is refused. */
HOOK_TRIPLE(file_chown, path_chown, security_path_chown, struct path *path)
{
	__u64 uid = 0, gid = 0;

	if (!match_asked(HOOK_FILE_CHOWN))
		return MATCH_PASS;
	bpf_probe_read_kernel(&uid, sizeof(uid), &ctx[1]);
	bpf_probe_read_kernel(&gid, sizeof(gid), &ctx[2]);
	return end_chown(match_chown((__u64)BPF_CORE_READ(path, dentry), mount_of(path),
				     CHOWN_DENTRY, uid, gid),
			 uid, gid, ACT_WAITS);
}

/* A 16-bit id of an old call: all ones stands for all ones. */
static __always_inline __u32 id16(__u32 id)
{
	return (id & 0xffff) == 0xffff ? 0xffffffff : id & 0xffff;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_chown_sys_exit, struct pt_regs *regs, long result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 how = CHOWN_GIVEN, uid, gid;
	__s32 from = AT_FDCWD;
	bool old = syscall_is(regs, NO_SYSCALL, IA32_CHOWN16) ||
		   syscall_is(regs, NO_SYSCALL, IA32_LCHOWN16) ||
		   syscall_is(regs, NO_SYSCALL, IA32_FCHOWN16);
	__u64 where;

	if (syscall_is(regs, __NR_fchownat, IA32_FCHOWNAT)) {
		from = syscall_arg(regs, 0);
		where = syscall_arg(regs, 1);
		uid = syscall_arg(regs, 2);
		gid = syscall_arg(regs, 3);
	} else if (syscall_is(regs, __NR_fchown, IA32_FCHOWN) ||
		   syscall_is(regs, NO_SYSCALL, IA32_FCHOWN16)) {
		where = (__u64)file_of(task, syscall_arg(regs, 0));
		uid = syscall_arg(regs, 1);
		gid = syscall_arg(regs, 2);
		how = CHOWN_FILE;
		if (!where)
			return 0;
	} else if (old || syscall_is(regs, __NR_chown, IA32_CHOWN) ||
		   syscall_is(regs, __NR_lchown, IA32_LCHOWN)) {
		where = syscall_arg(regs, 0);
		uid = syscall_arg(regs, 1);
		gid = syscall_arg(regs, 2);
	} else {
		return 0;
	}
	if (old) {
		uid = id16(uid);
		gid = id16(gid);
	}
	if (act_counts(result) && match_asked(HOOK_FILE_CHOWN))
		end_chown(match_chown(where, from, how, uid, gid), uid, gid, result);
	return 0;
}
#endif
