/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that is to be executed: what file_mmap and memory_protect have in common. */
#pragma once

#include "file_calls.h"
#include "hook_run.h"

#define PROT_EXEC 4
/* What mmap and mprotect may ask for: read, write, execute. */
#define PROT_BITS 7
#define MAP_ANONYMOUS 0x20

/* Operands: the file's path is the first three. */
#define OPERAND_PROTECTION MATCH_OWN(3)
#define OPERAND_ANONYMOUS MATCH_OWN(4)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct file *vm_file;
};

/* While exec maps the new image, which is told by process_exec. */
struct task_struct___exec {
	unsigned int in_execve : 1;
};

#pragma clang attribute pop

static __always_inline bool maps_new_image(void)
{
	struct task_struct___exec *task = (void *)bpf_get_current_task();

	return bpf_core_field_exists(task->in_execve) &&
	       BPF_CORE_READ_BITFIELD_PROBED(task, in_execve);
}

enum memory_file {
	MEMORY_ANONYMOUS = 0,
	MEMORY_FILE = 1,
	MEMORY_UNKNOWN = 2, /* whether there is a file is not known */
};

/* There is no file, and so no path: no value of the tables is its. */
static __always_inline void match_own_no_text(struct match_event *event, const __u32 operand)
{
#pragma unroll
	for (int k = 0; k < 3; k++)
		if (event->header->active & BIT(operand + k))
			event->own[operand + k - MATCH_OWN(0)] = event->header->none[operand + k];
}

/* What selectors ask of memory, beside its process. */
static __always_inline void match_own_memory(struct match_event *event, __u64 file, __u32 of,
					     __u32 protection)
{
	match_own_mask(event, OPERAND_PROTECTION, protection & PROT_BITS);
	if (of == MEMORY_FILE)
		event->path_slot = look_at_file(file, 0);
	if (of != MEMORY_ANONYMOUS)
		match_own_text(event, MATCH_OWN(0));
	else
		match_own_no_text(event, MATCH_OWN(0));
	if (of == MEMORY_UNKNOWN)
		event->unknown |= event->header->active & BIT(OPERAND_ANONYMOUS);
	else
		match_own_number(event, OPERAND_ANONYMOUS, of == MEMORY_ANONYMOUS);
}
