// SPDX-License-Identifier: GPL-2.0
/*
 * Memory mapped to be executed: a library that is loaded, or memory of no file. LSM decides, the end of the system call tells.
 * What exec maps of the new image is told by process_exec.
 */
#include "hook.h"

struct file_mmap_record {
	struct act act DOC("act");
	struct file_identity file DOC("the mapped file; all zero where the memory is of none");
	__u64 address DOC("where it was mapped; 0 where it was refused");
	__u64 length DOC("bytes asked for");
	__u64 offset DOC("where in the file it begins");
	__u32 protection DOC("PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4");
	__u32 flags DOC("flags of mmap (MAP_PRIVATE ...)");
	char path[0] LEN("act.path_len") FMT("path") DOC("the mapped file's path");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 5
#include "memory.h"

char LICENSE[] SEC("license") = "GPL";

#ifndef __NR_mmap
#define __NR_mmap NO_SYSCALL
#endif
#define IA32_MMAP2 192
/* The unit of mmap2's offset, whatever the page size. */
#define MMAP2_SHIFT 12

/* What the end of the system call asks the matcher: enum match_want. Only about posts where LSM has decided. */
const volatile __u32 file_mmap_want = 0;

__noinline __u32 match_mmap(__u64 file, __u32 protection, __u32 want)
{
	struct match_event event = {.hook = HOOK_FILE_MMAP, .want = want};

	if (!match_begin(&event))
		return event.verdict;
	match_own_memory(&event, file, file ? MEMORY_FILE : MEMORY_ANONYMOUS, protection);
	return act_verdict(&event, match_end(&event));
}

/* LSM is given the protection asked for and that which will be, the function that asks it the first only. */
HOOK_TRIPLE(file_mmap, mmap_file, security_mmap_file, struct file *file, unsigned long protection)
{
	if (!(protection & PROT_EXEC) || !match_asked(HOOK_FILE_MMAP) || maps_new_image())
		return MATCH_PASS;
	return act_end(match_mmap(number_of(file), protection, MATCH_WANT_ENFORCE),
		       RECORD_FILE_MMAP, sizeof(struct file_mmap_record), ACT_WAITS);
}

/* The old mmap of 32-bit programs, with its arguments in memory, is not seen. */
static __always_inline bool maps_executable(struct pt_regs *regs)
{
	return syscall_is(regs, __NR_mmap, IA32_MMAP2) && syscall_arg(regs, 2) & PROT_EXEC;
}

static __always_inline bool maps_no_file(struct pt_regs *regs)
{
	return syscall_arg(regs, 3) & MAP_ANONYMOUS;
}

static __always_inline bool is_error(long result)
{
	return result < 0 && result >= -MOST_ERRNO;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_mmap_sys_exit, struct pt_regs *regs, long result)
{
	struct file_mmap_record *record;
	struct path_slot *slot;
	__u64 file = 0;
	__u32 verdict;

	if (!maps_executable(regs) || !match_asked(HOOK_FILE_MMAP))
		return 0;
	if (!maps_no_file(regs)) {
		file = file_at(syscall_arg(regs, 4));
		if (!file)
			return 0;
	}
	verdict = match_mmap(file, PROT_BITS & syscall_arg(regs, 2), file_mmap_want);
	record = act_record(&verdict, RECORD_FILE_MMAP);
	slot = path_slot_at(ACT_SLOT(verdict));
	if (record && slot) {
		if (!maps_no_file(regs))
			record->file = slot->file;
		else
			__builtin_memset(&record->file, 0, sizeof(record->file));
		record->address = is_error(result) ? 0 : result;
		record->length = syscall_arg(regs, 1);
		record->offset = syscall_arg(regs, 5) << (syscall_is_compat() ? MMAP2_SHIFT : 0);
		record->protection = syscall_arg(regs, 2) & PROT_BITS;
		record->flags = syscall_arg(regs, 3);
	}
	act_end(verdict, RECORD_FILE_MMAP, sizeof(*record), is_error(result) ? result : 0);
	return 0;
}
#endif
