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
#define IA32_MMAP 90
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

struct mapping {
	__u64 length;
	__u64 protection;
	__u64 flags;
	__u64 fd;
	__u64 offset;
};

static __always_inline bool read_mapping(struct pt_regs *regs, struct mapping *map)
{
	__u32 old[6];

	if (syscall_is(regs, NO_SYSCALL, IA32_MMAP)) {
		/* a 32-bit program's first mmap has one argument: where the others are */
		if (bpf_probe_read_user(old, sizeof(old), (void *)syscall_arg(regs, 0)))
			return false;
		map->length = old[1];
		map->protection = old[2];
		map->flags = old[3];
		map->fd = old[4];
		map->offset = old[5];
		return true;
	}
	if (!syscall_is(regs, __NR_mmap, IA32_MMAP2))
		return false;
	map->length = syscall_arg(regs, 1);
	map->protection = syscall_arg(regs, 2);
	map->flags = syscall_arg(regs, 3);
	map->fd = syscall_arg(regs, 4);
	map->offset = syscall_arg(regs, 5);
	if (syscall_is_compat())
		map->offset <<= MMAP2_SHIFT;
	return true;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(file_mmap_sys_exit, struct pt_regs *regs, long result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	bool failed = result < 0 && result >= -MOST_ERRNO;
	struct file_mmap_record *record;
	struct path_slot *slot;
	struct mapping map = {};
	__u64 file = 0;
	__u32 verdict;

	if (!read_mapping(regs, &map) || !(map.protection & PROT_EXEC) ||
	    !match_asked(HOOK_FILE_MMAP))
		return 0;
	if (!(map.flags & MAP_ANONYMOUS)) {
		file = (__u64)file_of(task, map.fd);
		if (!file)
			return 0;
	}
	verdict = match_mmap(file, map.protection, file_mmap_want);
	record = act_record(&verdict, RECORD_FILE_MMAP);
	slot = path_slot_at(ACT_SLOT(verdict));
	if (record && slot) {
		if (file)
			record->file = slot->file;
		else
			__builtin_memset(&record->file, 0, sizeof(record->file));
		record->address = failed ? 0 : result;
		record->length = map.length;
		record->offset = map.offset;
		record->protection = map.protection & PROT_BITS;
		record->flags = map.flags;
	}
	act_end(verdict, RECORD_FILE_MMAP, sizeof(*record), failed ? result : 0);
	return 0;
}
#endif
