/* SPDX-License-Identifier: Apache-2.0 */
/* ptraces: takes hold of a child of its own in every way there is, and prints each call and what came of it. */
#include "truth.h"
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

static volatile unsigned long word = 0x1122334455667788;

static void say(const char *request, int target, int named, unsigned long address,
		unsigned long data, long result)
{
	truth("{\"pid\":%d,\"request\":\"%s\",\"target\":%d,\"target_pid\":%d,\"address\":\"0x%"
	      "lx\","
	      "\"data\":\"0x%lx\",\"result\":%ld}\n",
	      getpid(), request, target, named, address, data, result);
}

static long checked(long result)
{
	return result < 0 ? -errno : result;
}

static void by_ptrace(const char *name, int request, int target, void *address, unsigned long data)
{
	long result = checked(syscall(SYS_ptrace, request, target, address, data));

	say(name, result == -ESRCH && target == 0x3fffff ? 0 : target, target,
	    (unsigned long)address, data, result);
}

/* Memory and descriptors, without being its tracer. */
static void without_ptrace(int child)
{
	unsigned long copy = 0;
	struct iovec own = {&copy, sizeof(copy)}, other = {(void *)&word, sizeof(word)};
	int pidfd = syscall(SYS_pidfd_open, child, 0);

	say("process_vm_readv", child, child, (unsigned long)&word, sizeof(word),
	    checked(process_vm_readv(child, &own, 1, &other, 1, 0)));
	say("process_vm_writev", child, child, (unsigned long)&word, sizeof(word),
	    checked(process_vm_writev(child, &own, 1, &other, 1, 0)));
	say("pidfd_getfd", child, pidfd, 0, TRUTH_FD,
	    checked(syscall(SYS_pidfd_getfd, pidfd, TRUTH_FD, 0)));
}

/* A 32-bit system call from a 64-bit program: it is traced no more, so this fails. */
static void by_ia32(int child)
{
#ifdef __x86_64__
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(26), "b"(PTRACE_CONT), "c"(child), "d"(0x1234), "S"(SIGUSR1)
		     : "memory", "r8", "r9", "r10", "r11");
	say("PTRACE_CONT", child, child, 0x1234, SIGUSR1, result);
#else
	(void)child;
#endif
}

static void traceme(void)
{
	int child = fork();

	if (!child) {
		say("PTRACE_TRACEME", getppid(), 0, 0, 0,
		    checked(syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0)));
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

int main(void)
{
	unsigned long peeked = 0;
	int child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	by_ptrace("PTRACE_ATTACH", PTRACE_ATTACH, child, NULL, 0);
	waitpid(child, NULL, __WALL);
	by_ptrace("PTRACE_PEEKDATA", PTRACE_PEEKDATA, child, (void *)&word, (unsigned long)&peeked);
	by_ptrace("PTRACE_POKEDATA", PTRACE_POKEDATA, child, (void *)&word, 0xfedcba9876543210);
	by_ptrace("PTRACE_DETACH", PTRACE_DETACH, child, NULL, 0);
	by_ptrace("PTRACE_SEIZE", PTRACE_SEIZE, 0x3fffff, NULL, PTRACE_O_EXITKILL);
	without_ptrace(child);
	by_ia32(child);
	traceme();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return 0;
}
