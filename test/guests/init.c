// SPDX-License-Identifier: Apache-2.0
// PID 1 of a guest: loads the modules beside it, mounts the host's root read-only under an overlay, runs /run/guest/command
// in it, leaves the exit code in /run/guest/code and turns the machine off. Says "guest: ready" on the console before the
// command starts, and "guest: ..." for what it could not do.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT "/new"
#define SHARE "/run/guest"

static void say(const char *what, const char *which)
{
	printf("guest: %s %s: %s\n", what, which, strerror(errno));
}

static void end(void)
{
	sync();
	reboot(RB_AUTOBOOT); // QEMU runs with -no-reboot
	for (;;)
		pause();
}

static void must_mount(const char *source, const char *target, const char *type,
		       unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data) == 0)
		return;
	say("cannot mount", target);
	end();
}

/* Filesystems that some kernels lack. */
static void try_mount(const char *type, const char *target)
{
	if (mount(type, target, type, 0, NULL) < 0)
		say("no", type);
}

static void load_modules(void)
{
	glob_t found;

	if (glob("/modules/*.ko", 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
			say("cannot load", found.gl_pathv[i]);
		close(fd);
	}
}

static void make_root(void)
{
	mkdir("/ro", 0755);
	mkdir("/rw", 0755);
	mkdir(ROOT, 0755);
	must_mount("root", "/ro", "9p", MS_RDONLY,
		   "trans=virtio,version=9p2000.L,msize=1048576,cache=loose");
	must_mount("tmpfs", "/rw", "tmpfs", 0, NULL);
	mkdir("/rw/upper", 0755);
	mkdir("/rw/work", 0755);
	must_mount("overlay", ROOT, "overlay", 0,
		   "lowerdir=/ro,upperdir=/rw/upper,workdir=/rw/work");
	must_mount("proc", ROOT "/proc", "proc", 0, NULL);
	must_mount("sysfs", ROOT "/sys", "sysfs", 0, NULL);
	must_mount("devtmpfs", ROOT "/dev", "devtmpfs", 0, NULL);
	mkdir(ROOT "/dev/pts", 0755);
	mkdir(ROOT "/dev/shm", 01777);
	must_mount("devpts", ROOT "/dev/pts", "devpts", 0, NULL);
	must_mount("tmpfs", ROOT "/dev/shm", "tmpfs", 0, NULL);
	must_mount("tmpfs", ROOT "/run", "tmpfs", 0, "mode=755");
	mkdir(ROOT SHARE, 0755);
	must_mount("share", ROOT SHARE, "9p", 0, "trans=virtio,version=9p2000.L,msize=262144");
	try_mount("cgroup2", ROOT "/sys/fs/cgroup");
	try_mount("bpf", ROOT "/sys/fs/bpf");
	try_mount("securityfs", ROOT "/sys/kernel/security");
	try_mount("tracefs", ROOT "/sys/kernel/tracing");
	try_mount("debugfs", ROOT "/sys/kernel/debug");
}

/* As switch_root does: no path of the new root has anything above it. */
static void enter_root(void)
{
	if (chdir(ROOT) == 0 && mount(".", "/", NULL, MS_MOVE, NULL) == 0 && chroot(".") == 0 &&
	    chdir("/") == 0)
		return;
	say("cannot enter", ROOT);
	end();
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(request.ifr_name, "lo");
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		say("cannot bring up", "lo");
	close(fd);
}

/* The port that becomes the command's stdout and stderr; the console where there is none. */
static int open_output(void)
{
	glob_t found;
	char path[300], name[64];

	if (glob("/sys/class/virtio-ports/*", 0, NULL, &found) != 0)
		return -1;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		FILE *file;

		snprintf(path, sizeof(path), "%s/name", found.gl_pathv[i]);
		file = fopen(path, "re");
		if (!file || !fgets(name, sizeof(name), file) ||
		    strcmp(name, "guest.output\n") != 0)
			continue;
		snprintf(path, sizeof(path), "/dev/%s", strrchr(found.gl_pathv[i], '/') + 1);
		return open(path, O_WRONLY | O_CLOEXEC);
	}
	return -1;
}

static int run_command(void)
{
	int output = open_output(), status = 0, null;
	pid_t child, ended;

	if (output < 0)
		say("no output port:", "the command writes to the console");
	puts("guest: ready");
	child = fork();
	if (child == 0) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		if (output >= 0) {
			dup2(output, 1);
			dup2(output, 2);
		}
		setsid();
		execl("/bin/sh", "sh", SHARE "/command", NULL);
		say("cannot run", SHARE "/command");
		_exit(127);
	}
	do
		ended = wait(&status);
	while (ended != child && !(ended < 0 && errno == ECHILD));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(void)
{
	FILE *file;
	int code;

	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	freopen("/dev/console", "w", stdout);
	setvbuf(stdout, NULL, _IOLBF, 0);
	must_mount("proc", "/proc", "proc", 0, NULL);
	must_mount("sysfs", "/sys", "sysfs", 0, NULL);
	load_modules();
	make_root();
	enter_root();
	sethostname("guest", 5);
	loopback_up();
	code = run_command();
	file = fopen(SHARE "/code", "we");
	if (!file || fprintf(file, "%d\n", code) < 0 || fclose(file) != 0)
		say("cannot write", SHARE "/code");
	umount2(SHARE, MNT_DETACH);
	end();
}
