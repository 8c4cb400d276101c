// SPDX-License-Identifier: GPL-2.0
/*
 * Opened files, by the best of four rungs: an LSM hook or one that modifies its result deny, the rest see. At most one of
 * the programs here is loaded. All but the last come when the kernel has the file but the caller does not: nothing was read,
 * written or truncated yet, but a file that the open creates is there.
 */
#include "hook.h"

struct file_open_record {
	struct act act DOC("act");
	struct file_identity file DOC("the opened file");
	char path[0] LEN("act.path_len") FMT("path")
		DOC("path from the process's root, resolved by the kernel");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 6
#include "hook_run.h"
#include "open.h"

char LICENSE[] SEC("license") = "GPL";

/* What selectors may ask of an open, beside its process. */
enum file_operand {
	OPERAND_FILE_PATH = MATCH_OWN(0), /* exact, prefix, suffix */
	OPERAND_FILE_INODE = MATCH_OWN(3),
	OPERAND_FILE_DEVICE = MATCH_OWN(4),
	OPERAND_FILE_FLAGS = MATCH_OWN(5),
};

/* Among the flags that selectors ask for: the open makes the file. No flag of the kernel's. */
#define FLAG_CREATED 0x40000000

#define FILE_FACTS (BIT(OPERAND_FILE_INODE) | BIT(OPERAND_FILE_DEVICE) | BIT(OPERAND_FILE_FLAGS))

/* Opened below another file by overlayfs and its like: the act was told with that one. */
static __always_inline bool opened_below(struct file *file)
{
	return BPF_CORE_READ(file, f_mode) & FMODE_NOACCOUNT;
}

/*
 * The verdict on an open. What the process alone rules out is ruled out before the file is looked at. Without a slot nothing
 * is known of the file, and what asks for it is undecided.
 */
__noinline __u32 match_open(__u64 address, __u32 creation_flags)
{
	struct match_event event = {.hook = HOOK_FILE_OPEN};
	struct path_slot *slot;

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = look_at_file(address, creation_flags);
	slot = path_slot_at(event.path_slot);
	if (!slot) {
		event.unknown |= event.header->active & FILE_FACTS;
	} else {
		match_own_number(&event, OPERAND_FILE_INODE, slot->file.inode);
		match_own_number(&event, OPERAND_FILE_DEVICE,
				 slot->file.device_major << 20 | slot->file.device_minor);
		match_own_mask(&event, OPERAND_FILE_FLAGS,
			       slot->file.flags |
				       (slot->file.marks & FILE_CREATED ? FLAG_CREATED : 0));
	}
	match_own_text(&event, OPERAND_FILE_PATH);
	return act_verdict(&event, match_end(&event));
}

static __always_inline __u32 on_open(__u64 address, __u32 creation_flags, __s32 result)
{
	__u32 verdict = match_open(address, creation_flags);
	struct file_open_record *record = act_record(&verdict, RECORD_FILE_OPEN);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot)
		record->file = slot->file;
	return act_end(verdict, RECORD_FILE_OPEN, sizeof(*record), result);
}

HOOK_TRIPLE(file_open, file_open, security_file_open, struct file *file)
{
	__u64 address;

	if (!match_asked(HOOK_FILE_OPEN))
		return MATCH_PASS;
	address = number_of(file);
	return opened_below((struct file *)address) ? MATCH_PASS : on_open(address, 0, ACT_WAITS);
}

/* Opens that succeeded, by the file behind the new descriptor. Those by io_uring are not system calls and are not seen. */
SEC("tp_btf/sys_exit")
int BPF_PROG(file_open_sys_exit, struct pt_regs *regs, long result)
{
	struct task_struct *task;
	struct file *file;
	__u32 flags = 0;

	if (result < 0 || !match_asked(HOOK_FILE_OPEN))
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	if (!opens_file(regs, task, &flags))
		return 0;
	file = file_of(task, result);
	/* another thread closed it already */
	if (file)
		on_open((__u64)file, flags & CREATION_FLAGS, result);
	return 0;
}
#endif
