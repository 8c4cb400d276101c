/* SPDX-License-Identifier: Apache-2.0 */
/* signals: sends signals to children of its own in every way there is, and prints who gets what, and what came of it. */
#include "truth.h"
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#define NOBODY 0x3fffff

static void say(const char *signal, int target, int thread, int named, const char *outcome,
		long result)
{
	truth("{\"pid\":%d,\"signal\":\"%s\",\"target\":%d,\"target_tid\":%d,\"target_pid\":%d,"
	      "\"outcome\":\"%s\",\"result\":%ld}\n",
	      getpid(), signal, target, thread, named, outcome, result);
}

static long checked(long result)
{
	return result < 0 ? -errno : result;
}

/* Ignores SIGUSR2, and keeps SIGTERM pending. */
static int child_of(int group)
{
	int ready[2], child;
	char byte;
	sigset_t blocked;

	if (pipe(ready))
		DIE("pipe");
	child = fork();
	if (child) {
		if (read(ready[0], &byte, 1) != 1)
			DIE("child");
		close(ready[0]);
		close(ready[1]);
		return child;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, group);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGCONT, SIG_DFL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGHUP);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	if (write(ready[1], "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* Without the right to: told of the sender. */
static void without_right(int child)
{
	int sender = fork();

	if (!sender) {
		if (setresuid(1234, 1234, 1234))
			DIE("setresuid");
		say("SIGKILL", child, 0, child, "refused", checked(kill(child, SIGKILL)));
		_exit(0);
	}
	waitpid(sender, NULL, 0);
}

int main(void)
{
	siginfo_t info = {.si_code = SI_QUEUE, .si_value.sival_int = 7};
	int first = child_of(0), second = child_of(first), pidfd;

	pidfd = syscall(SYS_pidfd_open, first, 0);
	kill(first, 0);
	say("SIGTERM", first, 0, first, "delivered", checked(kill(first, SIGTERM)));
	say("SIGTERM", first, 0, first, "already_pending", checked(kill(first, SIGTERM)));
	say("SIGUSR2", first, 0, first, "ignored", checked(kill(first, SIGUSR2)));
	say("SIGHUP", first, first, first, "delivered", checked(syscall(SYS_tkill, first, SIGHUP)));
	say("SIGINT", first, first, first, "delivered",
	    checked(syscall(SYS_tgkill, first, first, SIGINT)));
	info.si_signo = SIGRTMIN + 1;
	say("SIGRTMIN+1", first, 0, first, "delivered",
	    checked(syscall(SYS_rt_sigqueueinfo, first, SIGRTMIN + 1, &info)));
	say("SIGWINCH", first, 0, pidfd, "ignored",
	    checked(syscall(SYS_pidfd_send_signal, pidfd, SIGWINCH, NULL, 0)));
	/* a group: whoever joined it last gets it first */
	kill(-first, SIGUSR2);
	say("SIGUSR2", second, 0, -first, "ignored", 0);
	say("SIGUSR2", first, 0, -first, "ignored", 0);
	say("SIGUSR1", 0, 0, NOBODY, "refused", checked(kill(NOBODY, SIGUSR1)));
	without_right(first);
#ifdef __x86_64__
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(37), "b"(second), "c"(SIGTERM)
		     : "memory", "r8", "r9", "r10", "r11");
	say("SIGTERM", second, 0, second, "delivered", result);
#endif
	say("SIGKILL", first, 0, first, "delivered", checked(kill(first, SIGKILL)));
	kill(second, SIGKILL);
	say("SIGKILL", second, 0, second, "delivered", 0);
	waitpid(first, NULL, 0);
	waitpid(second, NULL, 0);
	return 0;
}
