/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storm COUNT WIDTH PROGRAM: COUNT processes as fast as it goes, WIDTH at a time, each runs PROGRAM. Prints "pid status" of
 * each in the order they end.
 */
#include "truth.h"
#include <sys/wait.h>

int main(int argc, char **argv)
{
	int count = argc > 3 ? atoi(argv[1]) : 0;
	int width = argc > 3 ? atoi(argv[2]) : 0;
	int running = 0;
	int started = 0;
	int status;

	while (started < count || running > 0) {
		if (started < count && running < width) {
			pid_t child = vfork();
			if (child == 0) {
				execl(argv[3], argv[3], NULL);
				_exit(99);
			}
			if (child < 0)
				DIE("vfork");
			started++;
			running++;
			continue;
		}
		pid_t ended = wait(&status);
		if (ended < 0)
			DIE("wait");
		running--;
		truth("%d %d\n", ended, status);
	}
	return 0;
}
