// SPDX-License-Identifier: GPL-2.0
/*
 * Opened files, by the best of four rungs: an LSM hook or one that modifies its result deny, the rest see. At most one of
 * the programs here is loaded. All but the last come when the kernel has the file but the caller does not: nothing was read,
 * written or truncated yet, but a file that the open creates is there.
 */
#include "path_slot.h"
#include "open.h"
#define MATCH_OWN_OPERANDS 6
#include "match.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

/* What selectors may ask of an open, beside its process. */
enum file_operand {
	OPERAND_FILE_PATH = MATCH_OWN(0), /* exact, prefix, suffix */
	OPERAND_FILE_INODE = MATCH_OWN(3),
	OPERAND_FILE_DEVICE = MATCH_OWN(4),
	OPERAND_FILE_FLAGS = MATCH_OWN(5),
};

#define FILE_FACTS (BIT(OPERAND_FILE_INODE) | BIT(OPERAND_FILE_DEVICE) | BIT(OPERAND_FILE_FLAGS))

/* Opened below another file by overlayfs and its like: the act was told with that one. */
static __always_inline bool opened_below(struct file *file)
{
	return BPF_CORE_READ(file, f_mode) & FMODE_NOACCOUNT;
}

/*
 * Takes a slot, and reads into it what is opened. The functions from here on are global (verified once, each with its own
 * stack) and take no pointers, which before 5.12 they cannot. Returns the slot's number, 0 when none is free.
 */
__noinline __u32 look_at_open(__u64 address, __u32 creation_flags)
{
	struct file *file = (struct file *)address;
	__u32 number = path_slot_claim();
	struct path_slot *slot = path_slot_at(number);

	if (!slot)
		return 0;
	read_identity(&slot->file, file, creation_flags);
	path_root_untyped(&slot->walk, (struct task_struct *)bpf_get_current_task());
	path_walk_untyped(&slot->walk, number, __builtin_preserve_access_index(&file->f_path));
	path_slot_settle(slot);
	return number;
}

/* What match_open returns beside the matcher's verdict: the slot that the opened file lies in, to be given back. */
#define OPEN_SLOT_SHIFT 16

/* Posts the event where somebody asks for it, and gives the slot back. */
__noinline int finish_open(__u32 verdict, __u32 result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 number = verdict >> OPEN_SLOT_SHIFT;
	struct path_slot *slot = path_slot_at(number);
	struct file_open_record *record;

	if (!slot) {
		if (verdict & MATCH_POSTS)
			record_lost(RECORD_FILE_OPEN);
		return 0;
	}
	if (verdict & MATCH_POSTS) {
		record = &slot->open;
		record->process.start = process_start(task);
		record->process.self_exec_id = BPF_CORE_READ(task, self_exec_id);
		record->process.tgid = bpf_get_current_pid_tgid() >> 32;
		record->process.reserved = 0;
		record->file = slot->file;
		record->tid = bpf_get_current_pid_tgid();
		record->result = result;
		record->reserved = 0;
		if (path_slot_output(slot, &record->path_len, &record->header, RECORD_FILE_OPEN,
				     sizeof(*record)))
			record_lost(RECORD_FILE_OPEN);
	}
	path_slot_release(number);
	return 0;
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
	event.path_slot = look_at_open(address, creation_flags);
	slot = path_slot_at(event.path_slot);
	if (!slot) {
		event.unknown |= event.header->active & FILE_FACTS;
	} else {
		match_own_number(&event, OPERAND_FILE_INODE, slot->file.inode);
		match_own_number(&event, OPERAND_FILE_DEVICE,
				 slot->file.device_major << 20 | slot->file.device_minor);
		match_own_mask(&event, OPERAND_FILE_FLAGS, slot->file.flags);
	}
	match_own_text(&event, OPERAND_FILE_PATH);
	return match_end(&event) | event.path_slot << OPEN_SLOT_SHIFT;
}

/* `address`: the file's, a number to the verifier. */
static __always_inline __u32 decide(__u64 address, __u32 creation_flags, __u32 result)
{
	__u32 verdict = match_open(address, creation_flags);

	if (verdict & ~0xff)
		finish_open(verdict, result);
	verdict &= 0xff;
	if (verdict == MATCH_KILL)
		match_signal(MATCH_SIGKILL);
	if (verdict == MATCH_SIGNAL)
		match_signal(MATCH_SIGTERM);
	return verdict;
}

/* The first argument of a hook, untyped. */
static __always_inline __u64 first_argument(void *context)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), context);
	return address;
}

static __always_inline long deny_or_allow(void *context)
{
	__u64 address;
	long result = 0;
	__u32 verdict;

	if (!match_asked(HOOK_FILE_OPEN))
		return 0;
	address = first_argument(context);
	if (opened_below((struct file *)address))
		return 0;
	verdict = decide(address, 0, NO_RESULT);
	if (verdict == MATCH_DENY || verdict == MATCH_KILL) {
		result = -EPERM;
		barrier_var(result);
	}
	return result;
}

SEC("lsm/file_open")
int BPF_PROG(file_open_lsm, struct file *file)
{
	return deny_or_allow(ctx);
}

/* Where the LSM of eBPF is compiled in but not switched on. */
SEC("fmod_ret/security_file_open")
int BPF_PROG(file_open_fmod_ret, struct file *file, int earlier)
{
	return deny_or_allow(ctx);
}

SEC("fentry/security_file_open")
int BPF_PROG(file_open_fentry, struct file *file)
{
	deny_or_allow(ctx);
	return 0;
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
		decide((__u64)file, flags & CREATION_FLAGS, result);
	return 0;
}
