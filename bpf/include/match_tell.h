/* SPDX-License-Identifier: GPL-2.0 */
/* Counts what matched, and posts denial records, so many a second. */
#pragma once

#include "match_event.h"

#define NSEC_PER_SEC 1000000000ULL

/* Events of which a selector is told, by thread, while that is done. Never per CPU: a program can be preempted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(__u32));
	/* not its type: clang would then leave what its pointers point to out of the BTF */
	__uint(value_size, sizeof(struct match_facts));
	__uint(map_flags, BPF_F_NO_PREALLOC);
} match_events SEC(".maps");

/* Allowances of single processes, and of what they do to single files. */
struct match_rate_key {
	__u32 counters;
	__u32 tgid;
	__u64 inode; /* 0: not about one file */
	__u64 device;
};

/* Without a lock, which this kind of map cannot have: two threads of a process at once may take one too many. */
struct match_rate {
	__u64 refilled; /* boottime ns */
	__u64 credit; /* ns */
	__u64 pending; /* of a file: matches since the last record */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct match_rate_key);
	__type(value, struct match_rate);
} match_rates SEC(".maps");

/* Takes one record's worth of an allowance, once it has grown by the time since it was looked at last. */
static __always_inline bool credit_take(__u64 *refilled, __u64 *credit, __u64 interval, __u64 now)
{
	__u64 most = interval > NSEC_PER_SEC ? interval : NSEC_PER_SEC, has = *credit;

	/* clocks of two CPUs, read before the lock was had */
	if (now > *refilled) {
		has += now - *refilled;
		*refilled = now;
	}
	if (has > most)
		has = most;
	if (has < interval) {
		*credit = has;
		return false;
	}
	*credit = has - interval;
	return true;
}

/*
 * Takes from the allowance of the current process, and with a path slot from that for its file. How many matches of it a
 * record stands for: its own and, of a file, those before it without one; 0: no record. Of its own for the verifier.
 */
__noinline __u32 match_process_count(__u32 counters, __u64 interval, __u32 path_slot)
{
	struct match_rate_key key = {};
	struct match_rate *rate, fresh = {};
	__u64 now = bpf_ktime_get_boot_ns();
	__u32 count;

	/* used everywhere, or callers pass nothing */
	barrier_var(path_slot);
	key.counters = counters;
	key.tgid = bpf_get_current_pid_tgid() >> 32;
#ifdef PATH_SLOTS
	{
		struct path_slot *slot = path_slot_at(path_slot);

		if (slot) {
			key.inode = slot->file.inode;
			key.device = (__u64)slot->file.device_major << 32 | slot->file.device_minor;
		}
	}
#endif
	rate = bpf_map_lookup_elem(&match_rates, &key);
	if (!rate) {
		fresh.credit = interval > NSEC_PER_SEC ? interval : NSEC_PER_SEC;
		fresh.refilled = now;
		bpf_map_update_elem(&match_rates, &key, &fresh, BPF_NOEXIST);
		rate = bpf_map_lookup_elem(&match_rates, &key);
		if (!rate)
			return 1;
	}
	if (!credit_take(&rate->refilled, &rate->credit, interval, now)) {
		__sync_fetch_and_add(&rate->pending, 1);
		return 0;
	}
	count = rate->pending + 1;
	rate->pending = 0;
	return count;
}

/* Counts a match; returns how many matches its record stands for, 0 when the rate limit lets none pass. */
static __always_inline __u32 match_account(struct match_selector *selector,
					   struct match_event *event)
{
	__u32 number = selector->counters;
	__u64 interval = selector->interval, now = bpf_ktime_get_boot_ns(), count;
	struct match_counters *counters = bpf_map_lookup_elem(&selector_counters, &number);
	__u32 own = 1;
	bool may;

	if (!counters)
		return 1;
	__sync_fetch_and_add(&counters->hits, 1);
	if (selector->action >= ACTION_SIGNAL) {
		if (selector->mode == MODE_ENFORCE)
			__sync_fetch_and_add(&counters->denied, 1);
		else
			__sync_fetch_and_add(&counters->would_deny, 1);
	}
	if (selector->operands & event->unknown)
		__sync_fetch_and_add(&counters->undecided, 1);
	if (selector->rate_per != RATE_PER_SELECTOR)
		own = match_process_count(number, interval,
					  selector->rate_per == RATE_PER_FILE ? event->path_slot
									      : 0);
	if (selector->rate_per == RATE_PER_FILE) {
		if (!own)
			__sync_fetch_and_add(&counters->rate_limited, 1);
		return own;
	}
	may = own;
	if (match_locks)
		bpf_spin_lock(&counters->lock);
	if (selector->rate_per == RATE_PER_SELECTOR)
		may = credit_take(&counters->refilled, &counters->credit, interval, now);
	if (may) {
		count = counters->pending + 1;
		counters->pending = 0;
	} else {
		counters->pending++;
		count = 0;
	}
	if (match_locks)
		bpf_spin_unlock(&counters->lock);
	if (!count)
		__sync_fetch_and_add(&counters->rate_limited, 1);
	return count;
}

/* The ring was full: the next record stands for these too. */
static __always_inline void match_give_back(__u32 number, __u32 count)
{
	struct match_counters *counters = bpf_map_lookup_elem(&selector_counters, &number);

	if (!counters)
		return;
	__sync_fetch_and_add(&counters->rate_limited, 1);
	if (match_locks)
		bpf_spin_lock(&counters->lock);
	counters->pending += count;
	if (match_locks)
		bpf_spin_unlock(&counters->lock);
}

static __always_inline void match_record(struct denial_record *record, struct match_event *event,
					 struct match_selector *selector, __u32 place, __u32 count)
{
	struct task_struct *task = current_task();
	__u64 unknown = selector->operands & event->unknown;
	__u32 slot = event->slot;
	struct match_header *header = header_of(slot);

	record->process.start = process_start(task);
	record->process.self_exec_id = BPF_CORE_READ(task, self_exec_id);
	record->process.tgid = bpf_get_current_pid_tgid() >> 32;
	record->process.reserved = 0;
	record->install = header ? header->install : 0;
	record->selector = place;
	record->count = count;
	record->tid = bpf_get_current_pid_tgid();
	/* the hook's own operands are the upper eight */
	record->operands = unknown | unknown >> 32 << 24;
	record->hook = event->hook;
	record->mode = selector->mode;
	record->action = selector->action;
	record->flags = unknown ? DENIAL_UNDECIDED : 0;
	record->family = event->family;
	record->protocol = event->protocol;
	record->dport = event->dport;
	__builtin_memcpy(record->daddr, event->address, sizeof(record->daddr));
}

/* Posts a record; false when the ring had no room. */
static __always_inline bool match_post(struct match_event *event, struct match_selector *selector,
				       __u32 place, __u32 count)
{
	struct denial_record *record;

#ifdef PATH_SLOTS
	record = event->path_slot ? path_slot_denial(event->path_slot) : NULL;
	if (record) {
		match_record(record, event, selector, place, count);
		return !path_slot_send_denial(event->path_slot);
	}
#endif
	record = record_reserve(RECORD_DENIAL, sizeof(*record));
	if (!record)
		return false;
	match_record(record, event, selector, place, count);
	__builtin_memset(&record->file, 0, sizeof(record->file));
	record->path_len = 0;
	record_submit(record);
	return true;
}

/* Counts a match and posts its record. */
static __always_inline void match_tell(struct match_event *event, struct match_selector *selector,
				       __u32 place)
{
	__u32 count = match_account(selector, event);

	if (count && !match_post(event, selector, place, count))
		match_give_back(selector->counters, count);
}

/* Tells of the selector that decides; returns its action. */
__noinline __u32 match_tell_one(__u32 slot, __u32 place)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct match_event *event = bpf_map_lookup_elem(&match_events, &tid);
	struct match_header *header = header_of(slot);
	struct match_selector *selector;

	selector = header ? selector_at(header->table, place) : NULL;
	/* it was there a moment ago */
	if (!selector)
		return ACTION_DENY;
	/* there was no memory to tell of it with; it is enforced all the same */
	if (event)
		match_tell(event, selector, place);
	else
		match_count(COUNT_UNTOLD);
	return selector->action;
}

/* Whether the selector that says so lets the event be posted: it is `post`, and its rate allows one more. */
__noinline __u32 match_may_post(__u32 slot, __u32 place)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct match_event *event = bpf_map_lookup_elem(&match_events, &tid);
	struct match_header *header = header_of(slot);
	struct match_selector *selector;
	__u32 count = 1;

	selector = header ? selector_at(header->table, place) : NULL;
	if (!selector)
		return 1;
	if (event) {
		count = match_account(selector, event);
#ifdef PATH_SLOTS
		{
			struct path_slot *of = path_slot_at(event->path_slot);

			if (of)
				of->count = selector->rate_per == RATE_PER_FILE ? count : 1;
		}
#endif
	}
	return selector->action == ACTION_POST && count;
}
