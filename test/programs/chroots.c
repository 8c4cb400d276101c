/* SPDX-License-Identifier: Apache-2.0 */
/* chroots DIRECTORY...: makes each its root, and prints what came of it and what the kernel says of the new root. */
#include "truth.h"
#include <errno.h>
#include <sys/sysmacros.h>

int main(int argc, char **argv)
{
	for (int at = 1; at < argc; at++) {
		int result = chroot(argv[at]) ? -errno : 0;
		struct stat root;

		if (stat("/", &root))
			DIE("stat");
		truth("{\"pid\":%d,\"result\":%d,\"inode\":%llu,\"device\":\"%u:%u\",\"links\":%"
		      "llu,"
		      "\"uid\":%u,\"gid\":%u,\"mode\":%u}\n",
		      getpid(), result, (unsigned long long)root.st_ino, major(root.st_dev),
		      minor(root.st_dev), (unsigned long long)root.st_nlink, root.st_uid,
		      root.st_gid, root.st_mode & 07777);
	}
	return 0;
}
