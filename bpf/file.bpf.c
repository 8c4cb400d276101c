// SPDX-License-Identifier: GPL-2.0
/*
 * Opened files, by the best of four rungs: an LSM hook or one that modifies its result deny, the rest see. At most one of
 * the programs here is loaded. All but the last come when the kernel has the file but the caller does not: nothing was read,
 * written or truncated yet, but a file that the open creates is there.
 */
#include "path_slot.h"
#include "open.h"
#include "match.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#ifndef MATCH_POST
#define MATCH_POST 256
#endif

/* Whether anybody asks for this hook: looked at first, since everything else costs. */
static __always_inline bool asked_for(void)
{
	struct match_header *header = match_header_of(HOOK_FILE_OPEN);

	return header || true;
}

/* Opened below another file by overlayfs and its like: the act was told with that one. */
static __always_inline bool opened_below(struct file *file)
{
	return BPF_CORE_READ(file, f_mode) & FMODE_NOACCOUNT;
}

/* Without pointers among its arguments, for kernels before 5.12. */
__noinline __u32 match_open_verdict(__u32 number, __u64 inode, __u32 device, __u32 flags)
{
	struct match_event event = {
		.hook = HOOK_NETWORK_CONNECT,
		.address = {inode, device},
		.dport = flags,
		.tid = number,
	};

	return match_event(&event, true) | MATCH_POST;
}

/* A function of its own: the verifier looks at it apart from the matcher. */
__noinline int post_open(__u32 number, __u32 result)
{
	struct path_slot *slot = path_slot_at(number);
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file_open_record *record;

	if (!slot) {
		record_lost(RECORD_FILE_OPEN);
		return 0;
	}
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
	return 0;
}

/* `typed`: the verifier knows what `file` points to. */
static __always_inline __u32 decide(struct file *file, const bool typed, __u32 creation_flags,
				    __u32 result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u32 number = path_slot_claim(), verdict;
	struct path_slot *slot = path_slot_at(number);
	struct file_identity identity;

	read_identity(&identity, file, creation_flags);
	if (slot) {
		slot->file = identity;
		path_root_untyped(&slot->walk, task);
		if (typed)
			path_walk(&slot->walk, number, &file->f_path);
		else
			path_walk_untyped(&slot->walk, number,
					  __builtin_preserve_access_index(&file->f_path));
		path_slot_settle(slot);
	}
	verdict = match_open_verdict(number, identity.inode,
				     identity.device_major << 20 | identity.device_minor,
				     identity.flags);
	if (verdict & MATCH_POST)
		post_open(number, result);
	path_slot_release(number);
	verdict &= ~MATCH_POST;
	if (verdict == MATCH_KILL)
		match_signal(MATCH_SIGKILL);
	if (verdict == MATCH_SIGNAL)
		match_signal(MATCH_SIGTERM);
	return verdict;
}

static __always_inline long deny_or_allow(struct file *file)
{
	long result = 0;
	__u32 verdict;

	if (!asked_for() || opened_below(file))
		return 0;
	verdict = decide(file, true, 0, NO_RESULT);
	if (verdict == MATCH_DENY || verdict == MATCH_KILL) {
		result = -EPERM;
		barrier_var(result);
	}
	return result;
}

SEC("lsm/file_open")
int BPF_PROG(file_open_lsm, struct file *file)
{
	return deny_or_allow(file);
}

/* Where the LSM of eBPF is compiled in but not switched on. */
SEC("fmod_ret/security_file_open")
int BPF_PROG(file_open_fmod_ret, struct file *file, int earlier)
{
	return deny_or_allow(file);
}

SEC("fentry/security_file_open")
int BPF_PROG(file_open_fentry, struct file *file)
{
	if (asked_for() && !opened_below(file))
		decide(file, true, 0, NO_RESULT);
	return 0;
}

/* Opens that succeeded, by the file behind the new descriptor. Those by io_uring are not system calls and are not seen. */
SEC("tp_btf/sys_exit")
int BPF_PROG(file_open_sys_exit, struct pt_regs *regs, long result)
{
	struct task_struct *task;
	struct file *file;
	__u32 flags = 0;

	if (result < 0 || !asked_for())
		return 0;
	task = (struct task_struct *)bpf_get_current_task();
	if (!opens_file(regs, task, &flags))
		return 0;
	file = file_of(task, result);
	/* another thread closed it already */
	if (file)
		decide(file, false, flags & CREATION_FLAGS, result);
	return 0;
}
