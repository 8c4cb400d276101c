/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connects WAY ADDRESS PORT [WAY ADDRESS PORT]...: reaches for an address in a way, without waiting for an answer, and prints
 * what the kernel said: 0 or the error.
 */
#include "truth.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

struct target {
	int family;
	socklen_t length;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

static struct target target_of(const char *address, const char *port)
{
	struct target to = {.family = strchr(address, ':') ? AF_INET6 : AF_INET};

	if (to.family == AF_INET) {
		to.length = sizeof(to.v4);
		to.v4.sin_family = AF_INET;
		to.v4.sin_port = htons(atoi(port));
		inet_pton(AF_INET, address, &to.v4.sin_addr);
	} else {
		to.length = sizeof(to.v6);
		to.v6.sin6_family = AF_INET6;
		to.v6.sin6_port = htons(atoi(port));
		inet_pton(AF_INET6, address, &to.v6.sin6_addr);
	}
	return to;
}

static int checked(long result)
{
	if (result >= 0 || errno == EINPROGRESS || errno == ECONNREFUSED)
		return 0;
	return -errno;
}

static int reach_by(const char *way, const char *address, const char *port)
{
	struct target to = target_of(address, port);
	int stream = !strcmp(way, "tcp") || !strcmp(way, "fastopen");
	int fd = socket(to.family,
			(stream ? SOCK_STREAM | SOCK_NONBLOCK : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		DIE("socket");
	if (!strcmp(way, "tcp") || !strcmp(way, "udp")) {
		result = checked(connect(fd, &to.any, to.length));
	} else if (!strcmp(way, "fastopen")) {
		result = checked(
			sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &to.any, to.length));
	} else if (!strcmp(way, "send")) {
		result = checked(sendto(fd, "x", 1, 0, &to.any, to.length));
	} else if (!strcmp(way, "message")) {
		struct iovec bytes = {.iov_base = "x", .iov_len = 1};
		struct mmsghdr message = {.msg_hdr = {.msg_name = &to.any,
						      .msg_namelen = to.length,
						      .msg_iov = &bytes,
						      .msg_iovlen = 1}};

		result = checked(sendmmsg(fd, &message, 1, 0));
	} else {
		fprintf(stderr, "connects: no way %s\n", way);
		exit(98);
	}
	close(fd);
	return result;
}

int main(int argc, char **argv)
{
	for (int at = 1; at + 2 < argc; at += 3)
		truth("{\"way\":\"%s\",\"address\":\"%s\",\"port\":%s,\"result\":%d}\n", argv[at],
		      argv[at + 1], argv[at + 2], reach_by(argv[at], argv[at + 1], argv[at + 2]));
	return 0;
}
