// SPDX-License-Identifier: GPL-2.0
/* Memory made executable (mprotect). LSM decides, the end of the system call tells. */
#include "hook.h"

struct memory_protect_record {
	struct act act DOC("act");
	struct file_identity file DOC("the file that is mapped there; all zero where it is none");
	__u64 address DOC("where the memory begins");
	__u64 length DOC("bytes");
	__u32 protection DOC("PROT_READ 1, PROT_WRITE 2, PROT_EXEC 4");
	__u32 of DOC("1: a file is mapped there, 0: none is, 2: not known");
	char path[0] LEN("act.path_len") FMT("path") DOC("the file's path");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 5
#include "memory.h"

char LICENSE[] SEC("license") = "GPL";

#define IA32_MPROTECT 125
#define IA32_PKEY_MPROTECT 380

/* As file_mmap_want. */
const volatile __u32 memory_protect_want = 0;

__noinline __u32 match_protect(__u64 file, __u32 of, __u32 protection, __u32 want)
{
	struct match_event event = {.hook = HOOK_MEMORY_PROTECT, .want = want};

	if (!match_begin(&event))
		return event.verdict;
	match_own_memory(&event, file, of, protection);
	return act_verdict(&event, match_end(&event));
}

HOOK_TRIPLE(memory_protect, file_mprotect, security_file_mprotect, struct vm_area_struct *memory,
	    unsigned long protection)
{
	__u64 file;

	if (!(protection & PROT_EXEC) || !match_asked(HOOK_MEMORY_PROTECT))
		return MATCH_PASS;
	file = (__u64)BPF_CORE_READ(memory, vm_file);
	return act_end(match_protect(file, file ? MEMORY_FILE : MEMORY_ANONYMOUS, protection,
				     MATCH_WANT_ENFORCE),
		       RECORD_MEMORY_PROTECT, sizeof(struct memory_protect_record), ACT_WAITS);
}

static __always_inline bool protects(struct pt_regs *regs)
{
	if (!syscall_is(regs, __NR_mprotect, IA32_MPROTECT) &&
	    !syscall_is(regs, __NR_pkey_mprotect, IA32_PKEY_MPROTECT))
		return false;
	return syscall_arg(regs, 2) & PROT_EXEC && match_asked(HOOK_MEMORY_PROTECT);
}

/* In place of a file. */
#define NO_FILE 0
#define FILE_UNKNOWN 1

static __always_inline __u32 kind_of(__u64 file)
{
	return file > FILE_UNKNOWN ? MEMORY_FILE
	       : file == NO_FILE   ? MEMORY_ANONYMOUS
				   : MEMORY_UNKNOWN;
}

static __always_inline void tell(struct pt_regs *regs, __u64 file, long result)
{
	__u32 verdict = match_protect(file, kind_of(file), syscall_arg(regs, 2) & PROT_BITS,
				      memory_protect_want);
	struct memory_protect_record *record = act_record(&verdict, RECORD_MEMORY_PROTECT);
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (record && slot) {
		if (file > FILE_UNKNOWN)
			record->file = slot->file;
		else
			__builtin_memset(&record->file, 0, sizeof(record->file));
		record->address = syscall_arg(regs, 0);
		record->length = syscall_arg(regs, 1);
		record->protection = syscall_arg(regs, 2) & PROT_BITS;
		record->of = kind_of(file);
	}
	act_end(verdict, RECORD_MEMORY_PROTECT, sizeof(*record), result);
}

static long look_at_memory(struct task_struct *task, struct vm_area_struct *memory, __u64 *file)
{
	*file = (__u64)BPF_CORE_READ(memory, vm_file);
	return 0;
}

/* The file that is mapped at an address; NO_FILE, FILE_UNKNOWN. */
__noinline __u64 file_mapped_at(__u64 address)
{
	__u64 file = FILE_UNKNOWN;

	bpf_find_vma(bpf_get_current_task_btf(), address, look_at_memory, &file, 0);
	return file;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(memory_protect_sys_exit, struct pt_regs *regs, long result)
{
	if (protects(regs))
		tell(regs, file_mapped_at(syscall_arg(regs, 0)), result);
	return 0;
}

/* Before 5.17 nobody finds memory by its address. */
SEC("tp_btf/sys_exit")
int BPF_PROG(memory_protect_sys_exit_blind, struct pt_regs *regs, long result)
{
	if (protects(regs))
		tell(regs, FILE_UNKNOWN, result);
	return 0;
}
#endif
