/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stdio FD0 FD1 FD2 PROGRAM ARGS: gives each descriptor what is named, prints the truth of sockets, then execs.
 *   tcp4 tcp6 mapped (IPv4 over an IPv6 socket) udp4 unix pipe fifo=PATH file=PATH null tty zero closed
 */
#include "truth.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void print_address(const char *side, struct sockaddr_storage *address)
{
	char text[64] = "";
	struct sockaddr_in *v4 = (void *)address;
	struct sockaddr_in6 *v6 = (void *)address;

	if (address->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
	truth(",\"%saddr\":\"%s\",\"%sport\":%d", side, text, side, ntohs(v4->sin_port));
}

static int inet_socket(int family, int type, const char *address)
{
	struct sockaddr_storage at = {.ss_family = family}, peer = {};
	socklen_t length = sizeof(at);
	int listener = socket(family, type, 0);
	int fd = socket(family, type, 0);

	if (family == AF_INET)
		((struct sockaddr_in *)&at)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		inet_pton(AF_INET6, strcmp(address, "::1") ? "::" : "::1",
			  &((struct sockaddr_in6 *)&at)->sin6_addr);
	if (bind(listener, (void *)&at, sizeof(at)) || (type == SOCK_STREAM && listen(listener, 1)))
		DIE("listen");
	getsockname(listener, (void *)&at, &length);
	if (family == AF_INET6)
		inet_pton(AF_INET6, address, &((struct sockaddr_in6 *)&at)->sin6_addr);
	if (connect(fd, (void *)&at, sizeof(at)))
		DIE("connect");
	getsockname(fd, (void *)&at, &length);
	getpeername(fd, (void *)&peer, &length);
	print_address("s", &at);
	print_address("d", &peer);
	return fd;
}

static int open_one(const char *what)
{
	int pair[2];

	if (!strcmp(what, "tcp4"))
		return inet_socket(AF_INET, SOCK_STREAM, "");
	if (!strcmp(what, "udp4"))
		return inet_socket(AF_INET, SOCK_DGRAM, "");
	if (!strcmp(what, "tcp6"))
		return inet_socket(AF_INET6, SOCK_STREAM, "::1");
	if (!strcmp(what, "mapped"))
		return inet_socket(AF_INET6, SOCK_STREAM, "::ffff:127.0.0.1");
	if (!strcmp(what, "unix"))
		return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? -1 : pair[0];
	if (!strcmp(what, "pipe"))
		return pipe(pair) ? -1 : pair[0];
	if (!strcmp(what, "null"))
		return open("/dev/null", O_RDWR);
	if (!strcmp(what, "zero"))
		return open("/dev/zero", O_RDWR);
	if (!strcmp(what, "tty"))
		return posix_openpt(O_RDWR | O_NOCTTY);
	if (!strncmp(what, "fifo=", 5) || !strncmp(what, "file=", 5))
		return open(what + 5, O_RDWR);
	return -1;
}

int main(int argc, char **argv)
{
	int fds[3];

	truth("[");
	for (int fd = 0; fd < 3 && fd + 1 < argc; fd++) {
		truth("%s{\"fd\":%d", fd ? "," : "", fd);
		fds[fd] = open_one(argv[fd + 1]);
		if (fds[fd] >= 0)
			fds[fd] = fcntl(fds[fd], F_DUPFD, 20);
		else if (strcmp(argv[fd + 1], "closed"))
			DIE(argv[fd + 1]);
		truth("}");
	}
	truth("]\n");
	for (int fd = 0; fd < 3; fd++) {
		if (fds[fd] < 0)
			close(fd);
		else
			dup2(fds[fd], fd);
	}
	execv(argv[4], argv + 4);
	return 99;
}
