/* SPDX-License-Identifier: Apache-2.0 */
/*
 * denied-opens COUNT THREADS DENIED... -- ALLOWED...: threads that open one file each, over and over, until those of the
 * denied files have tried COUNT times together; prints how many opens passed and how many were denied, of either sort. The
 * paths have different lengths, so that whoever took one for another would decide wrongly.
 */
#include "truth.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

struct thread {
	pthread_t id;
	const char *path;
	int denied;
};

static long most;
static atomic_long tried[2], passed[2], refused[2], failed;

static void *work(void *argument)
{
	struct thread *self = argument;
	int sort = self->denied;

	while (atomic_load_explicit(&tried[1], memory_order_relaxed) < most) {
		int fd = open(self->path, O_RDONLY);

		atomic_fetch_add(&tried[sort], 1);
		if (fd >= 0) {
			atomic_fetch_add(&passed[sort], 1);
			close(fd);
		} else {
			atomic_fetch_add(errno == EPERM ? &refused[sort] : &failed, 1);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct thread threads[64];
	int count, split = 3, end = argc;

	if (argc < 6)
		exit(98);
	most = atol(argv[1]);
	count = atoi(argv[2]);
	while (split < argc && strcmp(argv[split], "--"))
		split++;
	if (count > 64 || split + 1 >= end || split == 3)
		exit(98);
	for (int i = 0; i < count; i++) {
		int denied = i % 2 == 0, from = denied ? 3 : split + 1;
		int files = denied ? split - 3 : end - split - 1;

		threads[i].denied = denied;
		threads[i].path = argv[from + i / 2 % files];
		if (pthread_create(&threads[i].id, NULL, work, &threads[i]))
			DIE("pthread_create");
	}
	for (int i = 0; i < count; i++)
		pthread_join(threads[i].id, NULL);
	truth("{\"denied\":{\"tried\":%ld,\"passed\":%ld,\"refused\":%ld},", tried[1], passed[1],
	      refused[1]);
	truth("\"allowed\":{\"tried\":%ld,\"passed\":%ld,\"refused\":%ld},\"failed\":%ld}\n",
	      tried[0], passed[0], refused[0], failed);
	return 0;
}
