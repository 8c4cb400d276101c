// SPDX-License-Identifier: GPL-2.0
/* Processes that handle page faults themselves, by which exploits hold the kernel in the middle of a copy: userfaultfd(2). */
#include "hook.h"

struct userfaultfd_record {
	struct act act DOC("act");
	__u32 flags DOC("flags as the call was given them, of linux/userfaultfd.h and fcntl.h");
	__u32 reserved PAD;
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 1
#include "call.h"

char LICENSE[] SEC("license") = "GPL";

#define OPERAND_USERFAULTFD_FLAGS MATCH_OWN(0)

__noinline __u32 match_userfaultfd(__u32 flags, __u32 want)
{
	struct match_event event = {.hook = HOOK_USERFAULTFD, .want = want};

	if (!match_begin(&event))
		return event.verdict;
	match_own_mask(&event, OPERAND_USERFAULTFD_FLAGS, flags);
	return act_verdict(&event, match_end(&event));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(userfaultfd_sys_exit, struct pt_regs *regs, long result)
{
	struct userfaultfd_record *record;
	__u32 verdict, flags;

	if (!syscall_is(regs, __NR_userfaultfd, IA32_userfaultfd) || !match_asked(HOOK_USERFAULTFD))
		return 0;
	flags = syscall_arg(regs, 0);
	verdict = match_userfaultfd(flags, call_want);
	record = act_record(&verdict, RECORD_USERFAULTFD);
	if (record) {
		record->flags = flags;
		record->reserved = 0;
	}
	act_end(verdict, RECORD_USERFAULTFD, sizeof(*record), result);
	return 0;
}

/* Since 5.12 (d0d89d1e5448): files without a name of their own are asked about when they are made. */
HOOK_DECIDES(userfaultfd, inode_init_security_anon, security_inode_init_security_anon,
	     struct inode *inode)
{
	struct pt_regs *regs;

	if (!match_asked(HOOK_USERFAULTFD))
		return MATCH_PASS;
	regs = call_registers();
	if (!syscall_is(regs, __NR_userfaultfd, IA32_userfaultfd))
		return MATCH_PASS;
	return match_userfaultfd(syscall_arg(regs, 0), MATCH_WANT_ENFORCE);
}
#endif
