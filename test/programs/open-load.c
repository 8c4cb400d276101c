/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open-load: prints its pid, then opens for each line "FLAGS PATH" on standard input, and at an empty line prints a digit for
 * each: 0 it opened, 1 it was denied (EPERM), 2 any other error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	static char line[8192], answers[1 << 16];
	size_t count = 0;

	printf("%d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		char *path;
		int flags, fd;

		line[strcspn(line, "\n")] = 0;
		if (!*line) {
			answers[count] = 0;
			puts(answers);
			fflush(stdout);
			count = 0;
			continue;
		}
		flags = strtol(line, &path, 0);
		fd = open(path + 1, flags, 0666);
		answers[count++ % (sizeof(answers) - 1)] = fd >= 0	    ? '0'
							   : errno == EPERM ? '1'
									    : '2';
		if (fd >= 0)
			close(fd);
	}
	return 0;
}
