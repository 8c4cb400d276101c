// SPDX-License-Identifier: GPL-2.0
/*
 * Signals that one process sends to another or itself: kill and its kin, each target told where the kernel hands the signal
 * over; what is refused is told at the call's end. What the kernel sends by itself is not told. LSM decides.
 */
#include "hook.h"

enum signal_outcome {
	SIGNAL_DELIVERED = 0,
	SIGNAL_IGNORED = 1,
	SIGNAL_ALREADY_PENDING = 2,
	SIGNAL_OVERFLOW_FAIL = 3, /* a queued one for which there was no memory */
	SIGNAL_LOSE_INFO = 4, /* delivered, but nobody will know from whom */
	SIGNAL_REFUSED = 5, /* no such process, or not allowed */
};

struct process_signal_record {
	struct act act DOC("act");
	struct process_key target DOC("who gets the signal; all zero when it was not found");
	__u32 signal DOC("number of the signal");
	__u32 target_tid DOC("the thread that it is for, when it is for one; else 0");
	__u32 outcome FMT("enum:signal_outcome") DOC("what became of it");
	__s32 target_pid DOC(
		"whom the call names, in the caller's pid namespace; below 0 a process "
		"group or all; a pidfd at pidfd_send_signal");
};

#ifdef REEVE_LAYOUTS
KEEP(enum signal_outcome, keep_signal_outcome);
#else
#define MATCH_OWN_OPERANDS 2
#include "call.h"
#include "call_target.h"

char LICENSE[] SEC("license") = "GPL";

enum signal_operand {
	OPERAND_SIGNAL = MATCH_OWN(0),
	OPERAND_SIGNAL_TARGET = MATCH_OWN(1),
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct kernel_siginfo {
	int si_code;
};
#pragma clang attribute pop

#define EBADF 9
#define EINVAL 22

/* include/uapi/asm-generic/siginfo.h: signals by kill, sigqueue and tkill. */
#define SI_USER 0
#define SI_QUEUE (-1)
#define SI_TKILL (-6)
/* In place of a siginfo: the kernel itself. */
#define SEND_SIG_NOINFO 0
#define SEND_SIG_PRIV 1

/*
 * Where the kernel's hand-over cannot be told apart from an interrupt's (before 5.15) calls that succeeded are told at their
 * end too: one event a call, and that it was delivered is a guess.
 */
const volatile __u8 signal_at_end = 0;

/* What a call that sends signals was given. */
struct sent {
	__s32 target;
	__u32 signal;
	bool thread; /* names one */
	bool pidfd;
};

static __always_inline bool sends(struct pt_regs *regs, struct sent *sent)
{
	sent->thread = sent->pidfd = false;
	sent->target = syscall_arg(regs, 0);
	sent->signal = syscall_arg(regs, 1);
	if (syscall_is(regs, __NR_kill, IA32_kill) ||
	    syscall_is(regs, __NR_rt_sigqueueinfo, IA32_rt_sigqueueinfo))
		return true;
	sent->pidfd = syscall_is(regs, __NR_pidfd_send_signal, IA32_pidfd_send_signal);
	if (sent->pidfd)
		return true;
	sent->thread = true;
	if (syscall_is(regs, __NR_tkill, IA32_tkill))
		return true;
	if (!syscall_is(regs, __NR_tgkill, IA32_tgkill) &&
	    !syscall_is(regs, __NR_rt_tgsigqueueinfo, IA32_rt_tgsigqueueinfo))
		return false;
	sent->target = syscall_arg(regs, 1);
	sent->signal = syscall_arg(regs, 2);
	return true;
}

/* `target` is the other task's address. */
__noinline __u32 match_process_signal(__u32 signal, __u64 target, __u32 want)
{
	struct match_event event = {.hook = HOOK_PROCESS_SIGNAL, .want = want};
	struct task_struct *task = (struct task_struct *)target;

	if (!match_begin(&event))
		return event.verdict;
	match_own_number(&event, OPERAND_SIGNAL, signal);
	match_own_number(&event, OPERAND_SIGNAL_TARGET, task ? BPF_CORE_READ(task, tgid) : 0);
	return act_verdict(&event, match_end(&event));
}

static __always_inline void tell(__u64 target, const struct sent *sent, __u32 outcome, __s32 result)
{
	__u32 verdict = match_process_signal(sent->signal, target, call_want);
	struct process_signal_record *record = act_record(&verdict, RECORD_PROCESS_SIGNAL);
	struct task_struct *task = (struct task_struct *)target;

	if (record) {
		read_key(&record->target, task);
		record->signal = sent->signal;
		record->target_tid = sent->thread && task ? BPF_CORE_READ(task, pid) : 0;
		record->outcome = outcome;
		record->target_pid = sent->target;
	}
	act_end(verdict, RECORD_PROCESS_SIGNAL, sizeof(*record), result);
}

/* Whether a process sends it, and not the kernel. */
static __always_inline bool is_sent(__u64 info)
{
	__s32 code;

	if (info == SEND_SIG_NOINFO || info == SEND_SIG_PRIV)
		return false;
	code = BPF_CORE_READ((struct kernel_siginfo *)info, si_code);
	return code == SI_USER || code == SI_QUEUE || code == SI_TKILL;
}

/* Comes for each target, also of a signal that the target ignores. */
SEC("tp_btf/signal_generate")
int BPF_PROG(signal_generate, int signal, struct kernel_siginfo *info, struct task_struct *target,
	     int group, int outcome)
{
	struct sent sent;

	if (!is_sent(number_of(info)) || !match_asked(HOOK_PROCESS_SIGNAL))
		return 0;
	/* or an interrupt's */
	if (!sends(call_registers(), &sent))
		return 0;
	sent.signal = signal;
	tell(number_of(target), &sent, outcome, 0);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(signal_sys_exit, struct pt_regs *regs, long result)
{
	struct file *file;
	struct sent sent;
	__u64 target = 0;

	if (!sends(regs, &sent) || !match_asked(HOOK_PROCESS_SIGNAL))
		return 0;
	/* signal 0 only asks whether there is such a process; what was sent was told */
	if (!sent.signal || (result >= 0 && !signal_at_end))
		return 0;
	if (sent.pidfd) {
		file = file_of((struct task_struct *)bpf_get_current_task(), sent.target);
		/* any other file is an argument that is refused */
		if (file && result != -EINVAL && result != -EBADF)
			target = task_of_pidfd(file);
	} else if (sent.target > 0) {
		target = task_of_pid(sent.target);
	}
	tell(target, &sent, result < 0 ? SIGNAL_REFUSED : SIGNAL_DELIVERED, result);
	return 0;
}

HOOK_DECIDES(signal, task_kill, security_task_kill, struct task_struct *target,
	     struct kernel_siginfo *info, int signal)
{
	struct sent sent;

	if (!signal || !match_asked(HOOK_PROCESS_SIGNAL) || !sends(call_registers(), &sent))
		return MATCH_PASS;
	return match_process_signal(signal, number_of(target), MATCH_WANT_ENFORCE);
}
#endif
