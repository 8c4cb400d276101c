/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file-acts WAY ARGUMENT... [WAY ARGUMENT...]...: changes files in one way after the other, and prints of each what the system
 * call returned, and what the file that it was about was before (without following a link).
 */
#include "truth.h"
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

static char **arguments;

static const char *next(void)
{
	if (!*arguments) {
		fprintf(stderr, "file-acts: an argument is missing\n");
		exit(98);
	}
	return *arguments++;
}

static long number(void)
{
	return strtol(next(), NULL, 0);
}

static long checked(long result)
{
	return result < 0 ? -errno : result;
}

/* The directory that a path lies in, opened; `name` is then what is left of it. */
static int parent(const char *path, const char **name)
{
	char directory[4096];
	int fd;

	*name = strrchr(path, '/') + 1;
	snprintf(directory, sizeof(directory), "%.*s", (int)(*name - path), path);
	fd = open(directory, O_PATH | O_DIRECTORY);
	if (fd < 0)
		DIE(directory);
	return fd;
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		DIE(path);
	return fd;
}

static struct stat before;
static int known;

/* Remembers what a path stands for. */
static const char *look(const char *path)
{
	known = !lstat(path, &before);
	return path;
}

#ifdef __x86_64__
/* A 32-bit system call from a 64-bit program, with a path below 4 GB. */
#include <sys/mman.h>
static long by_ia32(long call, const char *path, long second)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long result;

	if (low == MAP_FAILED)
		DIE("mmap");
	snprintf(low, 4096, "%s", path);
	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(call), "b"(low), "c"(second)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}
#endif

static long write_ways(const char *path, long count)
{
	int fd = opened(path, O_WRONLY | O_APPEND);
	long written = 0;

	for (long i = 0; i < count; i++)
		written += write(fd, "0123456789", 10);
	close(fd);
	return written;
}

static long other_writes(const char *path)
{
	struct iovec parts[2] = {{"abc", 3}, {"defg", 4}};
	int fd = opened(path, O_RDWR), from = opened("/proc/self/exe", O_RDONLY);
	long written = pwrite(fd, "xy", 2, 0);

	written += writev(fd, parts, 2);
	written += pwritev(fd, parts, 2, 4);
	written += sendfile(fd, from, NULL, 100);
	close(from);
	close(fd);
	return written;
}

static long act(const char *way)
{
	const char *name, *path, *other;
	int fd, second;

	if (!strcmp(way, "unlink"))
		return checked(syscall(SYS_unlinkat, AT_FDCWD, look(next()), 0));
	if (!strcmp(way, "unlinkat")) {
		path = look(next());
		fd = parent(path, &name);
		return checked(unlinkat(fd, name, 0));
	}
	if (!strcmp(way, "rmdir"))
		return checked(rmdir(look(next())));
	if (!strcmp(way, "mkdir")) {
		path = look(next());
		return checked(mkdir(path, number()));
	}
	if (!strcmp(way, "mkdirat")) {
		path = look(next());
		fd = parent(path, &name);
		return checked(mkdirat(fd, name, number()));
	}
	if (!strcmp(way, "rename")) {
		path = look(next());
		return checked(rename(path, next()));
	}
	if (!strcmp(way, "renameat2")) {
		path = look(next());
		other = next();
		fd = parent(path, &name);
		second = parent(other, &other);
		return checked(syscall(SYS_renameat2, fd, name, second, other, number()));
	}
	if (!strcmp(way, "link")) {
		path = look(next());
		return checked(link(path, next()));
	}
	if (!strcmp(way, "linkat")) {
		path = look(next());
		other = next();
		fd = parent(path, &name);
		second = parent(other, &other);
		return checked(linkat(fd, name, second, other, 0));
	}
	if (!strcmp(way, "symlink")) {
		path = next();
		return checked(symlink(path, look(next())));
	}
	if (!strcmp(way, "symlinkat")) {
		path = next();
		fd = parent(look(next()), &name);
		return checked(symlinkat(path, fd, name));
	}
	if (!strcmp(way, "chmod")) {
		path = look(next());
		return checked(chmod(path, number()));
	}
	if (!strcmp(way, "fchmod")) {
		fd = opened(look(next()), O_RDONLY);
		return checked(fchmod(fd, number()));
	}
	if (!strcmp(way, "fchmodat")) {
		path = look(next());
		fd = parent(path, &name);
		return checked(fchmodat(fd, name, number(), 0));
	}
	if (!strcmp(way, "chown")) {
		path = look(next());
		second = number();
		return checked(chown(path, second, number()));
	}
	if (!strcmp(way, "lchown")) {
		path = look(next());
		second = number();
		return checked(lchown(path, second, number()));
	}
	if (!strcmp(way, "fchown")) {
		fd = opened(look(next()), O_RDONLY);
		second = number();
		return checked(fchown(fd, second, number()));
	}
	if (!strcmp(way, "fchownat")) {
		path = look(next());
		fd = parent(path, &name);
		second = number();
		return checked(fchownat(fd, name, second, number(), 0));
	}
	if (!strcmp(way, "truncate")) {
		path = look(next());
		return checked(truncate(path, number()));
	}
	if (!strcmp(way, "ftruncate")) {
		fd = opened(look(next()), O_WRONLY);
		return checked(ftruncate(fd, number()));
	}
	if (!strcmp(way, "empty"))
		return checked(open(look(next()), O_WRONLY | O_TRUNC));
	if (!strcmp(way, "create"))
		return checked(open(look(next()), O_WRONLY | O_CREAT | O_TRUNC, 0644));
	if (!strcmp(way, "write")) {
		path = look(next());
		return write_ways(path, number());
	}
	if (!strcmp(way, "writes"))
		return other_writes(look(next()));
	if (!strcmp(way, "pause")) {
		usleep(number() * 1000);
		return 0;
	}
#ifdef __x86_64__
	if (!strcmp(way, "ia32-unlink"))
		return by_ia32(10, look(next()), 0);
	if (!strcmp(way, "ia32-chmod")) {
		path = look(next());
		return by_ia32(15, path, number());
	}
#endif
	fprintf(stderr, "file-acts: no way %s\n", way);
	exit(98);
}

int main(int argc, char **argv)
{
	(void)argc;
	arguments = argv + 1;
	while (*arguments) {
		const char *way = next();
		long result;

		known = 0;
		result = act(way);
		truth("{\"way\":\"%s\",\"pid\":%d,\"result\":%ld", way, getpid(), result);
		if (known)
			truth(",\"inode\":%llu,\"device\":\"%u:%u\",\"links\":%llu,\"uid\":%u,"
			      "\"gid\":%u,\"mode\":%u,\"size\":%llu",
			      (unsigned long long)before.st_ino, major(before.st_dev),
			      minor(before.st_dev), (unsigned long long)before.st_nlink,
			      before.st_uid, before.st_gid, before.st_mode,
			      (unsigned long long)before.st_size);
		truth("}\n");
	}
	return 0;
}
