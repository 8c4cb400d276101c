// SPDX-License-Identifier: Apache-2.0
// Runs a program from memory: copies the file that it is given into a memfd and executes that. Prints its pid first.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	int from = open(argv[1], O_RDONLY | O_CLOEXEC);
	int memory = memfd_create("payload", MFD_CLOEXEC);
	struct stat stat;
	if (from < 0 || memory < 0 || fstat(from, &stat) != 0)
		return 3;
	for (off_t left = stat.st_size; left > 0;) {
		ssize_t sent = sendfile(memory, from, NULL, left);
		if (sent <= 0)
			return 4;
		left -= sent;
	}
	printf("%d\n", getpid());
	fflush(stdout);
	fexecve(memory, argv + 1, (char *[]){NULL});
	return 5;
}
