/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets VERB ARGUMENTS...: acts with sockets, and prints what it did and what the kernel says of it.
 *
 *	converse ADDRESS SENT RECEIVED MS	listens, connects to itself, says so many bytes in each direction, lives so long
 *	bind PROTOCOL ADDRESS PORT		binds a socket
 *	listen ADDRESS BACKLOG			listens without binding first where ADDRESS is -
 *	connect WAY ADDRESS PORT		connects: tcp, udp, or fastopen (by the first data)
 *	send ADDRESS PORT SIZE TIMES WAY	sends datagrams from one socket: to (sendto), over (connected), message (sendmsg)
 *	create FAMILY TYPE PROTOCOL		makes a socket, by numbers
 *	linger ADDRESS SENT			as converse, and ends without closing
 */
#include "truth.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_of(union address *to, const char *text, int port)
{
	memset(to, 0, sizeof(*to));
	if (strchr(text, ':')) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons(port);
		inet_pton(AF_INET6, text, &to->v6.sin6_addr);
		return sizeof(to->v6);
	}
	to->v4.sin_family = AF_INET;
	to->v4.sin_port = htons(port);
	inet_pton(AF_INET, text, &to->v4.sin_addr);
	return sizeof(to->v4);
}

static int port_of(const union address *address)
{
	return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port
							: address->v4.sin_port);
}

static const char *text_of(const union address *address)
{
	static char texts[4][INET6_ADDRSTRLEN];
	static int at;
	char *text = texts[at++ % 4];

	if (address->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &address->v6.sin6_addr, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET, &address->v4.sin_addr, text, INET6_ADDRSTRLEN);
	/* an IPv4 address is one whatever its socket's family */
	return strncmp(text, "::ffff:", 7) ? text : text + 7;
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int tcp_socket(const char *text)
{
	int fd = socket(strchr(text, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		DIE("socket");
	return fd;
}

static void ends(const char *name, int fd, int with_peer)
{
	union address own, peer;
	socklen_t length = sizeof(own);

	if (getsockname(fd, &own.any, &length))
		DIE("getsockname");
	truth(",\"%s\":{\"saddr\":\"%s\",\"sport\":%d", name, text_of(&own), port_of(&own));
	length = sizeof(peer);
	if (with_peer && !getpeername(fd, &peer.any, &length))
		truth(",\"daddr\":\"%s\",\"dport\":%d", text_of(&peer), port_of(&peer));
	truth("}");
}

static void say(int from, int to, long bytes)
{
	static char buffer[1 << 16];
	long sent = 0, got = 0;

	while (got < bytes) {
		ssize_t n;

		if (sent < bytes) {
			n = send(from, buffer,
				 bytes - sent < (long)sizeof(buffer) ? bytes - sent
								     : (long)sizeof(buffer),
				 MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n > 0)
				sent += n;
		}
		n = recv(to, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n > 0)
			got += n;
	}
}

static void converse(char **argv, int lingers)
{
	int listener = tcp_socket(argv[0]), client = tcp_socket(argv[0]), served, result;
	long sent = atol(argv[1]), received = lingers ? 0 : atol(argv[2]);
	union address at;
	socklen_t length = address_of(&at, argv[0], 0);
	long long start, end;

	if (bind(listener, &at.any, length) || listen(listener, 7) ||
	    getsockname(listener, &at.any, &length))
		DIE("listen");
	start = now();
	result = connect(client, &at.any, length) ? -errno : 0;
	served = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (served < 0)
		DIE("accept4");
	say(client, served, sent);
	say(served, client, received);
	truth("{\"pid\":%d,\"tid\":%ld,\"result\":%d,\"sent\":%ld,\"received\":%ld,\"backlog\":7",
	      getpid(), syscall(SYS_gettid), result, sent, received);
	ends("client", client, 1);
	ends("served", served, 1);
	ends("listener", listener, 0);
	if (lingers) {
		truth("}\n");
		return;
	}
	usleep(atoi(argv[3]) * 1000);
	/* the served side sees the end of the other before its own */
	shutdown(client, SHUT_WR);
	while (recv(served, &length, 1, 0) > 0)
		;
	close(client);
	close(served);
	end = now();
	close(listener);
	truth(",\"least_ns\":%lld,\"most_ns\":%lld}\n", atoi(argv[3]) * 1000000LL, end - start);
}

static void do_bind(char **argv)
{
	int stream = !strcmp(argv[0], "tcp"), port = atoi(argv[2]), result;
	int family = strchr(argv[1], ':') ? AF_INET6 : AF_INET;
	int fd = socket(family, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
	union address at;
	socklen_t length = address_of(&at, argv[1], port);

	result = bind(fd, &at.any, length) ? -errno : 0;
	truth("{\"pid\":%d,\"result\":%d", getpid(), result);
	ends("socket", fd, 0);
	truth("}\n");
}

static void do_listen(char **argv)
{
	int bound = strcmp(argv[0], "-"), fd = tcp_socket(argv[0]), result;
	union address at;
	socklen_t length = address_of(&at, argv[0], 0);

	if (bound && bind(fd, &at.any, length))
		DIE("bind");
	result = listen(fd, atoi(argv[1])) ? -errno : 0;
	truth("{\"pid\":%d,\"result\":%d", getpid(), result);
	ends("socket", fd, 0);
	/* a second time, by a socket that cannot */
	result = listen(socket(AF_INET, SOCK_DGRAM, 0), 5) ? -errno : 0;
	truth(",\"second\":%d}\n", result);
}

static void do_connect(char **argv)
{
	int udp = !strcmp(argv[0], "udp"), result;
	int family = strchr(argv[1], ':') ? AF_INET6 : AF_INET;
	int fd = socket(family, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
	union address at;
	socklen_t length = address_of(&at, argv[1], atoi(argv[2]));

	if (!strcmp(argv[0], "fastopen"))
		result = sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, &at.any, length);
	else
		result = connect(fd, &at.any, length);
	result = result < 0 ? -errno : 0;
	truth("{\"pid\":%d,\"result\":%d", getpid(), result);
	ends("socket", fd, 1);
	truth("}\n");
}

static void do_send(char **argv)
{
	static char bytes[1 << 16];
	int fd = socket(strchr(argv[0], ':') ? AF_INET6 : AF_INET, SOCK_DGRAM, 0), result = 0;
	union address at;
	socklen_t length = address_of(&at, argv[0], atoi(argv[1]));
	struct iovec part = {.iov_base = bytes, .iov_len = atoi(argv[2])};
	struct msghdr message = {
		.msg_name = &at.any, .msg_namelen = length, .msg_iov = &part, .msg_iovlen = 1};

	if (!strcmp(argv[4], "over") && connect(fd, &at.any, length))
		DIE("connect");
	for (int times = atoi(argv[3]); times > 0; times--) {
		if (!strcmp(argv[4], "to"))
			result = sendto(fd, bytes, part.iov_len, 0, &at.any, length);
		else if (!strcmp(argv[4], "over"))
			result = write(fd, bytes, part.iov_len);
		else
			result = sendmsg(fd, &message, 0);
		/* nobody is there: the answer to the last one */
		if (result < 0 && errno == ECONNREFUSED)
			times++;
	}
	truth("{\"pid\":%d,\"result\":%d,\"size\":%zu", getpid(), result < 0 ? -errno : 0,
	      part.iov_len);
	ends("socket", fd, 0);
	truth("}\n");
}

static void do_create(char **argv)
{
	int result = socket(atoi(argv[0]), atoi(argv[1]), atoi(argv[2]));

	truth("{\"pid\":%d,\"result\":%d}\n", getpid(), result < 0 ? -errno : result);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (!strcmp(verb, "converse") && argc == 6)
		converse(argv + 2, 0);
	else if (!strcmp(verb, "linger") && argc == 4)
		converse(argv + 2, 1);
	else if (!strcmp(verb, "bind") && argc == 5)
		do_bind(argv + 2);
	else if (!strcmp(verb, "listen") && argc == 4)
		do_listen(argv + 2);
	else if (!strcmp(verb, "connect") && argc == 5)
		do_connect(argv + 2);
	else if (!strcmp(verb, "send") && argc == 7)
		do_send(argv + 2);
	else if (!strcmp(verb, "create") && argc == 5)
		do_create(argv + 2);
	else
		return 98;
	return 0;
}
