// SPDX-License-Identifier: GPL-2.0
/*
 * File systems and directories that are mounted: mount(2), and move_mount(2), by which what fsmount and open_tree have made
 * gets its place.
 */
#include "hook.h"

enum mount_call {
	MOUNT_MOUNT = 1,
	MOUNT_MOVE_MOUNT = 2,
};

struct mount_record {
	struct act act DOC("act");
	__u32 call FMT("enum:mount_call") DOC("the system call");
	__u32 flags DOC("MS_* flags of linux/mount.h; at move_mount those that the mount has");
	char source[192] FMT("cstring") DOC("device, directory or name that is mounted; the first "
					    "191 bytes");
	char type[32] FMT("cstring")
		DOC("type of the file system; empty where the call gives none");
	char options[128] FMT("cstring") DOC("options of the file system as text, the first 127 "
					     "bytes; empty at move_mount");
	char path[0] LEN("act.path_len") FMT("path") DOC("where it is mounted");
};

#ifdef REEVE_LAYOUTS
KEEP(enum mount_call, keep_mount_call);
#else
#define MATCH_OWN_OPERANDS 5
#include "call.h"
#include "given_path.h"

char LICENSE[] SEC("license") = "GPL";

enum mount_operand {
	OPERAND_MOUNT_TARGET = MATCH_OWN(0), /* exact, prefix, suffix */
	OPERAND_MOUNT_FLAGS = MATCH_OWN(3),
	OPERAND_MOUNT_CALL = MATCH_OWN(4),
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct mount___devname {
	const char *mnt_devname;
};
#pragma clang attribute pop

#define MS_RDONLY 1
#define MS_NOSUID 2
#define MS_NODEV 4
#define MS_NOEXEC 8
#define MS_NOATIME 1024
#define MS_NODIRATIME 2048
#define MS_RELATIME (1 << 21)
/* An old magic number that means nothing (MS_MGC_VAL). */
#define MS_MAGIC 0xffff0000
#define MS_MAGIC_VALUE 0xc0ed0000

static __always_inline __u32 mount_flags(__u64 flags)
{
	return (flags & MS_MAGIC) == MS_MAGIC_VALUE ? flags & ~MS_MAGIC : flags;
}

/* struct vfsmount.mnt_flags, whose lowest bits are in the same order but for where they stand. */
static __always_inline __u32 flags_of_mount(struct vfsmount *mount)
{
	__u32 flags = BPF_CORE_READ(mount, mnt_flags);

	return (flags & 0x01 ? MS_NOSUID : 0) | (flags & 0x02 ? MS_NODEV : 0) |
	       (flags & 0x04 ? MS_NOEXEC : 0) | (flags & 0x08 ? MS_NOATIME : 0) |
	       (flags & 0x10 ? MS_NODIRATIME : 0) | (flags & 0x20 ? MS_RELATIME : 0) |
	       (flags & 0x40 ? MS_RDONLY : 0);
}

/* Where the target is described: a struct path or file of the kernel's, or a path in the caller's memory. */
enum mount_target {
	TARGET_PATH,
	TARGET_FILE,
	TARGET_GIVEN,
};

#define GIVEN(dirfd, flags) ((__u64)(dirfd) << 32 | (flags))

/* `how`: enum mount_target | the call << 8; `rest`: the descriptor that a given path is below << 32 | flags. */
__noinline __u32 match_mount(__u64 target, __u32 how, __u64 rest)
{
	struct match_event event = {.hook = HOOK_MOUNT};
	__u32 kind = how & 0xff;

	if (!match_begin(&event))
		return event.verdict;
	if (kind == TARGET_PATH)
		event.path_slot = look_at_path(target, 0);
	else if (kind == TARGET_FILE)
		event.path_slot = look_at_file(target, 0);
	else
		event.path_slot = look_at_given(rest >> 32, target);
	match_own_text(&event, OPERAND_MOUNT_TARGET);
	match_own_mask(&event, OPERAND_MOUNT_FLAGS, rest);
	match_own_number(&event, OPERAND_MOUNT_CALL, how >> 8);
	return act_verdict(&event, match_end(&event));
}

static __always_inline void copy(char *to, const __u32 size, __u64 from, bool user)
{
	long got = user ? bpf_probe_read_user_str(to, size, (void *)from)
			: bpf_probe_read_kernel_str(to, size, (void *)from);

	if (got <= 0)
		*to = 0;
}

static __always_inline void fill(struct mount_record *record, __u64 source, __u64 type,
				 __u64 options, bool user)
{
	copy(record->source, sizeof(record->source), source, user);
	copy(record->type, sizeof(record->type), type, user);
	copy(record->options, sizeof(record->options), options, user);
}

static __always_inline void fill_from_mount(struct mount_record *record, struct vfsmount *mount)
{
	struct mount___devname *self = (void *)mount - bpf_core_field_offset(struct mount, mnt);

	fill(record, (__u64)BPF_CORE_READ(self, mnt_devname),
	     (__u64)BPF_CORE_READ(mount, mnt_sb, s_type, name), 0, false);
}

static __always_inline struct mount_record *record_of(__u32 *verdict, __u32 call, __u32 flags)
{
	struct mount_record *record = act_record(verdict, RECORD_MOUNT);

	if (record) {
		record->call = call;
		record->flags = flags;
	}
	return record;
}

HOOK_TRIPLE(mount, sb_mount, security_sb_mount, const char *source, struct path *target,
	    const char *type, unsigned long flags, void *options)
{
	__u32 bits = mount_flags(flags), verdict;
	struct mount_record *record;

	if (!match_asked(HOOK_MOUNT))
		return MATCH_PASS;
	verdict = match_mount(number_of(target), TARGET_PATH | MOUNT_MOUNT << 8, bits);
	record = record_of(&verdict, MOUNT_MOUNT, bits);
	if (record)
		fill(record, number_of(source), number_of(type), number_of(options), false);
	return act_end(verdict, RECORD_MOUNT, sizeof(*record), ACT_WAITS);
}

HOOK_TRIPLE(mount_move, move_mount, security_move_mount, struct path *from, struct path *target)
{
	struct mount_record *record;
	struct vfsmount *mount;
	__u32 bits, verdict;

	if (!match_asked(HOOK_MOUNT))
		return MATCH_PASS;
	mount = BPF_CORE_READ((struct path *)number_of(from), mnt);
	bits = flags_of_mount(mount);
	verdict = match_mount(number_of(target), TARGET_PATH | MOUNT_MOVE_MOUNT << 8, bits);
	record = record_of(&verdict, MOUNT_MOVE_MOUNT, bits);
	if (record)
		fill_from_mount(record, mount);
	return act_end(verdict, RECORD_MOUNT, sizeof(*record), ACT_WAITS);
}

static __always_inline void on_mount(struct pt_regs *regs, long result)
{
	__u32 bits = mount_flags(syscall_arg(regs, 3)), verdict;
	struct mount_record *record;

	verdict = match_mount(syscall_arg(regs, 1), TARGET_GIVEN | MOUNT_MOUNT << 8,
			      GIVEN(AT_FDCWD, bits));
	record = record_of(&verdict, MOUNT_MOUNT, bits);
	if (record)
		fill(record, syscall_arg(regs, 0), syscall_arg(regs, 2), syscall_arg(regs, 4),
		     true);
	act_end(verdict, RECORD_MOUNT, sizeof(*record), result);
}

/* By the mount behind the descriptor, which now has its place. */
static __always_inline void on_move_mount(struct pt_regs *regs, long result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file *from = file_of(task, syscall_arg(regs, 0));
	struct vfsmount *mount = NULL;
	struct mount_record *record;
	__u32 bits = 0, verdict;
	char first = 0;

	/* a path below the descriptor names another mount, which is told without its source */
	bpf_probe_read_user(&first, 1, (void *)syscall_arg(regs, 1));
	if (from && !first) {
		mount = BPF_CORE_READ(from, f_path.mnt);
		bits = flags_of_mount(mount);
	}
	if (mount && !result)
		verdict = match_mount((__u64)from, TARGET_FILE | MOUNT_MOVE_MOUNT << 8, bits);
	else
		verdict = match_mount(syscall_arg(regs, 3), TARGET_GIVEN | MOUNT_MOVE_MOUNT << 8,
				      GIVEN(syscall_arg(regs, 2), bits));
	record = record_of(&verdict, MOUNT_MOVE_MOUNT, bits);
	if (record && mount)
		fill_from_mount(record, mount);
	else if (record)
		fill(record, syscall_arg(regs, 1), 0, 0, true);
	act_end(verdict, RECORD_MOUNT, sizeof(*record), result);
}

SEC("tp_btf/sys_exit")
int BPF_PROG(mount_sys_exit, struct pt_regs *regs, long result)
{
	if (syscall_is(regs, __NR_mount, IA32_mount)) {
		if (match_asked(HOOK_MOUNT))
			on_mount(regs, result);
	} else if (syscall_is(regs, __NR_move_mount, IA32_move_mount)) {
		if (match_asked(HOOK_MOUNT))
			on_move_mount(regs, result);
	}
	return 0;
}
#endif
