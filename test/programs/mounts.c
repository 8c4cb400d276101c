/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts: mounts in a mount namespace of its own, then changes its root there; prints each call, what came of it, and what
 * the kernel says of the mount. The working directory holds the directories `tree`, `bound`, `new`, `root` and `root/old`.
 */
#include "truth.h"
#include <errno.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>

int mount(const char *, const char *, const char *, unsigned long, const void *);

static void mountinfo(const char *target)
{
	static char line[8192];
	FILE *file = fopen("/proc/self/mountinfo", "r");
	char found[8192] = "", at[PATH_MAX];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %*s %*s %*s %4095s", at) == 1 && !strcmp(at, target))
			snprintf(found, sizeof(found), "%s", line);
	}
	if (file)
		fclose(file);
	found[strcspn(found, "\n")] = 0;
	truth(",\"info\":\"%s\"}\n", found);
}

static void say(const char *call, const char *source, const char *target, const char *type,
		unsigned long flags, const char *options, long result)
{
	char path[PATH_MAX] = "";

	if (!realpath(target, path))
		snprintf(path, sizeof(path), "%s", target);
	truth("{\"pid\":%d,\"call\":\"%s\",\"source\":\"%s\",\"mount_point\":\"%s\",\"fs_type\":\"%"
	      "s\","
	      "\"flags\":%lu,\"options\":\"%s\",\"result\":%ld",
	      getpid(), call, source, path, type, flags, options, result);
	mountinfo(path);
}

static void by_mount(const char *source, const char *target, const char *type, unsigned long flags,
		     const char *options)
{
	long result = mount(source, target, type, flags, options);

	say("mount", source, target, type ? type : "", flags, options ? options : "",
	    result < 0 ? -errno : result);
}

static void by_move_mount(const char *target)
{
	int fs = syscall(SYS_fsopen, "tmpfs", 0), fd;
	long result;

	if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", "reeve-new", 0) ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		DIE("fsopen");
	fd = syscall(SYS_fsmount, fs, 0, MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
	if (fd < 0)
		DIE("fsmount");
	result = syscall(SYS_move_mount, fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
	say("move_mount", "reeve-new", target, "tmpfs", MS_NOEXEC | MS_RDONLY | MS_RELATIME, "",
	    result < 0 ? -errno : result);
}

static void by_pivot_root(void)
{
	static char new_root[] = "root", put_old[] = "root/../root/old";
	char path[PATH_MAX], old[PATH_MAX + 4];
	long result;

	if (!realpath(new_root, path))
		DIE("root");
	snprintf(old, sizeof(old), "%s/old", path);
	result = syscall(SYS_pivot_root, new_root, put_old);
	truth("{\"pid\":%d,\"call\":\"pivot_root\",\"new_root\":\"%s\",\"put_old\":\"%s\","
	      "\"result\":%ld}\n",
	      getpid(), path, old, result < 0 ? -errno : result);
}

int main(void)
{
	if (unshare(CLONE_NEWNS))
		DIE("unshare");
	by_mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	by_mount("reeve-tmpfs", "tree", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=0700");
	by_mount("tree", "./bound/../bound", NULL, MS_BIND, NULL);
	by_mount("reeve-none", "tree", "no-such-type", MS_RDONLY, "");
	by_move_mount("new");
	by_pivot_root();
	by_mount("root", "root", NULL, MS_BIND, NULL);
	by_pivot_root();
	return 0;
}
