/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what it is, by what the kernel says of it in /proc. The tests compare events with it. */
#include "truth.h"

static const char *namespaces[] = {"uts", "ipc",  "mnt",    "pid", "pid_for_children",
				   "net", "time", "cgroup", "user"};

int main(void)
{
	char path[64];
	char cwd[1 << 13] = "";
	struct stat file;

	truth("{\"pid\":%d,\"tid\":%ld,\"ppid\":%d,", getpid(), syscall(SYS_gettid), getppid());
	truth_file("stat", "/proc/self/stat");
	truth_file("status", "/proc/self/status");
	truth_file("cmdline", "/proc/self/cmdline");
	truth_file("cgroup", "/proc/self/cgroup");
	truth_file("loginuid", "/proc/self/loginuid");
	truth_link("exe", "/proc/self/exe");
	syscall(SYS_getcwd, cwd, sizeof(cwd));
	truth("\"cwd\":\"%s\",", cwd);
	truth("\"securebits\":%d,", prctl(PR_GET_SECUREBITS));
	for (unsigned i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", namespaces[i]);
		if (stat(path, &file))
			DIE(path);
		truth("\"ns_%s\":%lu,", namespaces[i], file.st_ino);
	}
	for (int fd = 0; fd < 3; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (!stat(path, &file))
			truth("\"fd%d\":%lu,", fd, file.st_ino);
	}
	if (stat("/proc/self/exe", &file))
		DIE("exe");
	truth("\"inode\":%lu,\"device\":\"%u:%u\",\"links\":%lu,\"uid\":%u,\"gid\":%u,\"mode\":%u}"
	      "\n",
	      file.st_ino, (unsigned)(file.st_dev >> 8 & 0xfff), (unsigned)(file.st_dev & 0xff),
	      file.st_nlink, file.st_uid, file.st_gid, file.st_mode);
	return 0;
}
