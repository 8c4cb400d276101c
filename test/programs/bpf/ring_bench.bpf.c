// SPDX-License-Identifier: GPL-2.0
/* Fills the ring with records of the agent's own kinds: one exec, one fork and one exit for each turn. */
#include "process.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 target_tgid = 0;
const volatile __u64 getppid_number = 0;

#define TURNS 32
#define BINARY "/usr/bin/python3.11"
#define CWD "/home/somebody"
#define ARGUMENTS "python3\0-c\0print('hello all!')"

struct exec_with_tails {
	struct process_exec_record record;
	char binary[sizeof(BINARY) - 1];
	char cwd[sizeof(CWD) - 1];
	char arguments[sizeof(ARGUMENTS)];
};

static __always_inline void key(struct process_key *to, __u32 tgid)
{
	to->start = bpf_ktime_get_boot_ns();
	to->self_exec_id = 3;
	to->tgid = tgid;
	to->reserved = 0;
}

static __always_inline int turn(__u32 tgid)
{
	struct exec_with_tails *exec;
	struct process_clone_record *fork;
	struct process_exit_record *exit;

	fork = record_reserve(RECORD_PROCESS_CLONE, sizeof(*fork));
	if (!fork)
		return 1;
	__builtin_memset((char *)fork + sizeof(fork->header), 0,
			 sizeof(*fork) - sizeof(fork->header));
	key(&fork->key, tgid);
	key(&fork->parent, 1);
	key(&fork->source, 1);
	record_submit(fork);

	exec = record_reserve(RECORD_PROCESS_EXEC, sizeof(*exec));
	if (!exec)
		return 1;
	__builtin_memset((char *)exec + sizeof(exec->record.header), 0,
			 sizeof(*exec) - sizeof(exec->record.header));
	key(&exec->record.image.key, tgid);
	key(&exec->record.image.parent, 1);
	exec->record.image.binary_len = sizeof(exec->binary);
	exec->record.image.cwd_len = sizeof(exec->cwd);
	exec->record.image.arguments_len = sizeof(exec->arguments);
	__builtin_memcpy(exec->binary, BINARY, sizeof(exec->binary));
	__builtin_memcpy(exec->cwd, CWD, sizeof(exec->cwd));
	__builtin_memcpy(exec->arguments, ARGUMENTS, sizeof(exec->arguments));
	record_submit(exec);

	exit = record_reserve(RECORD_PROCESS_EXIT, sizeof(*exit));
	if (!exit)
		return 1;
	__builtin_memset((char *)exit + sizeof(exit->header), 0,
			 sizeof(*exit) - sizeof(exit->header));
	key(&exit->key, tgid);
	record_submit(exit);
	return 0;
}

SEC("raw_tp/sys_enter")
int fill(struct bpf_raw_tracepoint_args *ctx)
{
	if (ctx->args[1] != getppid_number || bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return 0;
	for (__u32 i = 0; i < TURNS; i++)
		if (turn(1000 + i))
			break;
	return 0;
}
