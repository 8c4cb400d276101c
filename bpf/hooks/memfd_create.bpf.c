// SPDX-License-Identifier: GPL-2.0
/* Files that lie in memory only: memfd_create(2), told at its end. No LSM hook is asked about them before 6.18. */
#include "hook.h"

struct memfd_create_record {
	struct act act DOC("act");
	struct file_identity file DOC("the new file; all zero when none was made");
	__u32 flags DOC("flags as the call was given them, MFD_* of linux/memfd.h");
	__u32 reserved PAD;
	char name[256] FMT("cstring") DOC("the name that it was given, which names nothing");
	char path[0] LEN("act.path_len") FMT("path") DOC("`/memfd:` and the name");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 4
#include "call.h"

char LICENSE[] SEC("license") = "GPL";

enum memfd_operand {
	OPERAND_MEMFD_PATH = MATCH_OWN(0), /* exact, prefix, suffix */
	OPERAND_MEMFD_FLAGS = MATCH_OWN(3),
};

/* What the kernel puts before the name. */
#define MEMFD_PREFIX_BYTES 6

/* `file` is the new file's address, 0 when the call failed. */
__noinline __u32 match_memfd_create(__u64 file, __u32 flags)
{
	struct match_event event = {.hook = HOOK_MEMFD_CREATE};

	if (!match_begin(&event))
		return event.verdict;
	/* nothing is there that could be stopped, and its path is not known */
	if (file)
		event.path_slot = look_at_file(file, 0);
	else
		event.want = MATCH_WANT_POST;
	match_own_text(&event, OPERAND_MEMFD_PATH);
	match_own_mask(&event, OPERAND_MEMFD_FLAGS, flags);
	return act_verdict(&event, match_end(&event));
}

static __always_inline void fill(struct memfd_create_record *record, struct path_slot *slot,
				 struct file *file, __u64 name, __u32 flags)
{
	record->flags = flags;
	record->reserved = 0;
	record->name[0] = 0;
	if (file) {
		record->file = slot->file;
		bpf_probe_read_kernel_str(record->name, sizeof(record->name),
					  BPF_CORE_READ(file, f_path.dentry, d_name.name) +
						  MEMFD_PREFIX_BYTES);
		return;
	}
	__builtin_memset(&record->file, 0, sizeof(record->file));
	bpf_probe_read_user_str(record->name, sizeof(record->name), (void *)name);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(memfd_create_sys_exit, struct pt_regs *regs, long result)
{
	struct memfd_create_record *record;
	struct file *file = NULL;
	struct path_slot *slot;
	__u32 verdict, flags;

	if (!syscall_is(regs, __NR_memfd_create, IA32_memfd_create) ||
	    !match_asked(HOOK_MEMFD_CREATE))
		return 0;
	flags = syscall_arg(regs, 1);
	if (result >= 0)
		file = file_of((struct task_struct *)bpf_get_current_task(), result);
	verdict = match_memfd_create((__u64)file, flags);
	record = act_record(&verdict, RECORD_MEMFD_CREATE);
	slot = path_slot_at(ACT_SLOT(verdict));
	if (record && slot)
		fill(record, slot, file, syscall_arg(regs, 0), flags);
	act_end(verdict, RECORD_MEMFD_CREATE, sizeof(*record), result);
	return 0;
}
#endif
