/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match-load: for each line "COUNT ADDRESS PORT udp|tcp" on standard input connects a socket COUNT times, without waiting for
 * an answer, and prints the nanoseconds of CPU that one connect took, and how many of them were denied.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static socklen_t target(const char *address, int port, struct sockaddr_storage *to)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		return sizeof(*v6);
	}
	return 0;
}

int main(void)
{
	char address[64], protocol[8];
	long count;
	int port;

	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (scanf("%ld %63s %d %7s", &count, address, &port, protocol) == 4) {
		struct sockaddr_storage to;
		socklen_t length = target(address, port, &to);
		int type = strcmp(protocol, "tcp") ? SOCK_DGRAM : SOCK_STREAM;
		int fd = socket(to.ss_family, type | SOCK_NONBLOCK, 0);
		long denied = 0;
		long long begin;

		if (fd < 0 || !length)
			return 1;
		begin = now();
		for (long i = 0; i < count; i++)
			if (connect(fd, (struct sockaddr *)&to, length) && errno == EPERM)
				denied++;
		printf("%.2f %ld\n", (double)(now() - begin) / count, denied);
		close(fd);
	}
	return 0;
}
