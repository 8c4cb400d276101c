/* SPDX-License-Identifier: Apache-2.0 */
/* reuse PROGRAM: runs PROGRAM twice, one after the other, under the same process id; prints that id. */
#include "truth.h"
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>

/* A child with this process id, or with any when it is 0. */
static pid_t child_as(pid_t pid, char **arguments)
{
	struct clone_args how = {.exit_signal = SIGCHLD};
	pid_t child;

	if (pid) {
		how.set_tid = (uintptr_t)&pid;
		how.set_tid_size = 1;
	}
	child = syscall(SYS_clone3, &how, sizeof(how));
	if (child < 0)
		DIE("clone3");
	if (child == 0) {
		execv(arguments[0], arguments);
		_exit(99);
	}
	waitpid(child, NULL, 0);
	return child;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 99;
	truth("%d\n", child_as(child_as(0, argv + 1), argv + 1));
	return 0;
}
