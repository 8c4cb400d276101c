// SPDX-License-Identifier: GPL-2.0
/* A process changes its root directory: chroot. */
#include "hook.h"

struct chroot_record {
	struct act act DOC("act");
	struct file_identity file DOC("the directory");
	char path[0] LEN("act.path_len") FMT("path")
		DOC("its path from the root of the mount namespace, resolved by the kernel");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 3
#include "hook_run.h"

char LICENSE[] SEC("license") = "GPL";

enum chroot_operand {
	OPERAND_FILE_PATH = MATCH_OWN(0),
};

__noinline __u32 match_chroot(__u64 path)
{
	struct match_event event = {.hook = HOOK_CHROOT};

	if (!match_begin(&event))
		return event.verdict;
	/* at the call's end the process's own root is what it has just become */
	event.path_slot = look_at_path(path, LOOK_NAMESPACE_ROOT);
	match_own_text(&event, OPERAND_FILE_PATH);
	return act_verdict(&event, match_end(&event));
}

static __always_inline __u32 on_chroot(__u64 path, __s32 result)
{
	__u32 verdict = match_chroot(path);
	struct chroot_record *record = act_record(&verdict, RECORD_CHROOT);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot)
		record->file = slot->file;
	return act_end(verdict, RECORD_CHROOT, sizeof(*record), result);
}

HOOK_TRIPLE(chroot, path_chroot, security_path_chroot, struct path *path)
{
	return match_asked(HOOK_CHROOT) ? on_chroot(number_of(path), ACT_WAITS) : MATCH_PASS;
}

#define IA32_CHROOT 61

/* Those that succeeded, by the root that the thread has now. */
SEC("tp_btf/sys_exit")
int BPF_PROG(chroot_sys_exit, struct pt_regs *regs, long result)
{
	struct fs_struct *fs;

	if (!syscall_is(regs, __NR_chroot, IA32_CHROOT) || result || !match_asked(HOOK_CHROOT))
		return 0;
	fs = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), fs);
	on_chroot((__u64)__builtin_preserve_access_index(&fs->root), result);
	return 0;
}
#endif
