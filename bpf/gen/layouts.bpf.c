// SPDX-License-Identifier: GPL-2.0
/* Never loaded: an object whose BTF describes every record to the generator. */
#include "process.h"
#if __has_include("denial.h")
#include "denial.h"
#endif

/* clang leaves out of the BTF what nothing refers to, enums stored as plain numbers too. */
#define KEEP(type, name) type name

KEEP(enum record_kind, keep_record_kind);
KEEP(enum process_flag, keep_process_flag);
KEEP(enum stdio_type, keep_stdio_type);
KEEP(enum socket_family, keep_socket_family);
KEEP(struct process_exec_record, keep_process_exec);
KEEP(struct process_seed_record, keep_process_seed);
KEEP(struct process_fork_record, keep_process_fork);
KEEP(struct process_exit_record, keep_process_exit);
