// SPDX-License-Identifier: GPL-2.0
/*
 * Use of the kernel's keyrings: add_key, request_key, keyctl; told at the call's end. LSM decides where a key is made and
 * where one is used.
 */
#include "hook.h"

enum keyring_call {
	KEYRING_ADD_KEY = 1,
	KEYRING_REQUEST_KEY = 2,
	KEYRING_KEYCTL = 3,
};

struct keyring_record {
	struct act act DOC("act");
	__u32 call FMT("enum:keyring_call") DOC("the system call");
	__u32 operation DOC("KEYCTL_* of linux/keyctl.h at keyctl, else 0");
	__s32 key DOC("the key that keyctl is about, by its number or as a keyring that it names "
		      "by one below 0; at add_key and request_key the keyring, 0 for none");
	__u32 payload_bytes DOC("bytes of the payload at add_key, else 0");
	char type[32] FMT("cstring") DOC("type of the key at add_key and request_key, as the call "
					 "names it: the caller's memory at the call's end");
	char description[256] FMT("cstring")
		DOC("description of the key, as type; its first 255 bytes");
};

#ifdef REEVE_LAYOUTS
KEEP(enum keyring_call, keep_keyring_call);
#else
#define MATCH_OWN_OPERANDS 2
#include "call.h"

char LICENSE[] SEC("license") = "GPL";

enum keyring_operand {
	OPERAND_KEYRING_CALL = MATCH_OWN(0),
	OPERAND_KEYRING_OPERATION = MATCH_OWN(1),
};

static __always_inline __u32 call_of(struct pt_regs *regs)
{
	if (syscall_is(regs, __NR_add_key, IA32_add_key))
		return KEYRING_ADD_KEY;
	if (syscall_is(regs, __NR_request_key, IA32_request_key))
		return KEYRING_REQUEST_KEY;
	return syscall_is(regs, __NR_keyctl, IA32_keyctl) ? KEYRING_KEYCTL : 0;
}

__noinline __u32 match_keyring(__u32 call, __u32 operation, __u32 want)
{
	struct match_event event = {.hook = HOOK_KEYRING, .want = want};

	if (!match_begin(&event))
		return event.verdict;
	match_own_number(&event, OPERAND_KEYRING_CALL, call);
	match_own_number(&event, OPERAND_KEYRING_OPERATION, operation);
	return act_verdict(&event, match_end(&event));
}

static __always_inline void fill(struct keyring_record *record, struct pt_regs *regs, __u32 call,
				 __u32 operation)
{
	record->call = call;
	record->operation = operation;
	record->type[0] = record->description[0] = 0;
	record->payload_bytes = call == KEYRING_ADD_KEY ? syscall_arg(regs, 3) : 0;
	if (call == KEYRING_KEYCTL) {
		record->key = syscall_arg(regs, 1);
		return;
	}
	record->key = call == KEYRING_ADD_KEY ? syscall_arg(regs, 4) : syscall_arg(regs, 3);
	bpf_probe_read_user_str(record->type, sizeof(record->type), (void *)syscall_arg(regs, 0));
	bpf_probe_read_user_str(record->description, sizeof(record->description),
				(void *)syscall_arg(regs, 1));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(keyring_sys_exit, struct pt_regs *regs, long result)
{
	__u32 call = call_of(regs), operation, verdict;
	struct keyring_record *record;

	if (!call || !match_asked(HOOK_KEYRING))
		return 0;
	operation = call == KEYRING_KEYCTL ? syscall_arg(regs, 0) : 0;
	verdict = match_keyring(call, operation, call_want);
	record = act_record(&verdict, RECORD_KEYRING);
	if (record)
		fill(record, regs, call, operation);
	act_end(verdict, RECORD_KEYRING, sizeof(*record), result);
	return 0;
}

static __always_inline __u32 decide(void)
{
	struct pt_regs *regs;
	__u32 call;

	if (!match_asked(HOOK_KEYRING))
		return MATCH_PASS;
	regs = call_registers();
	call = call_of(regs);
	if (!call)
		return MATCH_PASS;
	return match_keyring(call, call == KEYRING_KEYCTL ? syscall_arg(regs, 0) : 0,
			     MATCH_WANT_ENFORCE);
}

HOOK_DECIDES(keyring_alloc, key_alloc, security_key_alloc, void *key)
{
	return decide();
}

HOOK_DECIDES(keyring_use, key_permission, security_key_permission, void *key)
{
	return decide();
}
#endif
