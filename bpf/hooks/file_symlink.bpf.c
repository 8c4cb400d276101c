// SPDX-License-Identifier: GPL-2.0
/* Symbolic links made. */
#include "hook.h"

struct file_symlink_record {
	struct act act DOC("act");
	struct file_identity file DOC("marks of its path; the link is not there yet");
	char path[0] LEN("act.path_len") FMT("path") DOC("the new link");
	char target[0] LEN("act.other_len") FMT("path") DOC("what it says, as it was given");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 6
#include "hook_run.h"
#include "file_calls.h"

char LICENSE[] SEC("license") = "GPL";

/* A text as the path of a slot: of the caller's memory or of the kernel's. */
__noinline __u32 look_at_words(__u64 pointer, __u32 of_user)
{
	__u32 number = path_slot_claim(), pos, len;
	struct path_slot *slot = path_slot_at(number);
	char *text;
	long length;

	if (!slot)
		return 0;
	__builtin_memset(&slot->file, 0, sizeof(slot->file));
	slot->walk.pos = PATH_BYTES;
	slot->walk.marks = 0;
	slot->head.length = slot->head.held = 0;
	slot->tail.length = slot->tail.held = 0;
	text = (char *)slot->act.record;
	if (of_user)
		length = bpf_probe_read_user_str(text, PATH_BYTES, (void *)pointer);
	else
		length = bpf_probe_read_kernel_str(text, PATH_BYTES, (void *)pointer);
	if (length <= 1)
		return number;
	len = length - 1;
	pos = PATH_BYTES - len;
	barrier_var(pos);
	if (pos >= PATH_BYTES)
		return number;
	barrier_var(len);
	if (len >= PATH_BYTES)
		return number;
	bpf_probe_read_kernel(slot->walk.bytes + pos, len, text);
	slot->walk.pos = pos;
	path_slot_settle(slot);
	return number;
}

__noinline __u32 look_at_link(__u64 regs)
{
	if (call_is(regs, __NR_symlinkat, IA32_SYMLINKAT))
		return look_at_given(call_arg(regs, 1), call_arg(regs, 2));
	return look_at_given(AT_FDCWD, call_arg(regs, 1));
}

__noinline __u32 look_at_target(__u64 regs)
{
	return look_at_words(call_arg(regs, 0), true);
}

/* As match_unlink; `target` is a text of the kernel's where it is told of by dentry. */
__noinline __u32 match_symlink(__u64 where, __u64 mount, __u64 target)
{
	struct match_event event = {.hook = HOOK_FILE_SYMLINK};

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = mount ? look_at_dentry(where, mount, 0) : look_at_link(where);
	event.second_slot = mount ? look_at_words(target, false) : look_at_target(where);
	match_own_text(&event, MATCH_OWN(0));
	match_own_second_text(&event, MATCH_OWN(3));
	return act_verdict2(&event, match_end(&event), event.second_slot);
}

static __always_inline __u32 end_symlink(__u32 verdict, __s32 result)
{
	struct file_symlink_record *record = act_record(&verdict, RECORD_FILE_SYMLINK);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot)
		record->file = slot->file;
	return act_end(verdict, RECORD_FILE_SYMLINK, sizeof(*record), result);
}

HOOK_TRIPLE(file_symlink, path_symlink, security_path_symlink, struct path *directory,
	    struct dentry *dentry, const char *target)
{
	if (!match_asked(HOOK_FILE_SYMLINK))
		return MATCH_PASS;
	return end_symlink(match_symlink(number_of(dentry), mount_of(directory), number_of(target)),
			   ACT_WAITS);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_symlink_sys_exit, struct pt_regs *regs, long result)
{
	if (!syscall_is(regs, __NR_symlinkat, IA32_SYMLINKAT) &&
	    !syscall_is(regs, __NR_symlink, IA32_SYMLINK))
		return 0;
	if (act_counts(result) && match_asked(HOOK_FILE_SYMLINK))
		end_symlink(match_symlink(number_of(regs), 0, 0), result);
	return 0;
}
#endif
