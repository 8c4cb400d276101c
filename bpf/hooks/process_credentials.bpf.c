// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that change their users, groups or capabilities: the setuid family, capset, ambient capabilities and secure bits
 * by prctl. Told at the call's end with what was before, which is read at its beginning. LSM decides when the new
 * credentials are made and not yet taken.
 */
#include "hook.h"

enum credentials_call {
	CREDENTIALS_SETUID = 1,
	CREDENTIALS_SETREUID = 2,
	CREDENTIALS_SETRESUID = 3,
	CREDENTIALS_SETFSUID = 4,
	CREDENTIALS_SETGID = 5,
	CREDENTIALS_SETREGID = 6,
	CREDENTIALS_SETRESGID = 7,
	CREDENTIALS_SETFSGID = 8,
	CREDENTIALS_SETGROUPS = 9,
	CREDENTIALS_CAPSET = 10,
	CREDENTIALS_PRCTL = 11,
};

struct process_credentials_record {
	struct act act DOC("act");
	struct credentials before DOC("credentials before the call");
	struct credentials after DOC("credentials after the call");
	__u32 call FMT("enum:credentials_call") DOC("the system call");
	__u32 before_known FMT("bool") DOC("whether the beginning of the call was seen");
	__u32 asked_real DOC("real id that was asked for; 4294967295 for none");
	__u32 asked_effective DOC("effective id that was asked for; 4294967295 for none");
	__u32 asked_saved DOC("saved id that was asked for; 4294967295 for none");
	__u32 asked_fs DOC("id for access to files that was asked for; 4294967295 for none");
};

#ifdef REEVE_LAYOUTS
KEEP(enum credentials_call, keep_credentials_call);
#else
#define MATCH_OWN_OPERANDS 5
#include "call.h"

char LICENSE[] SEC("license") = "GPL";

enum credentials_operand {
	OPERAND_CREDENTIALS_CALL = MATCH_OWN(0),
	OPERAND_NEW_UID = MATCH_OWN(1),
	OPERAND_NEW_EUID = MATCH_OWN(2),
	OPERAND_GAINED = MATCH_OWN(3), /* capabilities 0 to 31 */
	OPERAND_GAINED_HIGH = MATCH_OWN(4), /* and those from 32 on */
};

#define PR_SET_SECUREBITS 28
#define PR_CAP_AMBIENT 47
#define IA32_prctl 172

#define NO_ID 0xffffffff

/* By thread, for as long as its call lasts. One that is lost leaves the event without what was before. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct credentials);
} credentials_before SEC(".maps");

/* 0 for another call. */
static __always_inline __u32 call_of(struct pt_regs *regs)
{
	__u32 option;

#define IS(name, number)                                   \
	if (syscall_is(regs, __NR_##name, IA32_##name) ||  \
	    syscall_is(regs, NO_SYSCALL, IA32_##name##16)) \
		return number;
	IS(setuid, CREDENTIALS_SETUID)
	IS(setreuid, CREDENTIALS_SETREUID)
	IS(setresuid, CREDENTIALS_SETRESUID)
	IS(setfsuid, CREDENTIALS_SETFSUID)
	IS(setgid, CREDENTIALS_SETGID)
	IS(setregid, CREDENTIALS_SETREGID)
	IS(setresgid, CREDENTIALS_SETRESGID)
	IS(setfsgid, CREDENTIALS_SETFSGID)
	IS(setgroups, CREDENTIALS_SETGROUPS)
#undef IS
	if (syscall_is(regs, __NR_capset, IA32_capset))
		return CREDENTIALS_CAPSET;
	if (!syscall_is(regs, __NR_prctl, IA32_prctl))
		return 0;
	option = syscall_arg(regs, 0);
	return option == PR_SET_SECUREBITS || option == PR_CAP_AMBIENT ? CREDENTIALS_PRCTL : 0;
}

/* An id that a call was given; those of 16 bits have a 16-bit "none". */
static __always_inline __u32 id_of(struct pt_regs *regs, const __u32 which)
{
	__u32 id = syscall_arg(regs, which);

#if defined(__TARGET_ARCH_x86)
	if (syscall_is_compat() && regs->orig_ax < IA32_setreuid && (id & 0xffff) == 0xffff)
		return NO_ID;
#endif
	return id;
}

static __noinline void fill_asked(struct process_credentials_record *record, struct pt_regs *regs)
{
	__u32 call = record->call;

	record->asked_real = record->asked_effective = NO_ID;
	record->asked_saved = record->asked_fs = NO_ID;
	if (call == CREDENTIALS_SETUID || call == CREDENTIALS_SETGID) {
		record->asked_effective = id_of(regs, 0);
	} else if (call == CREDENTIALS_SETFSUID || call == CREDENTIALS_SETFSGID) {
		record->asked_fs = id_of(regs, 0);
	} else if (call != CREDENTIALS_SETGROUPS && call < CREDENTIALS_SETGROUPS) {
		record->asked_real = id_of(regs, 0);
		record->asked_effective = id_of(regs, 1);
		if (call == CREDENTIALS_SETRESUID || call == CREDENTIALS_SETRESGID)
			record->asked_saved = id_of(regs, 2);
	}
}

/* By probe reads: before 5.11 no task of its own is typed to a program. Not inlined, as below. */
static __noinline void read_own(struct credentials *to)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	const struct cred *cred = BPF_CORE_READ(task, real_cred);

	to->uid = BPF_CORE_READ(cred, uid.val);
	to->gid = BPF_CORE_READ(cred, gid.val);
	to->euid = BPF_CORE_READ(cred, euid.val);
	to->egid = BPF_CORE_READ(cred, egid.val);
	to->suid = BPF_CORE_READ(cred, suid.val);
	to->sgid = BPF_CORE_READ(cred, sgid.val);
	to->fsuid = BPF_CORE_READ(cred, fsuid.val);
	to->fsgid = BPF_CORE_READ(cred, fsgid.val);
	to->auid = match_auid();
	to->securebits = BPF_CORE_READ(cred, securebits);
	/* both forms of a set are 64 bits in the same order on little-endian machines */
	bpf_probe_read_kernel(&to->cap_effective, sizeof(__u64), &cred->cap_effective);
	bpf_probe_read_kernel(&to->cap_permitted, sizeof(__u64), &cred->cap_permitted);
	bpf_probe_read_kernel(&to->cap_inheritable, sizeof(__u64), &cred->cap_inheritable);
	bpf_probe_read_kernel(&to->cap_bounding, sizeof(__u64), &cred->cap_bset);
	bpf_probe_read_kernel(&to->cap_ambient, sizeof(__u64), &cred->cap_ambient);
}

/* Capabilities that were not there before. Not inlined, nor is what fills the record: their stack is not to be below the matcher's. */
static __noinline __u64 gained(const struct credentials *before)
{
	struct credentials now;

	read_own(&now);
	return (now.cap_effective & ~before->cap_effective) |
	       (now.cap_permitted & ~before->cap_permitted) |
	       (now.cap_ambient & ~before->cap_ambient);
}

static __noinline void fill(struct process_credentials_record *record,
			    const struct credentials *before)
{
	read_own(&record->after);
	record->before_known = before != NULL;
	record->before = before ? *before : record->after;
}

/* `ids`: the new real user id << 32 | the effective one. */
__noinline __u32 match_process_credentials(__u32 call, __u64 ids, __u64 capabilities, __u32 want)
{
	struct match_event event = {.hook = HOOK_PROCESS_CREDENTIALS, .want = want};

	if (!match_begin(&event))
		return event.verdict;
	match_own_number(&event, OPERAND_CREDENTIALS_CALL, call);
	match_own_number(&event, OPERAND_NEW_UID, ids >> 32);
	match_own_number(&event, OPERAND_NEW_EUID, (__u32)ids);
	match_own_mask(&event, OPERAND_GAINED, capabilities);
	match_own_mask(&event, OPERAND_GAINED_HIGH, capabilities >> 32);
	return act_verdict(&event, match_end(&event));
}

SEC("tp_btf/sys_enter")
int BPF_PROG(credentials_sys_enter, struct pt_regs *regs, long number)
{
	struct credentials before;
	__u32 tid;

	if (!call_of(regs) || !match_asked(HOOK_PROCESS_CREDENTIALS))
		return 0;
	tid = bpf_get_current_pid_tgid();
	read_own(&before);
	bpf_map_update_elem(&credentials_before, &tid, &before, BPF_ANY);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(credentials_sys_exit, struct pt_regs *regs, long result)
{
	__u32 call = call_of(regs), tid, verdict;
	struct process_credentials_record *record;
	struct credentials *before;
	const struct cred *cred;

	if (!call || !match_asked(HOOK_PROCESS_CREDENTIALS))
		return 0;
	tid = bpf_get_current_pid_tgid();
	before = bpf_map_lookup_elem(&credentials_before, &tid);
	cred = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), real_cred);
	verdict = match_process_credentials(
		call, (__u64)BPF_CORE_READ(cred, uid.val) << 32 | BPF_CORE_READ(cred, euid.val),
		before ? gained(before) : 0, call_want);
	record = act_record(&verdict, RECORD_PROCESS_CREDENTIALS);
	if (record) {
		record->call = call;
		fill(record, before);
		fill_asked(record, regs);
	}
	act_end(verdict, RECORD_PROCESS_CREDENTIALS, sizeof(*record), result);
	bpf_map_delete_elem(&credentials_before, &tid);
	return 0;
}

/* What a set has that another has not. */
static __noinline __u64 more(const void *set, const void *than)
{
	__u64 more = 0, less = 0;

	bpf_probe_read_kernel(&more, sizeof(more), set);
	bpf_probe_read_kernel(&less, sizeof(less), than);
	return more & ~less;
}

/* What LSM is asked about: credentials that are made and not yet taken. */
static __always_inline __u32 decide(__u64 new, __u64 old)
{
	struct cred *to = (struct cred *)new, *from = (struct cred *)old;
	__u64 ids = (__u64)BPF_CORE_READ(to, uid.val) << 32 | BPF_CORE_READ(to, euid.val);

	return match_process_credentials(call_of(call_registers()), ids,
					 more(&to->cap_effective, &from->cap_effective) |
						 more(&to->cap_permitted, &from->cap_permitted),
					 MATCH_WANT_ENFORCE);
}

HOOK_DECIDES(credentials_uid, task_fix_setuid, security_task_fix_setuid, struct cred *new,
	     const struct cred *old)
{
	return match_asked(HOOK_PROCESS_CREDENTIALS) ? decide(number_of(new), number_of(old)) : 0;
}

HOOK_DECIDES(credentials_gid, task_fix_setgid, security_task_fix_setgid, struct cred *new,
	     const struct cred *old)
{
	return match_asked(HOOK_PROCESS_CREDENTIALS) ? decide(number_of(new), number_of(old)) : 0;
}

HOOK_DECIDES(credentials_cap, capset, security_capset, struct cred *new, const struct cred *old)
{
	return match_asked(HOOK_PROCESS_CREDENTIALS) ? decide(number_of(new), number_of(old)) : 0;
}
#endif
