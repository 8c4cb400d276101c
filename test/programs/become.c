/* SPDX-License-Identifier: Apache-2.0 */
/*
 * become WHAT... -- PROGRAM ARGS: takes other identities, then execs.
 *   auid=N securebits=N inheritable=BITS uids=R,E,S,F gids=R,E,S,F unshare (all namespaces, and a child) cwd=DIR tty
 *   cgroup=DIR chroot=DIR (and stays where it is)
 */
#include "truth.h"
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

static void inheritable(unsigned bits)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		DIE("capget");
	data[0].inheritable = bits;
	if (syscall(SYS_capset, &header, data))
		DIE("capset");
	for (int cap = 0; cap < 32; cap++) {
		if (bits >> cap & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0))
			DIE("ambient");
	}
}

static void ids(const char *text, int (*set)(unsigned, unsigned, unsigned), int (*set_fs)(unsigned))
{
	unsigned real, effective, saved, fs;

	if (sscanf(text, "%u,%u,%u,%u", &real, &effective, &saved, &fs) != 4)
		DIE(text);
	if (set(real, effective, saved))
		DIE("setres*id");
	set_fs(fs);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		DIE(path);
	close(fd);
}

static void in_new_namespaces(void)
{
	int all = CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
		  CLONE_NEWCGROUP | 0x80 /* CLONE_NEWTIME */;
	pid_t child;
	int status;

	if (unshare(all))
		DIE("unshare");
	child = fork();
	if (child < 0)
		DIE("fork");
	if (child == 0)
		return;
	waitpid(child, &status, 0);
	exit(WEXITSTATUS(status));
}

static void take_tty(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	int slave;

	if (fd < 0 || grantpt(fd) || unlockpt(fd))
		DIE("pty");
	setsid();
	slave = open(ptsname(fd), O_RDWR);
	if (slave < 0)
		DIE("pts");
	ioctl(slave, TIOCSCTTY, 0);
	dup2(slave, 0);
	dup2(slave, 1);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		char *value = strchr(argv[i], '=');

		value = value ? value + 1 : "";
		if (!strncmp(argv[i], "auid=", 5))
			write_file("/proc/self/loginuid", value);
		else if (!strncmp(argv[i], "securebits=", 11)) {
			if (prctl(PR_SET_SECUREBITS, atoi(value)))
				DIE("securebits");
		} else if (!strncmp(argv[i], "inheritable=", 12))
			inheritable(strtoul(value, NULL, 0));
		else if (!strncmp(argv[i], "uids=", 5))
			ids(value, setresuid, setfsuid);
		else if (!strncmp(argv[i], "gids=", 5))
			ids(value, setresgid, setfsgid);
		else if (!strncmp(argv[i], "cwd=", 4)) {
			if (chdir(value))
				DIE(value);
		} else if (!strncmp(argv[i], "chroot=", 7)) {
			if (chroot(value))
				DIE(value);
		} else if (!strncmp(argv[i], "cgroup=", 7)) {
			char path[4096];
			snprintf(path, sizeof(path), "%s/cgroup.procs", value);
			write_file(path, "0");
		} else if (!strcmp(argv[i], "unshare"))
			in_new_namespaces();
		else if (!strcmp(argv[i], "tty"))
			take_tty();
		else
			DIE(argv[i]);
	}
	execv(argv[i + 1], argv + i + 1);
	DIE(argv[i + 1]);
}
