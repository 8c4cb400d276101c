/* SPDX-License-Identifier: GPL-2.0 */
/* What the matcher keeps of every living process: its binary, cached classes and its process-tree mark. */
#pragma once

#include "kernel_types.h"
#include <bpf/bpf_helpers.h>

/*
 * Called in sched_process_fork, before the child can run. The child inherits binary, cached classes and tree mark.
 * Does nothing for a new thread.
 */
static __always_inline void proc_state_on_fork(struct task_struct *parent, struct task_struct *child)
{
}

/*
 * Called in sched_process_exec with the new image's path: `path` points to at least 256 readable bytes (zero padded or
 * not), `path_len` is the true length without the final zero, also when it is above 255. A path that could not be
 * determined is `path_len` 0: the process's binary is then unknown, and selectors that ask for it are undecided.
 */
static __always_inline void proc_state_on_exec(struct task_struct *task, const char *path, __u32 path_len)
{
}

/* Called in sched_process_exit for every task; forgets the process when its last thread goes. */
static __always_inline void proc_state_on_exit(struct task_struct *task)
{
}

/*
 * Called by the seed iterator for each living thread group leader (kernel threads too), with the path of its executable
 * as in proc_state_on_exec. Never overwrites what fork or exec has written.
 */
static __always_inline void proc_state_seed(struct task_struct *task, const char *path, __u32 path_len)
{
}
