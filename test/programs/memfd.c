/* SPDX-License-Identifier: Apache-2.0 */
/* memfd PROGRAM ARGS: runs a program from a file that lies in memory only. */
#include "truth.h"
#include <sys/mman.h>
#include <sys/sendfile.h>

extern char **environ;

int main(int argc, char **argv)
{
	int from = open(argv[1], O_RDONLY);
	int fd = memfd_create("payload", MFD_CLOEXEC);
	struct stat file;

	if (argc < 2 || from < 0 || fd < 0 || fstat(from, &file))
		DIE("memfd");
	if (sendfile(fd, from, NULL, file.st_size) != file.st_size)
		DIE("sendfile");
	fexecve(fd, argv + 1, environ);
	DIE("fexecve");
}
