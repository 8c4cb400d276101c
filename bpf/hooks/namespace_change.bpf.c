// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that go into other namespaces: unshare and setns, told at the call's end with what was before; clone with new
 * namespaces, told when the child is there or the call failed. LSM decides where CAP_SYS_ADMIN is asked for inside of such a call, and where a
 * user namespace is made.
 */
#include "hook.h"

enum namespace_call {
	NAMESPACE_CALL_UNSHARE = 1,
	NAMESPACE_CALL_SETNS = 2,
	NAMESPACE_CALL_CLONE = 3,
};

/* CLONE_NEW* of linux/sched.h. */
enum namespace_type {
	NAMESPACE_TYPE_TIME = 0x80,
	NAMESPACE_TYPE_MNT = 0x20000,
	NAMESPACE_TYPE_CGROUP = 0x2000000,
	NAMESPACE_TYPE_UTS = 0x4000000,
	NAMESPACE_TYPE_IPC = 0x8000000,
	NAMESPACE_TYPE_USER = 0x10000000,
	NAMESPACE_TYPE_PID = 0x20000000,
	NAMESPACE_TYPE_NET = 0x40000000,
};

struct namespace_change_record {
	struct act act DOC("act");
	struct namespaces before DOC("namespaces before the call; the parent's at clone");
	struct namespaces after DOC("namespaces after the call; the child's at clone");
	struct process_key child DOC("the new process at clone; else all zero");
	__u32 call FMT("enum:namespace_call") DOC("the system call");
	__u32 types FMT("flags:namespace_type") DOC("what the call asks for by its flags; where "
						    "setns leaves it open, what it changed");
	__u32 flags
		DOC("the call's flags as it was given them; at clone those that the kernel took");
	__u32 before_known FMT("bool") DOC("whether the beginning of the call was seen");
};

#ifdef REEVE_LAYOUTS
KEEP(enum namespace_call, keep_namespace_call);
KEEP(enum namespace_type, keep_namespace_type);
#else
#define MATCH_OWN_OPERANDS 2
#include "call.h"
#include "call_target.h"
#include "image.h"

char LICENSE[] SEC("license") = "GPL";

enum namespace_operand {
	OPERAND_NAMESPACE_CALL = MATCH_OWN(0),
	OPERAND_NAMESPACE_TYPES = MATCH_OWN(1),
};

#define NAMESPACE_TYPES 0x7e020080
#define CAP_SYS_ADMIN 21
#define IA32_clone 120
#define IA32_clone3 435

/* By thread, for as long as its call lasts. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct namespaces);
} namespaces_before SEC(".maps");

static __always_inline __u32 call_of(struct pt_regs *regs)
{
	if (syscall_is(regs, __NR_unshare, IA32_unshare))
		return NAMESPACE_CALL_UNSHARE;
	if (syscall_is(regs, __NR_clone, IA32_clone) || syscall_is(regs, __NR_clone3, IA32_clone3))
		return NAMESPACE_CALL_CLONE;
	return syscall_is(regs, __NR_setns, IA32_setns) ? NAMESPACE_CALL_SETNS : 0;
}

/* The flags that a call was given; of clone without the signal at the child's end. */
static __always_inline __u32 flags_of(struct pt_regs *regs, __u32 call)
{
	__u64 flags = 0;

	if (call != NAMESPACE_CALL_CLONE)
		return call == NAMESPACE_CALL_UNSHARE ? syscall_arg(regs, 0) : syscall_arg(regs, 1);
	if (syscall_is(regs, __NR_clone, IA32_clone))
		return syscall_arg(regs, 0) & ~0xff;
	/* the first member of struct clone_args; the caller may have changed it since */
	bpf_probe_read_user(&flags, sizeof(flags), (void *)syscall_arg(regs, 0));
	return flags;
}

/* By probe reads: before 5.11 no task of its own is typed to a program. Not inlined, as below. */
static __noinline void read_of(struct namespaces *to, struct task_struct *task)
{
	struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);

	__builtin_memset(to, 0, sizeof(*to));
	to->user = BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
	to->pid = pid_namespace_of(task);
	if (!proxy)
		return;
	to->uts = BPF_CORE_READ(proxy, uts_ns, ns.inum);
	to->ipc = BPF_CORE_READ(proxy, ipc_ns, ns.inum);
	to->mnt = BPF_CORE_READ(proxy, mnt_ns, ns.inum);
	to->pid_for_children = BPF_CORE_READ(proxy, pid_ns_for_children, ns.inum);
	to->net = BPF_CORE_READ(proxy, net_ns, ns.inum);
	to->time = BPF_CORE_READ(proxy, time_ns, ns.inum);
	to->cgroup = BPF_CORE_READ(proxy, cgroup_ns, ns.inum);
}

static __always_inline void read_own(struct namespaces *to)
{
	read_of(to, (struct task_struct *)bpf_get_current_task());
}

/* What is other than it was. Not inlined, nor is what fills the record: their stack is not to be below the matcher's. */
static __noinline __u32 changed(const struct namespaces *before)
{
	struct namespaces now, *after = &now;

	read_own(&now);
	return (before->uts != after->uts ? NAMESPACE_TYPE_UTS : 0) |
	       (before->ipc != after->ipc ? NAMESPACE_TYPE_IPC : 0) |
	       (before->mnt != after->mnt ? NAMESPACE_TYPE_MNT : 0) |
	       (before->pid_for_children != after->pid_for_children ? NAMESPACE_TYPE_PID : 0) |
	       (before->net != after->net ? NAMESPACE_TYPE_NET : 0) |
	       (before->time != after->time ? NAMESPACE_TYPE_TIME : 0) |
	       (before->cgroup != after->cgroup ? NAMESPACE_TYPE_CGROUP : 0) |
	       (before->user != after->user ? NAMESPACE_TYPE_USER : 0);
}

__noinline __u32 match_namespace_change(__u32 call, __u32 types, __u32 want)
{
	struct match_event event = {.hook = HOOK_NAMESPACE_CHANGE, .want = want};

	if (!match_begin(&event))
		return event.verdict;
	match_own_number(&event, OPERAND_NAMESPACE_CALL, call);
	match_own_mask(&event, OPERAND_NAMESPACE_TYPES, types);
	return act_verdict(&event, match_end(&event));
}

SEC("tp_btf/sys_enter")
int BPF_PROG(namespace_sys_enter, struct pt_regs *regs, long number)
{
	struct namespaces before;
	__u32 call = call_of(regs), tid;

	if (!call || call == NAMESPACE_CALL_CLONE || !match_asked(HOOK_NAMESPACE_CHANGE))
		return 0;
	tid = bpf_get_current_pid_tgid();
	read_own(&before);
	bpf_map_update_elem(&namespaces_before, &tid, &before, BPF_ANY);
	return 0;
}

static __noinline void fill(struct namespace_change_record *record, const struct namespaces *before)
{
	read_own(&record->after);
	/* a clone that failed has changed nothing */
	record->before_known = before != NULL || record->call == NAMESPACE_CALL_CLONE;
	record->before = before ? *before : record->after;
	read_key(&record->child, NULL);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(namespace_sys_exit, struct pt_regs *regs, long result)
{
	__u32 call = call_of(regs), tid, verdict, types, flags;
	struct namespace_change_record *record;
	struct namespaces *before;

	/* of clone what succeeded is told by the child that is there */
	if (!call || (call == NAMESPACE_CALL_CLONE && result >= 0) ||
	    !match_asked(HOOK_NAMESPACE_CHANGE))
		return 0;
	tid = bpf_get_current_pid_tgid();
	before = bpf_map_lookup_elem(&namespaces_before, &tid);
	flags = flags_of(regs, call);
	types = flags & NAMESPACE_TYPES;
	if (!types && before)
		types = changed(before);
	/* unshare may be about other things only: file tables, signal handlers */
	if (types || call == NAMESPACE_CALL_SETNS) {
		verdict = match_namespace_change(call, types, call_want);
		record = act_record(&verdict, RECORD_NAMESPACE_CHANGE);
		if (record) {
			record->call = call;
			record->types = types;
			record->flags = flags;
			fill(record, before);
		}
		act_end(verdict, RECORD_NAMESPACE_CHANGE, sizeof(*record), result);
	}
	bpf_map_delete_elem(&namespaces_before, &tid);
	return 0;
}

/* A thread cannot be made in other namespaces than its process's but for those that unshare has changed. */
SEC("tp_btf/task_newtask")
int BPF_PROG(namespace_newtask, struct task_struct *child, unsigned long clone_flags)
{
	__u32 types = clone_flags & NAMESPACE_TYPES, verdict;
	struct namespace_change_record *record;

	if (!types || !match_asked(HOOK_NAMESPACE_CHANGE))
		return 0;
	verdict = match_namespace_change(NAMESPACE_CALL_CLONE, types, call_want);
	record = act_record(&verdict, RECORD_NAMESPACE_CHANGE);
	if (record) {
		record->call = NAMESPACE_CALL_CLONE;
		record->types = types;
		record->flags = clone_flags;
		record->before_known = true;
		read_own(&record->before);
		read_of(&record->after, (struct task_struct *)number_of(child));
		process_key_of(&record->child, child);
	}
	act_end(verdict, RECORD_NAMESPACE_CHANGE, sizeof(*record), child->tgid);
	return 0;
}

/* What the current call asks for, on the way into it. */
static __always_inline __u32 decide(__u32 instead)
{
	struct pt_regs *regs = call_registers();
	__u32 call = call_of(regs), types;

	if (!call)
		return MATCH_PASS;
	types = flags_of(regs, call) & NAMESPACE_TYPES;
	if (!types)
		types = instead;
	if (!types && call != NAMESPACE_CALL_SETNS)
		return MATCH_PASS;
	return match_namespace_change(call, types, MATCH_WANT_ENFORCE);
}

HOOK_DECIDES(namespace_user, userns_create, security_create_user_ns, const struct cred *cred)
{
	return match_asked(HOOK_NAMESPACE_CHANGE) ? decide(NAMESPACE_TYPE_USER) : MATCH_PASS;
}

HOOK_DECIDES(namespace_admin, capable, security_capable, const struct cred *cred,
	     struct user_namespace *ns, int capability)
{
	if (capability != CAP_SYS_ADMIN || !match_asked(HOOK_NAMESPACE_CHANGE))
		return MATCH_PASS;
	return decide(0);
}
#endif
