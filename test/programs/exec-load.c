/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec-load WIDTH COUNT [RATE]: WIDTH workers start COUNT short-lived processes in all, as fast as they can or RATE in a
 * second. Prints {"execs": COUNT, "wall_ns": time from the first to the last one's end}.
 */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void work(long count, double pause)
{
	char *const argv[] = {"/bin/true", "one", "of", "many", NULL};
	char *const envp[] = {NULL};
	long long start = now();

	for (long i = 0; i < count; i++) {
		pid_t pid;

		if (pause > 0) {
			long long left = start + (long long)(i * pause) - now();
			struct timespec t = {left / 1000000000LL, left % 1000000000LL};

			if (left > 0)
				nanosleep(&t, NULL);
		}
		if (posix_spawn(&pid, argv[0], NULL, NULL, argv, envp))
			_exit(1);
		waitpid(pid, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	long width = argc > 1 ? atol(argv[1]) : 0;
	long count = argc > 2 ? atol(argv[2]) : 0;
	double rate = argc > 3 ? atof(argv[3]) : 0;
	int failed = 0;
	long long start;

	if (width < 1 || count < width) {
		fprintf(stderr, "usage: exec-load WIDTH COUNT [RATE]\n");
		return 2;
	}
	start = now();
	for (long i = 0; i < width; i++) {
		if (fork() == 0) {
			work(count / width + (i < count % width),
			     rate > 0 ? 1e9 * width / rate : 0);
			_exit(0);
		}
	}
	for (long i = 0; i < width; i++) {
		int status;

		wait(&status);
		failed |= status;
	}
	printf("{\"execs\": %ld, \"wall_ns\": %lld}\n", count, now() - start);
	return failed != 0;
}
