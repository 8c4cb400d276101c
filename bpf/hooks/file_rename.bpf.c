// SPDX-License-Identifier: GPL-2.0
/* Files moved or renamed. */
#include "hook.h"

enum rename_flag {
	RENAME_NOREPLACE = 1 << 0,
	RENAME_EXCHANGE = 1 << 1,
	RENAME_WHITEOUT = 1 << 2,
};

struct file_rename_record {
	struct act act DOC("act");
	struct file_identity file DOC("the file; all zero where it is seen at the call's end");
	struct file_identity replaced
		DOC("what had the new name; all zero where nothing had it or that is not known");
	__u32 flags FMT("flags:rename_flag") DOC("flags of renameat2");
	__u32 reserved PAD;
	char path[0] LEN("act.path_len") FMT("path") DOC("its old name");
	char to[0] LEN("act.other_len") FMT("path") DOC("its new name");
};

#ifdef REEVE_LAYOUTS
KEEP(enum rename_flag, keep_rename_flag);
#else
#define MATCH_OWN_OPERANDS 6
#include "hook_run.h"
#include "file_calls.h"

char LICENSE[] SEC("license") = "GPL";

static __always_inline bool has_directories(__u64 regs)
{
	return call_is(regs, __NR_renameat2, IA32_RENAMEAT2) ||
	       call_is(regs, __NR_renameat, IA32_RENAMEAT);
}

__noinline __u32 look_at_old(__u64 regs)
{
	if (has_directories(regs))
		return look_at_given(call_arg(regs, 0), call_arg(regs, 1));
	return look_at_given(AT_FDCWD, call_arg(regs, 0));
}

__noinline __u32 look_at_new(__u64 regs)
{
	if (has_directories(regs))
		return look_at_given(call_arg(regs, 2), call_arg(regs, 3));
	return look_at_given(AT_FDCWD, call_arg(regs, 1));
}

__noinline __u32 flags_of_rename(__u64 regs)
{
	return call_is(regs, __NR_renameat2, IA32_RENAMEAT2) ? call_arg(regs, 4) : 0;
}

/* By two dentries and the mount of both; without a mount `old` is the registers of the system call. */
__noinline __u32 match_rename(__u64 old, __u64 new, __u64 mount)
{
	struct match_event event = {.hook = HOOK_FILE_RENAME};

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = mount ? look_at_dentry(old, mount, 0) : look_at_old(old);
	event.second_slot = mount ? look_at_dentry(new, mount, 0) : look_at_new(old);
	match_own_text(&event, MATCH_OWN(0));
	match_own_second_text(&event, MATCH_OWN(3));
	return act_verdict2(&event, match_end(&event), event.second_slot);
}

static __always_inline __u32 end_rename(__u32 verdict, __u32 flags, __s32 result)
{
	struct file_rename_record *record = act_record(&verdict, RECORD_FILE_RENAME);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict)),
			 *second = path_slot_at(ACT_SECOND(verdict));

	if (record && slot) {
		record->file = slot->file;
		if (second)
			record->replaced = second->file;
		else
			__builtin_memset(&record->replaced, 0, sizeof(record->replaced));
		record->flags = flags;
		record->reserved = 0;
	}
	return act_end(verdict, RECORD_FILE_RENAME, sizeof(*record), result);
}

/* LSM's hook has flags since 5.19 (100f59d96405); before, an exchange is told as two renames. */
static __always_inline __u32 rename_flags(unsigned long long *ctx)
{
	__u64 flags = 0;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_func_arg))
		bpf_get_func_arg(ctx, 4, &flags);
	return flags;
}

HOOK_TRIPLE(file_rename, path_rename, security_path_rename, struct path *old_directory,
	    struct dentry *old, struct path *new_directory, struct dentry *new)
{
	__u32 verdict;

	if (!match_asked(HOOK_FILE_RENAME))
		return MATCH_PASS;
	/* the kernel moves nothing between mounts */
	verdict = match_rename(number_of(old), number_of(new), mount_of(old_directory));
	return end_rename(verdict, rename_flags(ctx), ACT_WAITS);
}

static __noinline __u32 is_rename(struct pt_regs *regs)
{
	return syscall_is(regs, __NR_renameat2, IA32_RENAMEAT2) ||
	       syscall_is(regs, __NR_renameat, IA32_RENAMEAT) ||
	       syscall_is(regs, __NR_rename, IA32_RENAME);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_rename_sys_exit, struct pt_regs *regs, long result)
{
	__u32 verdict;

	if (!is_rename(regs) || !act_counts(result) || !match_asked(HOOK_FILE_RENAME))
		return 0;
	verdict = match_rename(number_of(regs), 0, 0);
	end_rename(verdict, flags_of_rename(number_of(regs)), result);
	return 0;
}
#endif
