/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bursts WORKERS COUNT DIRECTORY: WORKERS processes at once, each as fast as it can, COUNT times: opens a file of its own in
 * DIRECTORY, closes it, changes its mode. Prints what was done in all, and each worker's pid.
 */
#include "truth.h"
#include <sys/wait.h>

static void work(int worker, long count, const char *directory)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/burst-%d", directory, worker);
	close(creat(path, 0600));
	for (long i = 0; i < count; i++) {
		int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);

		if (fd < 0)
			DIE("open");
		close(fd);
		if (chmod(path, i & 1 ? 0600 : 0640))
			DIE("chmod");
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	int workers = argc == 4 ? atoi(argv[1]) : 0, status, failed = workers < 1;
	long count = argc == 4 ? atol(argv[2]) : 0;

	for (int worker = 0; worker < workers; worker++)
		if (!fork())
			work(worker, count, argv[3]);
	for (int worker = 0; worker < workers; worker++)
		if (wait(&status) < 0 || status)
			failed = 1;
	/* each made its file with one open more */
	truth("{\"file_open\":%ld,\"file_chmod\":%ld}\n", workers * (count + 1), workers * count);
	return failed;
}
