// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that take hold of others: ptrace(2), and what reads and writes their memory or takes their descriptors. Told at
 * the end of the system call; LSM decides where one process asks for power over another.
 */
#include "hook.h"

/* What is no request of ptrace(2): the system call itself. Requests are below 0x10000. */
enum ptrace_other {
	PTRACE_OTHER_PROCESS_VM_READV = 0x10001,
	PTRACE_OTHER_PROCESS_VM_WRITEV = 0x10002,
	PTRACE_OTHER_PIDFD_GETFD = 0x10003,
	PTRACE_OTHER_ACCESS =
		0x10004, /* another way: /proc/PID/mem, for one. Decided on, never told */
};

struct ptrace_record {
	struct act act DOC("act");
	struct process_key target DOC("the other process: the traced one; of PTRACE_TRACEME the "
				      "parent, which then traces. All zero when it was not found");
	__u64 address DOC("address in the traced process; 0 where the request has none");
	__u8 data[8] DOC("the request's data, how many bytes are read or written, or the "
			 "descriptor that is taken");
	__u32 request DOC("PTRACE_* as in linux/ptrace.h, or enum ptrace_other");
	__u32 target_pid DOC("the other process as the call names it: in the caller's pid "
			     "namespace; a pidfd at pidfd_getfd");
};

#ifdef REEVE_LAYOUTS
KEEP(enum ptrace_other, keep_ptrace_other);
#else
#define MATCH_OWN_OPERANDS 2
#include "call.h"
#include "call_target.h"

char LICENSE[] SEC("license") = "GPL";

enum ptrace_operand {
	OPERAND_PTRACE_REQUEST = MATCH_OWN(0),
	OPERAND_PTRACE_TARGET = MATCH_OWN(1),
};

#define PTRACE_TRACEME 0
/* include/linux/ptrace.h: what an access that is more than a look asks for. */
#define PTRACE_MODE_ATTACH 2
/* The current system call is none of those that are told. */
#define NO_REQUEST 0xffffffff

struct vector {
	__u64 base;
	__u64 length;
};

static __always_inline __u32 request_of(struct pt_regs *regs)
{
	if (syscall_is(regs, __NR_ptrace, IA32_ptrace))
		return syscall_arg(regs, 0);
	if (syscall_is(regs, __NR_process_vm_readv, IA32_process_vm_readv))
		return PTRACE_OTHER_PROCESS_VM_READV;
	if (syscall_is(regs, __NR_process_vm_writev, IA32_process_vm_writev))
		return PTRACE_OTHER_PROCESS_VM_WRITEV;
	if (syscall_is(regs, __NR_pidfd_getfd, IA32_pidfd_getfd))
		return PTRACE_OTHER_PIDFD_GETFD;
	return NO_REQUEST;
}

/* The other task's address, 0 where it is not found. */
static __always_inline __u64 target_of(__u32 request, __u64 first, __u64 second)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file *file;

	if (request == PTRACE_TRACEME)
		return (__u64)BPF_CORE_READ(task, real_parent);
	if (request != PTRACE_OTHER_PIDFD_GETFD)
		return task_of_pid(request < PTRACE_OTHER_PROCESS_VM_READV ? second : first);
	file = file_of(task, first);
	return file ? task_of_pidfd(file) : 0;
}

/* `target` is the other task's address. */
__noinline __u32 match_ptrace(__u32 request, __u64 target, __u32 want)
{
	struct match_event event = {.hook = HOOK_PTRACE, .want = want};
	struct task_struct *task = (struct task_struct *)target;

	if (!match_begin(&event))
		return event.verdict;
	match_own_number(&event, OPERAND_PTRACE_REQUEST, request);
	match_own_number(&event, OPERAND_PTRACE_TARGET, task ? BPF_CORE_READ(task, tgid) : 0);
	return act_verdict(&event, match_end(&event));
}

static __always_inline void fill(struct ptrace_record *record, struct pt_regs *regs, __u32 request,
				 struct task_struct *target)
{
	struct vector remote = {};
	__u64 data = syscall_arg(regs, 3);

	record->request = request;
	record->address = syscall_arg(regs, 2);
	read_key(&record->target, target);
	if (request < PTRACE_OTHER_PROCESS_VM_READV) {
		record->target_pid = request == PTRACE_TRACEME ? 0 : syscall_arg(regs, 1);
	} else {
		record->target_pid = syscall_arg(regs, 0);
		if (request == PTRACE_OTHER_PIDFD_GETFD) {
			remote.length = syscall_arg(regs, 1);
		} else if (!syscall_is_compat()) {
			/* the caller's memory: the first piece of what was read or written */
			bpf_probe_read_user(&remote, sizeof(remote), (void *)data);
		}
		record->address = remote.base;
		data = remote.length;
	}
	__builtin_memcpy(record->data, &data, sizeof(data));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(ptrace_sys_exit, struct pt_regs *regs, long result)
{
	__u32 request = request_of(regs), verdict;
	struct ptrace_record *record;
	__u64 target;

	if (request == NO_REQUEST || !match_asked(HOOK_PTRACE))
		return 0;
	target = target_of(request, syscall_arg(regs, 0), syscall_arg(regs, 1));
	verdict = match_ptrace(request, target, call_want);
	record = act_record(&verdict, RECORD_PTRACE);
	if (record)
		fill(record, regs, request, (struct task_struct *)target);
	act_end(verdict, RECORD_PTRACE, sizeof(*record), result);
	return 0;
}

HOOK_DECIDES(ptrace_access, ptrace_access_check, security_ptrace_access_check,
	     struct task_struct *child, unsigned int mode)
{
	__u32 request;

	if (!match_asked(HOOK_PTRACE))
		return MATCH_PASS;
	request = request_of(call_registers());
	if (request == NO_REQUEST)
		request = PTRACE_OTHER_ACCESS;
	/* a look at /proc is no hold */
	if (request == PTRACE_OTHER_ACCESS && !(mode & PTRACE_MODE_ATTACH))
		return MATCH_PASS;
	return match_ptrace(request, number_of(child), MATCH_WANT_ENFORCE);
}

HOOK_DECIDES(ptrace_traceme, ptrace_traceme, security_ptrace_traceme, struct task_struct *parent)
{
	if (!match_asked(HOOK_PTRACE))
		return MATCH_PASS;
	return match_ptrace(PTRACE_TRACEME, number_of(parent), MATCH_WANT_ENFORCE);
}
#endif
