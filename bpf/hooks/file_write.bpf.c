// SPDX-License-Identifier: GPL-2.0
/*
 * Regular files written to. LSM decides, the end of the system call tells. What a process writes to one file goes into one
 * event a second: the first is told at once, those after it with the next that is told. Writes through memory that maps the
 * file are not seen.
 */
#include "hook.h"

struct file_write_record {
	struct act act DOC("act");
	struct file_identity file DOC("the file");
	__u64 written DOC("bytes that were written by all of them");
	char path[0] LEN("act.path_len") FMT("path") DOC("its path");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 5
#include "hook_run.h"
#include "file_calls.h"

char LICENSE[] SEC("license") = "GPL";

#define MAY_WRITE 2

#define IA32_WRITE 4
#define IA32_WRITEV 146
#define IA32_PWRITE64 181
#define IA32_SENDFILE 187
#define IA32_SENDFILE64 239
#define IA32_SPLICE 313
#define IA32_PWRITEV 334
#define IA32_COPY_FILE_RANGE 377
#define IA32_PWRITEV2 379

/* As file_mmap_want. */
const volatile __u32 file_write_want = 0;
/* Writes of one process to one file within this time are one event. */
const volatile __u64 file_write_window_ns = 1000000000ULL;

struct write_key {
	__u64 start;
	__u64 inode;
	__u32 tgid;
	__u32 device;
};

struct written {
	__u64 told; /* boottime ns */
	__u64 bytes; /* since then */
	__u32 count;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct write_key);
	__type(value, struct written);
} file_writes SEC(".maps");

__noinline __u32 match_write(__u64 file, __u32 want)
{
	struct match_event event = {.hook = HOOK_FILE_WRITE, .want = want};
	struct path_slot *slot;

	if (!match_begin(&event))
		return event.verdict;
	event.path_slot = look_at_file(file, 0);
	match_own_text(&event, MATCH_OWN(0));
	slot = path_slot_at(event.path_slot);
	if (slot) {
		match_own_number(&event, MATCH_OWN(3), slot->file.inode);
		match_own_number(&event, MATCH_OWN(4),
				 slot->file.device_major << 20 | slot->file.device_minor);
	} else {
		event.unknown |= event.header->active & (BIT(MATCH_OWN(3)) | BIT(MATCH_OWN(4)));
	}
	return act_verdict(&event, match_end(&event));
}

static __always_inline bool is_regular(__u64 file)
{
	return (BPF_CORE_READ((struct file *)file, f_inode, i_mode) & S_IFMT) == S_IFREG;
}

HOOK_TRIPLE(file_write, file_permission, security_file_permission, struct file *file, int mask)
{
	__u64 address;

	if (!(mask & MAY_WRITE) || !match_asked(HOOK_FILE_WRITE))
		return MATCH_PASS;
	address = number_of(file);
	if (!is_regular(address))
		return MATCH_PASS;
	return act_end(match_write(address, MATCH_WANT_ENFORCE), RECORD_FILE_WRITE,
		       sizeof(struct file_write_record), ACT_WAITS);
}

/* Whether this one is told; then the record in the slot gets what was written since the last that was, itself included. */
__noinline __u32 take_writes(__u32 number, __u64 bytes)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct path_slot *slot = path_slot_at(number);
	struct written *known, fresh = {};
	struct file_write_record *record;
	struct write_key key = {};
	__u64 now = bpf_ktime_get_boot_ns();

	if (!slot)
		return false;
	record = (struct file_write_record *)slot->act.record;
	record->written = bytes;
	key.start = process_start(task);
	key.inode = slot->file.inode;
	key.tgid = bpf_get_current_pid_tgid() >> 32;
	key.device = slot->file.device_major << 20 | slot->file.device_minor;
	known = bpf_map_lookup_elem(&file_writes, &key);
	if (!known) {
		fresh.told = now;
		bpf_map_update_elem(&file_writes, &key, &fresh, BPF_ANY);
		return true;
	}
	if (now - known->told < file_write_window_ns) {
		__sync_fetch_and_add(&known->bytes, bytes);
		__sync_fetch_and_add(&known->count, 1);
		return false;
	}
	record->written += known->bytes;
	record->act.count += known->count;
	known->told = now;
	known->bytes = 0;
	known->count = 0;
	return true;
}

/* The descriptor that a system call writes to; -1: it writes to none. */
static __noinline __s32 written_to(struct pt_regs *regs)
{
	if (syscall_is(regs, __NR_write, IA32_WRITE) ||
	    syscall_is(regs, __NR_pwrite64, IA32_PWRITE64) ||
	    syscall_is(regs, __NR_writev, IA32_WRITEV) ||
	    syscall_is(regs, __NR_pwritev, IA32_PWRITEV) ||
	    syscall_is(regs, __NR_pwritev2, IA32_PWRITEV2) ||
	    syscall_is(regs, __NR_sendfile, IA32_SENDFILE) ||
	    syscall_is(regs, NO_SYSCALL, IA32_SENDFILE64))
		return syscall_arg(regs, 0);
	if (syscall_is(regs, __NR_splice, IA32_SPLICE) ||
	    syscall_is(regs, __NR_copy_file_range, IA32_COPY_FILE_RANGE))
		return syscall_arg(regs, 2);
	return -1;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_write_sys_exit, struct pt_regs *regs, long result)
{
	struct file_write_record *record;
	struct path_slot *slot;
	__u32 verdict;
	__s32 fd;
	__u64 file;

	if (!result || !act_counts(result))
		return 0;
	fd = written_to(regs);
	if (fd < 0 || !match_asked(HOOK_FILE_WRITE))
		return 0;
	file = file_at(fd);
	if (!file || !is_regular(file))
		return 0;
	verdict = match_write(file, file_write_want);
	record = act_record(&verdict, RECORD_FILE_WRITE);
	slot = path_slot_at(ACT_SLOT(verdict));
	if (record && slot) {
		record->file = slot->file;
		if (!take_writes(ACT_SLOT(verdict), result > 0 ? result : 0))
			verdict &= ~MATCH_POSTS;
	}
	act_end(verdict, RECORD_FILE_WRITE, sizeof(*record), result < 0 ? result : 0);
	return 0;
}
#endif
