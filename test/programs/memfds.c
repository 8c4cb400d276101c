/* SPDX-License-Identifier: Apache-2.0 */
/* memfds: makes files in memory, and prints each call with what the kernel says of the file. */
#include "truth.h"
#include <errno.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>

static void make(const char *name, unsigned flags)
{
	int fd = syscall(SYS_memfd_create, name, flags);
	char link[64];
	struct stat file;

	truth("{\"pid\":%d,\"name\":\"%s\",\"flags\":%u,\"result\":%d", getpid(), name, flags,
	      fd < 0 ? -errno : fd);
	if (fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (fchown(fd, 1234, 4321) || fstat(fd, &file))
			DIE("fstat");
		truth(",");
		truth_link("link", link);
		truth("\"inode\":%llu,\"device\":\"%u:%u\",\"mode\":%u",
		      (unsigned long long)file.st_ino, major(file.st_dev), minor(file.st_dev),
		      file.st_mode);
	}
	truth("}\n");
}

int main(void)
{
	make("payload", MFD_CLOEXEC);
	make("with / and \xc3\xa4", MFD_ALLOW_SEALING);
	make("refused", 0x4000);
	return 0;
}
