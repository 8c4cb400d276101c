/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net-load COUNT: COUNT connections over the loopback, one after the other, each accepted, written to and closed. Prints
 * {"connections": COUNT, "wall_ns": time from the first to the last one's end}.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DIE(what)             \
	do {                  \
		perror(what); \
		exit(99);     \
	} while (0)

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void serve(int listener, long count)
{
	char byte;

	for (long i = 0; i < count; i++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0 || read(fd, &byte, 1) != 1)
			DIE("accept");
		close(fd);
	}
	exit(0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t length = sizeof(address);
	/* a reset instead of a close in order: no port stays in TIME_WAIT */
	struct linger reset = {.l_onoff = 1};
	long count = argc > 1 ? atol(argv[1]) : 10000;
	int listener = socket(AF_INET, SOCK_STREAM, 0), status;
	long long start;
	pid_t server;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 128) ||
	    getsockname(listener, (struct sockaddr *)&address, &length))
		DIE("listen");
	server = fork();
	if (server == 0)
		serve(listener, count);
	start = now();
	for (long i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		char byte;

		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
		    write(fd, "x", 1) != 1)
			DIE("connect");
		/* the other end closes first */
		if (read(fd, &byte, 1) < 0)
			DIE("read");
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	if (waitpid(server, &status, 0) != server || status)
		DIE("server");
	printf("{\"connections\":%ld,\"wall_ns\":%lld}\n", count, now() - start);
	return 0;
}
