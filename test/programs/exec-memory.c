/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec-memory WAY [FILE] [WAY [FILE]]...: makes executable memory in one way after the other, and prints where it lies and of what
 * file it is. Nothing in it is run.
 */
#include "truth.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

static char **arguments;

struct made {
	void *at;
	size_t length;
	off_t offset;
	int fd;
	int error;
};

static const char *next(void)
{
	if (!*arguments)
		exit(98);
	return *arguments++;
}

static struct made map(const char *path, size_t length, int protection, int flags, off_t offset)
{
	struct made made = {.length = length, .offset = offset, .fd = -1};

	if (path) {
		made.fd = open(path, O_RDONLY);
		if (made.fd < 0)
			DIE(path);
	}
	made.at = mmap(NULL, length, protection, flags, made.fd, offset);
	if (made.at == MAP_FAILED) {
		made.error = -errno;
		made.at = NULL;
	}
	return made;
}

static struct made protect(struct made made)
{
	if (made.at && mprotect(made.at, made.length, PROT_READ | PROT_EXEC))
		made.error = -errno;
	return made;
}

static struct made make(const char *way)
{
	if (!strcmp(way, "library"))
		return map(next(), 8192, PROT_READ | PROT_EXEC, MAP_PRIVATE, 4096);
	if (!strcmp(way, "data"))
		return map(next(), 4096, PROT_READ, MAP_PRIVATE, 0);
	if (!strcmp(way, "anonymous"))
		return map(NULL, 12288, PROT_READ | PROT_WRITE | PROT_EXEC,
			   MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (!strcmp(way, "protect"))
		return protect(
			map(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0));
	if (!strcmp(way, "protect-file"))
		return protect(map(next(), 4096, PROT_READ, MAP_PRIVATE, 0));
	exit(98);
}

int main(int argc, char **argv)
{
	(void)argc;
	arguments = argv + 1;
	while (*arguments) {
		const char *way = next();
		struct made made = make(way);
		struct stat file = {0};

		if (made.fd >= 0 && fstat(made.fd, &file))
			DIE("fstat");
		truth("{\"way\":\"%s\",\"pid\":%d,\"result\":%d,\"address\":\"0x%lx\",\"length\":%"
		      "zu,\"offset\":%ld",
		      way, getpid(), made.error, (unsigned long)made.at, made.length,
		      (long)made.offset);
		if (made.fd >= 0)
			truth(",\"inode\":%llu,\"device\":\"%u:%u\",\"links\":%llu,\"uid\":%u,"
			      "\"gid\":%u,\"mode\":%u",
			      (unsigned long long)file.st_ino, major(file.st_dev),
			      minor(file.st_dev), (unsigned long long)file.st_nlink, file.st_uid,
			      file.st_gid, file.st_mode);
		truth("}\n");
	}
	return 0;
}
