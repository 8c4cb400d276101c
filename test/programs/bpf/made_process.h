/* SPDX-License-Identifier: GPL-2.0 */
/* Records of processes that never were, as the agent's own programs write them: each returns false where the ring is full. */
#pragma once

#include "process.h"

#define BINARY "/usr/bin/python3.11"
#define CWD "/home/somebody"
#define ARGUMENTS "python3\0-c\0print('hello all!')"

struct exec_with_tails {
	struct process_exec_record record;
	char binary[sizeof(BINARY) - 1];
	char cwd[sizeof(CWD) - 1];
	char arguments[sizeof(ARGUMENTS)];
};

/* Room for a record that is all zero behind its header. */
static __always_inline void *made_reserve(__u16 kind, const __u32 size)
{
	char *record = record_reserve(kind, size);

	if (record)
		__builtin_memset(record + sizeof(struct record_header), 0,
				 size - sizeof(struct record_header));
	return record;
}

static __always_inline bool make_fork(const struct process_key *key,
				      const struct process_key *parent)
{
	struct process_clone_record *fork = made_reserve(RECORD_PROCESS_CLONE, sizeof(*fork));

	if (!fork)
		return false;
	fork->key = *key;
	fork->parent = *parent;
	fork->source = *parent;
	record_submit(fork);
	return true;
}

/* `binary` is as long as BINARY. */
static __always_inline bool make_exec(const struct process_key *key,
				      const struct process_key *parent, const char *binary)
{
	struct exec_with_tails *exec = made_reserve(RECORD_PROCESS_EXEC, sizeof(*exec));

	if (!exec)
		return false;
	exec->record.image.key = *key;
	exec->record.image.parent = *parent;
	exec->record.image.binary_len = sizeof(exec->binary);
	exec->record.image.cwd_len = sizeof(exec->cwd);
	exec->record.image.arguments_len = sizeof(exec->arguments);
	__builtin_memcpy(exec->binary, binary, sizeof(exec->binary));
	__builtin_memcpy(exec->cwd, CWD, sizeof(exec->cwd));
	__builtin_memcpy(exec->arguments, ARGUMENTS, sizeof(exec->arguments));
	record_submit(exec);
	return true;
}

static __always_inline bool make_exit(const struct process_key *key)
{
	struct process_exit_record *exit = made_reserve(RECORD_PROCESS_EXIT, sizeof(*exit));

	if (!exit)
		return false;
	exit->key = *key;
	record_submit(exit);
	return true;
}
