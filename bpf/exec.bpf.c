// SPDX-License-Identifier: GPL-2.0
/*
 * Decides about an exec before it happens: the caller gets EPERM and goes on as what it was. The kernel asks once for each
 * file on the way to the image that will run. What begins with "#!" is not that image yet: its interpreter is, for which the
 * kernel asks next, and which is what every other rung and every event call the process's binary.
 */
#define MATCH_OWN_OPERANDS 0
#include "looks.h"
#include "match.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

static __always_inline bool is_script(struct linux_binprm *bprm)
{
	return bprm->buf[0] == '#' && bprm->buf[1] == '!';
}

static __always_inline long deny_or_allow(struct linux_binprm *bprm)
{
	struct path_slot *slot;
	__u32 number, verdict, properties = 0;
	long result = 0;

	if (!match_asked(HOOK_PROCESS_EXEC) || is_script(bprm))
		return 0;
	number = look_at_file(number_of(bprm->file), 0);
	slot = path_slot_at(number);
	if (slot)
		properties = file_properties(slot->file.mode, slot->file.marks & FILE_ANONYMOUS,
					     slot->file.marks & FILE_UPPER);
	/* number 0 would ask about the image that runs now */
	verdict =
		match_exec_verdict(number ? number : NO_PATH_SLOT, properties, MATCH_WANT_ENFORCE) &
		0xff;
	path_slot_release(number);
	if (verdict == MATCH_KILL)
		match_signal(MATCH_SIGKILL);
	if (verdict == MATCH_SIGNAL)
		match_signal(MATCH_SIGTERM);
	if (verdict == MATCH_DENY || verdict == MATCH_KILL) {
		result = -EPERM;
		barrier_var(result);
	}
	return result;
}

SEC("lsm/bprm_check_security")
int BPF_PROG(exec_lsm, struct linux_binprm *bprm)
{
	return deny_or_allow(bprm);
}

/* Where the LSM of eBPF is compiled in but not switched on. */
SEC("fmod_ret/security_bprm_check")
int BPF_PROG(exec_fmod_ret, struct linux_binprm *bprm, int earlier)
{
	return deny_or_allow(bprm);
}
