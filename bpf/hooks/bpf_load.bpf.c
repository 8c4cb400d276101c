// SPDX-License-Identifier: GPL-2.0
/*
 * What is loaded into the kernel by bpf(2): programs, maps, BTF. Told at the call's end, and what was loaded by the object
 * behind the new descriptor. LSM decides at its beginning.
 */
#include "hook.h"

/* enum bpf_cmd of linux/bpf.h. */
enum bpf_load_command {
	BPF_LOAD_MAP_CREATE = 0,
	BPF_LOAD_PROG_LOAD = 5,
	BPF_LOAD_BTF_LOAD = 18,
};

struct bpf_load_record {
	struct act act DOC("act");
	__u32 command FMT("enum:bpf_load_command") DOC("what is loaded");
	__u32 type DOC("enum bpf_prog_type or enum bpf_map_type; 0 for BTF");
	__u32 attach_type DOC("enum bpf_attach_type that a program is for, 0 where it says none");
	__u32 id DOC("the new object's id; 0 when the call failed, and for BTF");
	__u32 length DOC("instructions of a program, entries of a map at most, bytes of BTF");
	__u32 key_size DOC("bytes of a map's key, else 0");
	__u32 value_size DOC("bytes of a map's value, else 0");
	__u32 flags DOC("BPF_F_* flags of a program or map, as the call was given them");
	char name[16] FMT("cstring") DOC("name of the program or map");
};

#ifdef REEVE_LAYOUTS
KEEP(enum bpf_load_command, keep_bpf_load_command);
#else
#define MATCH_OWN_OPERANDS 3
#include "call.h"

char LICENSE[] SEC("license") = "GPL";

enum bpf_load_operand {
	OPERAND_BPF_COMMAND = MATCH_OWN(0),
	OPERAND_BPF_PROGRAM_TYPE = MATCH_OWN(1),
	OPERAND_BPF_MAP_TYPE = MATCH_OWN(2),
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct bpf_prog_aux {
	__u32 id;
};

struct bpf_prog {
	__u32 len;
	struct bpf_prog_aux *aux;
};

struct bpf_map {
	__u32 id;
};
#pragma clang attribute pop

/* The first members of union bpf_attr, as the caller wrote them. */
struct map_create {
	__u32 map_type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
	__u32 inner_map_fd;
	__u32 numa_node;
	char map_name[16];
};

struct prog_load {
	__u32 prog_type;
	__u32 insn_cnt;
	__u64 insns;
	__u64 license;
	__u32 log_level;
	__u32 log_size;
	__u64 log_buf;
	__u32 kern_version;
	__u32 prog_flags;
	char prog_name[16];
	__u32 prog_ifindex;
	__u32 expected_attach_type;
};

struct btf_load {
	__u64 btf;
	__u64 log;
	__u32 btf_size;
};

/* What is no program, or no map: of no type that a selector could name. */
#define NO_TYPE 0xffffffff

static __always_inline bool loads(__u32 command)
{
	return command == BPF_LOAD_MAP_CREATE || command == BPF_LOAD_PROG_LOAD ||
	       command == BPF_LOAD_BTF_LOAD;
}

__noinline __u32 match_bpf_load(__u32 command, __u32 type, __u32 want)
{
	struct match_event event = {.hook = HOOK_BPF_LOAD, .want = want};

	if (!match_begin(&event))
		return event.verdict;
	match_own_number(&event, OPERAND_BPF_COMMAND, command);
	match_own_number(&event, OPERAND_BPF_PROGRAM_TYPE,
			 command == BPF_LOAD_PROG_LOAD ? type : NO_TYPE);
	match_own_number(&event, OPERAND_BPF_MAP_TYPE,
			 command == BPF_LOAD_MAP_CREATE ? type : NO_TYPE);
	return act_verdict(&event, match_end(&event));
}

/*
 * What was asked for: the caller's memory. `given`: how many bytes of it the caller says are there. Not inlined, nor are its
 * like in other hooks: their stack is not to be below the matcher's.
 */
static __noinline void fill(struct bpf_load_record *record, __u32 command, void *from, __u32 given)
{
	union {
		struct map_create map;
		struct prog_load prog;
		struct btf_load btf;
	} u;

	__builtin_memset(&u, 0, sizeof(u));
	barrier_var(given);
	if (given > sizeof(u))
		given = sizeof(u);
	bpf_probe_read_user(&u, given, from);
	record->command = command;
	record->type = record->attach_type = record->id = record->length = 0;
	record->key_size = record->value_size = record->flags = 0;
	__builtin_memset(record->name, 0, sizeof(record->name));
	if (command == BPF_LOAD_PROG_LOAD) {
		record->type = u.prog.prog_type;
		record->attach_type = u.prog.expected_attach_type;
		record->length = u.prog.insn_cnt;
		record->flags = u.prog.prog_flags;
		__builtin_memcpy(record->name, u.prog.prog_name, sizeof(record->name));
	} else if (command == BPF_LOAD_MAP_CREATE) {
		record->type = u.map.map_type;
		record->length = u.map.max_entries;
		record->key_size = u.map.key_size;
		record->value_size = u.map.value_size;
		record->flags = u.map.map_flags;
		__builtin_memcpy(record->name, u.map.map_name, sizeof(record->name));
	} else {
		record->length = u.btf.btf_size;
	}
}

/* By the object itself. The kernel may have more instructions than the caller gave: its own count stands in the event. */
static __always_inline void fill_loaded(struct bpf_load_record *record, struct file *file)
{
	void *object = BPF_CORE_READ(file, private_data);

	if (record->command == BPF_LOAD_PROG_LOAD)
		record->id = BPF_CORE_READ((struct bpf_prog *)object, aux, id);
	else if (record->command == BPF_LOAD_MAP_CREATE)
		record->id = BPF_CORE_READ((struct bpf_map *)object, id);
}

static __always_inline __u32 type_of(__u32 command, void *from)
{
	__u32 type = 0;

	/* the first member of both */
	if (command != BPF_LOAD_BTF_LOAD)
		bpf_probe_read_user(&type, sizeof(type), from);
	return type;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(bpf_load_sys_exit, struct pt_regs *regs, long result)
{
	struct bpf_load_record *record;
	__u32 command, verdict;
	struct file *file;
	void *from;

	if (!syscall_is(regs, __NR_bpf, IA32_bpf) || !match_asked(HOOK_BPF_LOAD))
		return 0;
	command = syscall_arg(regs, 0);
	if (!loads(command))
		return 0;
	from = (void *)syscall_arg(regs, 1);
	verdict = match_bpf_load(command, type_of(command, from), call_want);
	record = act_record(&verdict, RECORD_BPF_LOAD);
	if (record) {
		fill(record, command, from, syscall_arg(regs, 2));
		file = result < 0 ? NULL : file_of((void *)bpf_get_current_task(), result);
		if (file)
			fill_loaded(record, file);
	}
	act_end(verdict, RECORD_BPF_LOAD, sizeof(*record), result);
	return 0;
}

HOOK_DECIDES(bpf_load, bpf, security_bpf, int command, union bpf_attr *attributes)
{
	__u64 address;
	__u32 type = 0;

	if (!loads(command) || !match_asked(HOOK_BPF_LOAD))
		return MATCH_PASS;
	/* the kernel's own copy */
	address = number_of(attributes);
	if (command != BPF_LOAD_BTF_LOAD)
		bpf_probe_read_kernel(&type, sizeof(type), (void *)address);
	return match_bpf_load(command, type, MATCH_WANT_ENFORCE);
}
#endif
