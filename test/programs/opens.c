/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opens WAY PATH [WAY PATH]...: opens each path in a way, and prints what the kernel itself says of the new descriptor: its
 * number or the error, where it leads, its flags and its file's status. Descriptors stay open, so each has a number of its
 * own.
 */
#include "truth.h"
#include <errno.h>
#include <linux/io_uring.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

static int checked(int fd)
{
	return fd < 0 ? -errno : fd;
}

static int by_openat2(const char *path)
{
	struct open_how how = {
		.flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		.mode = 0640,
	};

	return checked(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

/* For reading, with the caller's own idea of a root: the path's first directory. */
static int by_resolve(const char *path)
{
	struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT};
	char root[4096];
	const char *rest = strchr(path + 1, '/');
	int directory, fd;

	snprintf(root, sizeof(root), "%.*s", (int)(rest - path), path);
	directory = open(root, O_PATH | O_DIRECTORY);
	if (directory < 0)
		return -errno;
	fd = checked(syscall(SYS_openat2, directory, rest, &how, sizeof(how)));
	close(directory);
	return fd;
}

/* In a copy of its directory's mount that is mounted nowhere. */
static int by_tree(const char *path)
{
	char parent[4096];
	const char *name = strrchr(path, '/') + 1;
	int tree, fd;

	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	tree = syscall(SYS_open_tree, AT_FDCWD, parent, OPEN_TREE_CLONE | O_CLOEXEC);
	if (tree < 0)
		return -errno;
	fd = checked(openat(tree, name, O_RDONLY));
	close(tree);
	return fd;
}

/* No open at all: a read through a descriptor that is there, by its number. */
static int by_inherited(const char *number)
{
	char byte;
	int fd = atoi(number);

	return read(fd, &byte, 1) < 0 ? -errno : fd;
}

/* First a descriptor that may do nothing, which no hook is asked about, then a real one through it. */
static int by_path_descriptor(const char *path)
{
	char again[64];
	int fd = open(path, O_PATH);

	if (fd < 0)
		return -errno;
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	return checked(open(again, O_RDONLY));
}

static int by_handle(const char *path)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} u = {.handle.handle_bytes = MAX_HANDLE_SZ};
	int mount, directory, fd;
	char parent[4096];

	if (name_to_handle_at(AT_FDCWD, path, &u.handle, &mount, 0))
		return -errno;
	snprintf(parent, sizeof(parent), "%s", path);
	*(strrchr(parent, '/') + 1) = 0;
	directory = open(parent, O_RDONLY | O_DIRECTORY);
	fd = checked(open_by_handle_at(directory, &u.handle, O_RDONLY));
	return fd;
}

/* The system call's own flag, not a library's. */
static int by_fchdir(const char *path)
{
	char parent[4096];
	const char *name = strrchr(path, '/') + 1;
	int directory, fd;

	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	directory = open(parent, O_PATH | O_DIRECTORY);
	if (directory < 0)
		return -errno;
	fd = checked(openat(directory, name, O_RDONLY | O_NOFOLLOW));
	return fd;
}

/* One open through a ring of its own; -ENOSYS where the kernel has none. IOSQE_ASYNC: by a worker thread of the kernel. */
static int by_ring(const char *path, unsigned flags)
{
	struct io_uring_params params = {0};
	int ring = syscall(SYS_io_uring_setup, 2, &params);
	unsigned char *submissions, *completions;
	struct io_uring_sqe *entry;
	struct io_uring_cqe *done;

	if (ring < 0)
		return -errno;
	submissions = mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned),
			   PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	completions = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(*done),
			   PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
	entry = mmap(NULL, params.sq_entries * sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED,
		     ring, IORING_OFF_SQES);
	if (submissions == MAP_FAILED || completions == MAP_FAILED || (void *)entry == MAP_FAILED)
		DIE("io_uring");
	memset(entry, 0, sizeof(*entry));
	entry->opcode = IORING_OP_OPENAT;
	entry->flags = flags;
	entry->fd = AT_FDCWD;
	entry->addr = (unsigned long)path;
	entry->open_flags = O_RDONLY;
	((unsigned *)(submissions + params.sq_off.array))[0] = 0;
	__atomic_store_n((unsigned *)(submissions + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	done = (struct io_uring_cqe *)(completions + params.cq_off.cqes);
	close(ring);
	return done->res;
}

/* A 32-bit system call from a 64-bit program: number and registers are others. */
static int by_ia32(const char *path)
{
#ifdef __x86_64__
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	long result;

	if (low == MAP_FAILED)
		DIE("mmap");
	snprintf(low, 4096, "%s", path);
	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(295), "b"(AT_FDCWD), "c"(low), "d"(O_WRONLY | O_APPEND), "S"(0)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
#else
	(void)path;
	return -ENOSYS;
#endif
}

static int open_by(const char *way, const char *path)
{
	if (!strcmp(way, "open"))
		return checked(syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0));
	if (!strcmp(way, "append"))
		return checked(open(path, O_WRONLY | O_APPEND | O_CLOEXEC));
	if (!strcmp(way, "write"))
		return checked(open(path, O_WRONLY | O_TRUNC));
	if (!strcmp(way, "create"))
		return checked(open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
	if (!strcmp(way, "creat"))
		return checked(creat(path, 0604));
	if (!strcmp(way, "openat2"))
		return by_openat2(path);
	if (!strcmp(way, "resolve"))
		return by_resolve(path);
	if (!strcmp(way, "tree"))
		return by_tree(path);
	if (!strcmp(way, "inherited"))
		return by_inherited(path);
	if (!strcmp(way, "openat"))
		return by_fchdir(path);
	if (!strcmp(way, "directory"))
		return checked(open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK));
	if (!strcmp(way, "temporary"))
		return checked(open(path, O_RDWR | O_TMPFILE, 0600));
	if (!strcmp(way, "path"))
		return checked(open(path, O_PATH));
	if (!strcmp(way, "descriptor"))
		return by_path_descriptor(path);
	if (!strcmp(way, "handle"))
		return by_handle(path);
	if (!strcmp(way, "ring"))
		return by_ring(path, 0);
	if (!strcmp(way, "worker"))
		return by_ring(path, IOSQE_ASYNC);
	if (!strcmp(way, "ia32"))
		return by_ia32(path);
	if (!strcmp(way, "memfd"))
		return checked(memfd_create(path, 0));
	fprintf(stderr, "opens: no way %s\n", way);
	exit(98);
}

static void say(const char *way, int fd)
{
	char link[64];
	struct stat file;

	truth("{\"way\":\"%s\",\"pid\":%d,\"result\":%d", way, getpid(), fd);
	if (fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (fstat(fd, &file))
			DIE("fstat");
		truth(",");
		truth_link("link", link);
		truth("\"flags\":%d,\"cloexec\":%d,\"inode\":%llu,\"device\":\"%u:%u\",\"links\":%"
		      "llu,",
		      fcntl(fd, F_GETFL), fcntl(fd, F_GETFD), (unsigned long long)file.st_ino,
		      major(file.st_dev), minor(file.st_dev), (unsigned long long)file.st_nlink);
		truth("\"uid\":%u,\"gid\":%u,\"mode\":%u", file.st_uid, file.st_gid, file.st_mode);
	}
	truth("}\n");
}

int main(int argc, char **argv)
{
	for (int at = 1; at + 1 < argc; at += 2)
		say(argv[at], open_by(argv[at], argv[at + 1]));
	return 0;
}
