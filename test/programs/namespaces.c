/* SPDX-License-Identifier: Apache-2.0 */
/* namespaces: goes into namespaces of its own in every way there is, and prints each call and where it then is. */
#include "truth.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

static const char *names[] = {"uts", "ipc",  "mnt",    "pid", "pid_for_children",
			      "net", "time", "cgroup", "user"};

static void print_namespaces(const char *of)
{
	char path[64];
	struct stat file;

	truth("\"ns\":{");
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "/proc/%s/ns/%s", of, names[i]);
		/* a namespace of pids without a process yet has no number there: read from the event */
		truth("%s\"%s\":%lu", i ? "," : "", names[i], stat(path, &file) ? 0 : file.st_ino);
	}
	truth("}}\n");
}

static void say(const char *call, unsigned flags, long child, long result)
{
	char of[32] = "thread-self";

	truth("{\"pid\":%d,\"call\":\"%s\",\"flags\":%u,\"child\":%ld,\"result\":%ld,", getpid(),
	      call, flags, child, result);
	if (child)
		snprintf(of, sizeof(of), "%ld", child);
	print_namespaces(of);
}

static long checked(long result)
{
	return result < 0 ? -errno : result;
}

static void unshare_(unsigned flags)
{
	say("unshare", flags, 0, checked(unshare(flags)));
}

static void setns_(int fd, unsigned type)
{
	say("setns", type, 0, checked(setns(fd, type)));
}

/* A child that waits for its end. */
static void clone_(unsigned flags)
{
	long child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (!child)
		for (;;)
			pause();
	say("clone", flags, child < 0 ? 0 : child, checked(child));
	if (child < 0)
		return;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

int main(void)
{
	int uts = open("/proc/self/ns/uts", O_RDONLY), ipc = open("/proc/self/ns/ipc", O_RDONLY);

	say("", 0, 0, 0);
	unshare_(CLONE_NEWUTS | CLONE_NEWIPC);
	unshare_(CLONE_NEWNS | CLONE_FS);
	unshare_(CLONE_NEWNET | CLONE_NEWCGROUP);
	unshare(CLONE_FILES);
	setns_(uts, CLONE_NEWUTS);
	setns_(ipc, 0);
	setns_(-1, CLONE_NEWNET);
	setns_(uts, CLONE_NEWIPC);
	clone_(CLONE_NEWUTS | CLONE_NEWPID);
	clone_(CLONE_NEWNS | CLONE_FS);
	clone_(CLONE_NEWUSER);
	unshare_(CLONE_NEWUSER);
	return 0;
}
