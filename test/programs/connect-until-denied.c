/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect-until-denied PORT: connects a UDP socket to 127.0.0.1:PORT (no packet is sent) again and again, for at most 10 s,
 * and prints the wall clock in ns at which this was first refused with EPERM: {"denied_ns": ..., "connects": ...}.
 * Says "ready" first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	long long end = wall() + 10000000000LL;
	struct timespec pause = {0, 200000};

	if (argc < 2 || fd < 0)
		return 2;
	to.sin_port = htons(atoi(argv[1]));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	printf("ready\n");
	fflush(stdout);
	for (long connects = 1; wall() < end; connects++) {
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) && errno == EPERM) {
			printf("{\"denied_ns\": %lld, \"connects\": %ld}\n", wall(), connects);
			return 0;
		}
		nanosleep(&pause, NULL);
	}
	return 1;
}
