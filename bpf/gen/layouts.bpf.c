// SPDX-License-Identifier: GPL-2.0
/* Never loaded: an object whose BTF describes every record to the generator. */
#include "process.h"
#include "denial.h"
#include "cgroup.h"

/* clang leaves out of the BTF what nothing refers to, enums stored as plain numbers too. */
#define KEEP(type, name) type name

KEEP(enum record_kind, keep_record_kind);
KEEP(enum process_flag, keep_process_flag);
KEEP(enum stdio_type, keep_stdio_type);
KEEP(enum socket_family, keep_socket_family);
KEEP(struct process_exec_record, keep_process_exec);
KEEP(struct process_seed_record, keep_process_seed);
KEEP(struct process_clone_record, keep_process_clone);
KEEP(struct process_exit_record, keep_process_exit);
KEEP(enum cgroup_change, keep_cgroup_change);
KEEP(struct cgroup_record, keep_cgroup);
KEEP(enum denial_hook, keep_denial_hook);
KEEP(enum denial_mode, keep_denial_mode);
KEEP(enum denial_action, keep_denial_action);
KEEP(enum denial_flag, keep_denial_flag);
KEEP(struct denial_record, keep_denial);
KEEP(enum file_mark, keep_file_mark);
#include "generated/hooks.h"
