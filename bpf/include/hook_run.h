/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every hook's programs are made of: the matcher, looks at files, records, rungs. CONTRIBUTING.md goes through one.
 *
 * A hook asks the matcher by a global function of numbers (match.h), gives what comes of it to act_verdict, fills in its
 * record where act_record gives one, and ends with act_end.
 */
#pragma once

#include "looks.h"
#include "match.h"
#include "syscalls.h"
#include "waiting.h"
#include <bpf/bpf_tracing.h>

/* Whether a verdict can keep the act from happening on this rung: the agent sets it. */
const volatile __u8 act_denies = 0;

/* In place of a result: the end of the system call will bring it. */
#define ACT_WAITS 0x7ffffffe

/* Beside the verdict and MATCH_POSTS: up to two slots, which are given back by act_end. */
#define ACT_SLOT_SHIFT 12
#define ACT_SECOND_SHIFT 22
#define ACT_SLOT(verdict) ((verdict) >> ACT_SLOT_SHIFT & 0x3ff)
#define ACT_SECOND(verdict) ((verdict) >> ACT_SECOND_SHIFT & 0x3ff)

/* What a hook's match function returns; `second` is the slot of its other path. */
static __always_inline __u32 act_verdict2(struct match_event *event, __u32 verdict, __u32 second)
{
	return verdict | event->path_slot << ACT_SLOT_SHIFT | second << ACT_SECOND_SHIFT;
}

static __always_inline __u32 act_verdict(struct match_event *event, __u32 verdict)
{
	return act_verdict2(event, verdict, 0);
}

/*
 * Room for the record, where somebody asks for it: to be filled in behind `act`. A hook that has no slot gets one here. NULL:
 * nobody asks, or no slot is free, which is counted.
 */
static __always_inline void *act_record(__u32 *verdict, const __u32 kind)
{
	struct path_slot *slot;
	__u32 number;

	if (!(*verdict & MATCH_POSTS))
		return NULL;
	if (!ACT_SLOT(*verdict)) {
		number = path_slot_claim();
		slot = path_slot_at(number);
		if (!slot) {
			record_lost(kind);
			*verdict &= ~MATCH_POSTS;
			return NULL;
		}
		/* no path */
		slot->walk.pos = PATH_BYTES;
		*verdict |= number << ACT_SLOT_SHIFT;
		slot->count = 1;
	} else {
		slot = path_slot_at(ACT_SLOT(*verdict));
		if (!slot)
			return NULL;
	}
	/* a hook that merges says more */
	slot->act.act.count = slot->count;
	return slot->act.record;
}

/* For a hook whose record has no tail `path` although it looked at a file. */
static __always_inline void act_without_path(__u32 verdict)
{
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict));

	if (slot)
		slot->walk.pos = PATH_BYTES;
}

/* Fills in what all records have, appends the paths, and posts the record or lets it wait. `shape`: kind << 16 | size. */
__noinline int act_post(__u32 verdict, __u32 shape, __s32 result)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct path_slot *slot = path_slot_at(ACT_SLOT(verdict)), *second;
	__u32 fixed = shape & 0xffff, kind = shape >> 16, len, other = 0;
	struct act *act;

	if (!slot || fixed > ACT_BYTES)
		return 0;
	len = path_take(&slot->walk, (char *)slot->act.record + fixed);
	if (len > PATH_BYTES)
		return 0;
	second = path_slot_at(ACT_SECOND(verdict));
	if (second)
		other = path_take(&second->walk, (char *)slot->act.record + fixed + len);
	if (other > PATH_BYTES)
		return 0;
	act = &slot->act.act;
	act->header.kind = kind;
	act->header.reserved = 0;
	act->header.size = fixed + len + other;
	act->header.time = bpf_ktime_get_boot_ns();
	act->process.start = process_start(task);
	act->process.self_exec_id = BPF_CORE_READ(task, self_exec_id);
	act->process.tgid = bpf_get_current_pid_tgid() >> 32;
	act->process.reserved = 0;
	act->tid = bpf_get_current_pid_tgid();
	act->path_len = len;
	act->other_len = other;
	act->reserved = 0;
	slot->act.size = fixed + len + other;
	if (result == ACT_WAITS && act_can_wait()) {
		act_wait(&slot->act, kind);
		return 0;
	}
	act->result = result == ACT_WAITS ? NO_RESULT : result;
	act_output(&slot->act, kind);
	return 0;
}

/* Posts what somebody asks for, gives the slots back, sends signals. `size`: the record's without its paths. */
static __always_inline __u32 act_end(__u32 verdict, const __u32 kind, const __u32 size,
				     __s32 result)
{
	__u32 act = verdict & 0xff;

	if (verdict & MATCH_POSTS) {
		if (act_denies && (act == MATCH_DENY || act == MATCH_KILL))
			result = -EPERM;
		act_post(verdict, kind << 16 | size, result);
	}
	if (verdict & ~0xff) {
		path_slot_release(ACT_SLOT(verdict));
		path_slot_release(ACT_SECOND(verdict));
	}
	if (act == MATCH_KILL)
		match_signal(MATCH_SIGKILL);
	if (act == MATCH_SIGNAL)
		match_signal(MATCH_SIGTERM);
	return act;
}

/* What a program that can deny returns. */
static __always_inline long act_answer(__u32 act)
{
	long result = 0;

	if (act == MATCH_DENY || act == MATCH_KILL) {
		result = -EPERM;
		barrier_var(result);
	}
	return result;
}

/* A program at `section` that calls the body of HOOK_TRIPLE or HOOK_DECIDES, and what it returns: `answer` of the verdict. */
#define HOOK_PROGRAM(section, program, body, answer, args...)                                 \
	SEC(section)                                                                          \
	int program(unsigned long long *ctx)                                                  \
	{                                                                                     \
		_Pragma("GCC diagnostic push")                                                \
			_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") return answer( \
				body(___bpf_ctx_cast(args)));                                 \
		_Pragma("GCC diagnostic pop")                                                 \
	}

/* What a program that only sees returns. */
#define act_ignored(verdict) ((verdict), 0)

/*
 * Three programs from one body, which returns a verdict: <name>_lsm at an LSM hook, <name>_fmod_ret and <name>_fentry at the
 * function that asks the hooks. Like BPF_PROG: the arguments are the hook's, typed.
 */
#define HOOK_TRIPLE(name, hook, function, args...)                                                \
	static __always_inline __u32 ____##name##_body(unsigned long long *ctx, ##args);          \
	HOOK_PROGRAM("lsm/" #hook, name##_lsm, ____##name##_body, act_answer, args)               \
	HOOK_PROGRAM("fmod_ret/" #function, name##_fmod_ret, ____##name##_body, act_answer, args) \
	HOOK_PROGRAM("fentry/" #function, name##_fentry, ____##name##_body, act_ignored, args)    \
	static __always_inline __u32 ____##name##_body(unsigned long long *ctx, ##args)
