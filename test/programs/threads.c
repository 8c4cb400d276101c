/* SPDX-License-Identifier: Apache-2.0 */
/*
 * threads exec PROGRAM ARGS: a thread that is not the leader execs; prints its thread id before
 * threads leader STATUS MS: the leader goes first, a thread ends the process so much later
 * threads race N: N threads that all exit at once, N times over, each time in a child
 */
#include "truth.h"
#include <pthread.h>
#include <sys/wait.h>

static char **arguments;
static int status;
static int delay;

static void *run(void *unused)
{
	(void)unused;
	truth("%ld\n", syscall(SYS_gettid));
	execv(arguments[0], arguments);
	DIE("execv");
}

static void *outlive(void *unused)
{
	(void)unused;
	usleep(delay * 1000);
	exit(status);
}

static void *go(void *barrier)
{
	pthread_barrier_wait(barrier);
	return NULL;
}

static void race(int count)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, count + 1);
	for (int i = 0; i < count; i++)
		pthread_create(&thread, NULL, go, &barrier);
	pthread_barrier_wait(&barrier);
	pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 3)
		return 99;
	arguments = argv + 2;
	status = atoi(argv[2]);
	delay = argc > 3 ? atoi(argv[3]) : 0;
	if (!strcmp(argv[1], "race")) {
		for (int i = 0; i < status; i++) {
			pid_t child = fork();
			if (child == 0)
				race(status);
			truth("%d\n", child);
			waitpid(child, NULL, 0);
		}
		return 0;
	}
	if (pthread_create(&thread, NULL, strcmp(argv[1], "exec") ? outlive : run, NULL))
		DIE("pthread_create");
	if (!strcmp(argv[1], "exec"))
		pause();
	pthread_exit(NULL);
}
