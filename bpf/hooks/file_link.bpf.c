// SPDX-License-Identifier: GPL-2.0
/* Hard links made: a second name for a file. */
#include "hook.h"

struct file_link_record {
	struct act act DOC("act");
	struct file_identity file DOC("the file; all zero where only its name is known");
	struct file_identity name DOC("marks of the new name");
	char path[0] LEN("act.path_len") FMT("path") DOC("the name that it had");
	char to[0] LEN("act.other_len") FMT("path") DOC("its new name");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 6
#include "hook_run.h"
#include "file_calls.h"

char LICENSE[] SEC("license") = "GPL";

__noinline __u32 look_at_old(__u64 regs)
{
	if (call_is(regs, __NR_linkat, IA32_LINKAT))
		return look_at_given(call_arg(regs, 0), call_arg(regs, 1));
	return look_at_given(AT_FDCWD, call_arg(regs, 0));
}

__noinline __u32 look_at_new(__u64 regs)
{
	if (call_is(regs, __NR_linkat, IA32_LINKAT))
		return look_at_given(call_arg(regs, 2), call_arg(regs, 3));
	return look_at_given(AT_FDCWD, call_arg(regs, 1));
}

/* As match_rename. */
__noinline __u32 match_link(__u64 old, __u64 new, __u64 mount)
{
	struct match_event event = {.hook = HOOK_FILE_LINK};

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = mount ? look_at_dentry(old, mount, 0) : look_at_old(old);
	event.second_slot = mount ? look_at_dentry(new, mount, 0) : look_at_new(old);
	match_own_text(&event, MATCH_OWN(0));
	match_own_second_text(&event, MATCH_OWN(3));
	return act_verdict2(&event, match_end(&event), event.second_slot);
}

static __always_inline __u32 end_link(__u32 verdict, __s32 result)
{
	struct file_link_record *record = act_record(&verdict, RECORD_FILE_LINK);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict)),
			 *second = path_slot_at(ACT_SECOND(verdict));

	if (record && slot) {
		record->file = slot->file;
		if (second)
			record->name = second->file;
		else
			__builtin_memset(&record->name, 0, sizeof(record->name));
	}
	return act_end(verdict, RECORD_FILE_LINK, sizeof(*record), result);
}

HOOK_TRIPLE(file_link, path_link, security_path_link, struct dentry *old, struct path *directory,
	    struct dentry *new)
{
	if (!match_asked(HOOK_FILE_LINK))
		return MATCH_PASS;
	/* the kernel links nothing between mounts */
	return end_link(match_link(number_of(old), number_of(new), mount_of(directory)), ACT_WAITS);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_link_sys_exit, struct pt_regs *regs, long result)
{
	if (!syscall_is(regs, __NR_linkat, IA32_LINKAT) && !syscall_is(regs, __NR_link, IA32_LINK))
		return 0;
	if (act_counts(result) && match_asked(HOOK_FILE_LINK))
		end_link(match_link(number_of(regs), 0, 0), result);
	return 0;
}
#endif
