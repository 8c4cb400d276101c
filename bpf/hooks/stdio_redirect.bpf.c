// SPDX-License-Identifier: GPL-2.0
/*
 * Standard input, output or error that is made a socket: dup2, dup3, and dup and fcntl where the number that they take is
 * one of the three. What a reverse shell does before it becomes a shell. Told at the call's end; no LSM hook is asked.
 */
#include "hook.h"

struct stdio_redirect_record {
	struct act act DOC("act");
	struct stdio_file socket DOC("the socket");
	__u32 fd DOC("0, 1 or 2");
	__u32 from DOC("the descriptor that was duplicated");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 5
#include "call.h"
#include "stdio.h"

char LICENSE[] SEC("license") = "GPL";

enum stdio_operand {
	OPERAND_STDIO_FD = MATCH_OWN(0),
	OPERAND_STDIO_DADDR = MATCH_OWN(1),
	OPERAND_STDIO_DPORT = MATCH_OWN(2),
	OPERAND_STDIO_PROTOCOL = MATCH_OWN(3),
	OPERAND_STDIO_FAMILY = MATCH_OWN(4),
};

#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030
#define STDIO_LAST 2

static __always_inline bool duplicates(struct pt_regs *regs)
{
	__u32 command;

	if (syscall_is(regs, __NR_dup, IA32_dup) || syscall_is(regs, __NR_dup2, IA32_dup2) ||
	    syscall_is(regs, __NR_dup3, IA32_dup3))
		return true;
	if (!syscall_is(regs, __NR_fcntl, IA32_fcntl) &&
	    !syscall_is(regs, NO_SYSCALL, IA32_fcntl64))
		return false;
	command = syscall_arg(regs, 1);
	return command == F_DUPFD || command == F_DUPFD_CLOEXEC;
}

/* The peer's address as a denial record has it; `socket` is its port << 16 | family << 8 | protocol. */
__noinline __u32 match_stdio_redirect(__u32 fd, __u64 address0, __u64 address1, __u32 socket)
{
	struct match_event event = {
		.hook = HOOK_STDIO_REDIRECT,
		.address = {address0, address1},
		.dport = socket >> 16,
		.family = socket >> 8,
		.protocol = socket,
	};

	if (!match_begin(&event))
		return event.verdict;
	match_own_number(&event, OPERAND_STDIO_FD, fd);
	/* a socket without address: none that a selector names, of no family */
	if (event.family == AF_INET || event.family == AF_INET6)
		match_own_address(&event, OPERAND_STDIO_DADDR);
	else
		match_own_number(&event, OPERAND_STDIO_DADDR, 0);
	match_own_number(&event, OPERAND_STDIO_DPORT, event.dport);
	match_own_number(&event, OPERAND_STDIO_PROTOCOL, event.protocol);
	match_own_number(&event, OPERAND_STDIO_FAMILY, event.family);
	return act_verdict(&event, match_end(&event));
}

struct peer {
	__u64 address[2];
	__u32 socket; /* as match_stdio_redirect takes it */
	__u32 reserved;
};

/* Not inlined: its stack is not to be below the matcher's. */
static __noinline void read_peer(struct peer *to, struct file *file)
{
	struct stdio_file socket = {};

	read_stdio_file(&socket, file);
	__builtin_memcpy(to->address, socket.daddr, sizeof(to->address));
	to->socket =
		(__u32)socket.dport << 16 | (__u32)socket.family << 8 | (socket.protocol & 0xff);
}

static __noinline void fill(struct stdio_redirect_record *record, struct file *file)
{
	__builtin_memset(&record->socket, 0, sizeof(record->socket));
	read_stdio_file(&record->socket, file);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(stdio_redirect_sys_exit, struct pt_regs *regs, long result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct stdio_redirect_record *record;
	__u32 verdict, from;
	struct file *file;
	struct peer peer;

	if (result < 0 || result > STDIO_LAST || !duplicates(regs) ||
	    !match_asked(HOOK_STDIO_REDIRECT))
		return 0;
	from = syscall_arg(regs, 0);
	file = file_of(task, result);
	/* dup2 to itself changes nothing; another thread may have closed it already */
	if (from == result || !file)
		return 0;
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	read_peer(&peer, file);
	verdict = match_stdio_redirect(result, peer.address[0], peer.address[1], peer.socket);
	record = act_record(&verdict, RECORD_STDIO_REDIRECT);
	if (record) {
		fill(record, file);
		record->fd = result;
		record->from = from;
	}
	act_end(verdict, RECORD_STDIO_REDIRECT, sizeof(*record), result);
	return 0;
}
#endif
