// SPDX-License-Identifier: GPL-2.0
/*
 * Kernel modules that are loaded: init_module and finit_module, told at the call's end; the name is the kernel's own, once
 * it has taken the module. LSM decides before anything of it is read.
 */
#include "hook.h"

enum module_call {
	MODULE_INIT_MODULE = 1,
	MODULE_FINIT_MODULE = 2,
};

struct module_load_record {
	struct act act DOC("act");
	struct file_identity file DOC("the module's file; all zero at init_module");
	__u64 image_bytes DOC("bytes of the module's image, as given or as its file has");
	__u32 call FMT("enum:module_call") DOC("the system call");
	__u32 flags DOC("MODULE_INIT_* flags of linux/module.h at finit_module, else 0");
	char name[56] FMT("cstring")
		DOC("the module's name; empty when the kernel did not take it");
	char arguments[128] FMT("cstring") DOC("parameters that it was given: the first 127 bytes");
	char path[0] LEN("act.path_len") FMT("path") DOC("path of its file; empty at init_module");
};

#ifdef REEVE_LAYOUTS
KEEP(enum module_call, keep_module_call);
#else
#define MATCH_OWN_OPERANDS 4
#include "call.h"

char LICENSE[] SEC("license") = "GPL";

enum module_operand {
	OPERAND_MODULE_PATH = MATCH_OWN(0), /* exact, prefix, suffix */
	OPERAND_MODULE_CALL = MATCH_OWN(3),
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct module {
	char name[56];
};

struct inode___size {
	long long i_size;
};
#pragma clang attribute pop

struct module_name {
	char bytes[56];
};

/* By thread, from when the kernel has taken a module to the end of its call. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct module_name);
} module_names SEC(".maps");

static __always_inline __u32 call_of(struct pt_regs *regs)
{
	if (syscall_is(regs, __NR_finit_module, IA32_finit_module))
		return MODULE_FINIT_MODULE;
	return syscall_is(regs, __NR_init_module, IA32_init_module) ? MODULE_INIT_MODULE : 0;
}

/* `file` is the address of the module's file, 0 for none: then what asks for its path is undecided. */
__noinline __u32 match_module_load(__u32 call, __u64 file, __u32 want)
{
	struct match_event event = {.hook = HOOK_MODULE_LOAD, .want = want};

	if (!match_begin(&event))
		return event.verdict;
	if (file)
		event.path_slot = look_at_file(file, 0);
	match_own_text(&event, OPERAND_MODULE_PATH);
	match_own_number(&event, OPERAND_MODULE_CALL, call);
	return act_verdict(&event, match_end(&event));
}

static __always_inline void fill(struct module_load_record *record, struct path_slot *slot,
				 struct pt_regs *regs, struct file *file)
{
	bool by_file = syscall_is(regs, __NR_finit_module, IA32_finit_module);
	__u32 tid = bpf_get_current_pid_tgid();
	struct module_name *name = bpf_map_lookup_elem(&module_names, &tid);
	struct inode *inode;

	record->call = by_file ? MODULE_FINIT_MODULE : MODULE_INIT_MODULE;
	record->flags = by_file ? syscall_arg(regs, 2) : 0;
	record->image_bytes = by_file ? 0 : syscall_arg(regs, 1);
	record->name[0] = record->arguments[0] = 0;
	if (name)
		bpf_probe_read_kernel(record->name, sizeof(record->name), name->bytes);
	bpf_probe_read_user_str(record->arguments, sizeof(record->arguments),
				(void *)(by_file ? syscall_arg(regs, 1) : syscall_arg(regs, 2)));
	if (!file) {
		__builtin_memset(&record->file, 0, sizeof(record->file));
		return;
	}
	inode = BPF_CORE_READ(file, f_inode);
	record->file = slot->file;
	record->image_bytes = BPF_CORE_READ((struct inode___size *)inode, i_size);
}

SEC("tp_btf/module_load")
int BPF_PROG(module_load_name, struct module *module)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct module_name name;

	if (!match_asked(HOOK_MODULE_LOAD))
		return 0;
	bpf_probe_read_kernel(&name, sizeof(name), module->name);
	bpf_map_update_elem(&module_names, &tid, &name, BPF_ANY);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(module_load_sys_exit, struct pt_regs *regs, long result)
{
	__u32 call = call_of(regs), verdict, tid;
	struct module_load_record *record;
	struct file *file = NULL;
	struct path_slot *slot;

	if (!call || !match_asked(HOOK_MODULE_LOAD))
		return 0;
	if (call == MODULE_FINIT_MODULE)
		file = file_of((struct task_struct *)bpf_get_current_task(), syscall_arg(regs, 0));
	verdict = match_module_load(call, (__u64)file, call_want);
	record = act_record(&verdict, RECORD_MODULE_LOAD);
	slot = path_slot_at(ACT_SLOT(verdict));
	if (record && slot)
		fill(record, slot, regs, file);
	act_end(verdict, RECORD_MODULE_LOAD, sizeof(*record), result);
	tid = bpf_get_current_pid_tgid();
	bpf_map_delete_elem(&module_names, &tid);
	return 0;
}

HOOK_DECIDES(module_load_file, kernel_read_file, security_kernel_read_file, struct file *file)
{
	__u32 call;

	if (!match_asked(HOOK_MODULE_LOAD))
		return MATCH_PASS;
	call = call_of(call_registers());
	return call ? match_module_load(call, number_of(file), MATCH_WANT_ENFORCE) : MATCH_PASS;
}

HOOK_DECIDES(module_load_data, kernel_load_data, security_kernel_load_data, int id)
{
	__u32 call;

	if (!match_asked(HOOK_MODULE_LOAD))
		return MATCH_PASS;
	call = call_of(call_registers());
	return call ? match_module_load(call, 0, MATCH_WANT_ENFORCE) : MATCH_PASS;
}
#endif
