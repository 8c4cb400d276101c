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

static __always_inline bool is_chown(struct pt_regs *regs)
{
	return syscall_is(regs, __NR_fchownat, IA32_FCHOWNAT) ||
	       syscall_is(regs, __NR_fchown, IA32_FCHOWN) ||
	       syscall_is(regs, __NR_chown, IA32_CHOWN) ||
	       syscall_is(regs, __NR_lchown, IA32_LCHOWN) ||
	       syscall_is(regs, NO_SYSCALL, IA32_CHOWN16) ||
	       syscall_is(regs, NO_SYSCALL, IA32_LCHOWN16) ||
	       syscall_is(regs, NO_SYSCALL, IA32_FCHOWN16);
}

__noinline __u32 look_at_owned(__u64 regs)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (call_is(regs, __NR_fchownat, IA32_FCHOWNAT))
		return look_at_given(call_arg(regs, 0), call_arg(regs, 1));
	if (call_is(regs, __NR_fchown, IA32_FCHOWN) || call_is(regs, NO_SYSCALL, IA32_FCHOWN16))
		return look_at_file((__u64)file_of(task, call_arg(regs, 0)), 0);
	return look_at_given(AT_FDCWD, call_arg(regs, 0));
}

static __always_inline __u64 both_ids(__u32 uid, __u32 gid)
{
	return (__u64)uid << 32 | gid;
}

/* A 16-bit id of an old call: all ones stands for all ones. */
static __always_inline __u32 id16(__u32 id)
{
	return (id & 0xffff) == 0xffff ? 0xffffffff : id & 0xffff;
}

/* The new owner, and in the lower half the new group. */
__noinline __u64 ids_of_owned(__u64 regs)
{
	if (call_is(regs, __NR_fchownat, IA32_FCHOWNAT))
		return both_ids(call_arg(regs, 2), call_arg(regs, 3));
	if (call_is(regs, NO_SYSCALL, IA32_CHOWN16) || call_is(regs, NO_SYSCALL, IA32_LCHOWN16) ||
	    call_is(regs, NO_SYSCALL, IA32_FCHOWN16))
		return both_ids(id16(call_arg(regs, 1)), id16(call_arg(regs, 2)));
	return both_ids(call_arg(regs, 1), call_arg(regs, 2));
}

/* As match_unlink. */
__noinline __u32 match_chown(__u64 where, __u64 mount, __u64 ids)
{
	struct match_event event = {.hook = HOOK_FILE_CHOWN};

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = mount ? look_at_dentry(where, mount, 0) : look_at_owned(where);
	match_own_text(&event, MATCH_OWN(0));
	match_own_number(&event, MATCH_OWN(3), ids >> 32);
	match_own_number(&event, MATCH_OWN(4), (__u32)ids);
	return act_verdict(&event, match_end(&event));
}

static __always_inline __u32 end_chown(__u32 verdict, __u64 ids, __s32 result)
{
	struct file_chown_record *record = act_record(&verdict, RECORD_FILE_CHOWN);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot) {
		record->file = slot->file;
		record->uid = ids >> 32;
		record->gid = ids;
		record->before = result == ACT_WAITS;
		record->reserved = 0;
	}
	return act_end(verdict, RECORD_FILE_CHOWN, sizeof(*record), result);
}

/* Ids are structs, which kernels before 6.1 do not pass to programs: there this is refused. */
HOOK_TRIPLE(file_chown, path_chown, security_path_chown, struct path *path)
{
	__u64 ids;

	if (!match_asked(HOOK_FILE_CHOWN))
		return MATCH_PASS;
	ids = both_ids(ctx[1], ctx[2]);
	return end_chown(match_chown(dentry_of(path), mount_of(path), ids), ids, ACT_WAITS);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_chown_sys_exit, struct pt_regs *regs, long result)
{
	__u64 ids;

	if (!is_chown(regs) || !act_counts(result) || !match_asked(HOOK_FILE_CHOWN))
		return 0;
	ids = ids_of_owned(number_of(regs));
	end_chown(match_chown(number_of(regs), 0, ids), ids, result);
	return 0;
}
#endif
