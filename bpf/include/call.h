/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What hooks on system calls share that are told at the call's end, with its result, refused ones too: where there is LSM,
 * its hooks decide before, and post nothing.
 */
#pragma once

#include "hook_run.h"

/* What is asked of the selectors at the end of a call, as in enum match_want: MATCH_WANT_POST where LSM decides. */
const volatile __u32 call_want = 0;

/* Registers of the system call that the current task is in. */
static __always_inline struct pt_regs *call_registers(void)
{
	return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

/*
 * Two programs of one body, which returns a verdict by MATCH_WANT_ENFORCE: <name>_lsm at an LSM hook, and <name>_fmod_ret at
 * the function that asks the hooks. See HOOK_TRIPLE.
 */
#define HOOK_DECIDES(name, hook, function, args...)                                                \
	static __always_inline __u32 ____##name##_body(unsigned long long *ctx, ##args);           \
	HOOK_PROGRAM("lsm/" #hook, name##_lsm, ____##name##_body, call_answer, args)               \
	HOOK_PROGRAM("fmod_ret/" #function, name##_fmod_ret, ____##name##_body, call_answer, args) \
	static __always_inline __u32 ____##name##_body(unsigned long long *ctx, ##args)

/* Acts on what was decided ahead of the call's end, and says it as the kernel is to hear it. */
static __always_inline long call_answer(__u32 verdict)
{
	return act_answer(act_end(verdict & ~MATCH_POSTS, 0, 0, 0));
}

/* Numbers of 32-bit programs (arch/x86/entry/syscalls/syscall_32.tbl). */
#define IA32_mount 21
#define IA32_setuid16 23
#define IA32_ptrace 26
#define IA32_kill 37
#define IA32_dup 41
#define IA32_setgid16 46
#define IA32_umount2 52
#define IA32_fcntl 55
#define IA32_dup2 63
#define IA32_setreuid16 70
#define IA32_setregid16 71
#define IA32_setgroups16 81
#define IA32_init_module 128
#define IA32_setfsuid16 138
#define IA32_setfsgid16 139
#define IA32_setresuid16 164
#define IA32_setresgid16 170
#define IA32_rt_sigqueueinfo 178
#define IA32_capset 185
#define IA32_setreuid 203
#define IA32_setregid 204
#define IA32_setgroups 206
#define IA32_setresuid 208
#define IA32_setresgid 210
#define IA32_setuid 213
#define IA32_setgid 214
#define IA32_setfsuid 215
#define IA32_setfsgid 216
#define IA32_pivot_root 217
#define IA32_fcntl64 221
#define IA32_tkill 238
#define IA32_tgkill 270
#define IA32_add_key 286
#define IA32_request_key 287
#define IA32_keyctl 288
#define IA32_unshare 310
#define IA32_dup3 330
#define IA32_rt_tgsigqueueinfo 335
#define IA32_setns 346
#define IA32_process_vm_readv 347
#define IA32_process_vm_writev 348
#define IA32_finit_module 350
#define IA32_memfd_create 356
#define IA32_bpf 357
#define IA32_userfaultfd 374
#define IA32_pidfd_send_signal 424
#define IA32_move_mount 429
#define IA32_pidfd_getfd 438

/* arm64 has no such call. */
#ifndef __NR_dup2
#define __NR_dup2 NO_SYSCALL
#endif
