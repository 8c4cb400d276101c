/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask_dns WAY SERVER NAME ID: asks a server, which a child of it is at that address, for the addresses of NAME, and prints
 * both ends and the sizes. WAY: udp (a connected socket), to (sendto), tcp, parts (TCP, lengths and messages apart),
 * garbage (what is no question). The answer: NAME is an alias of cdn.NAME, which is 192.0.2.7 and 2001:db8::7.
 */
#include "truth.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int parts;

static socklen_t server_of(union address *to, const char *text)
{
	memset(to, 0, sizeof(*to));
	if (strchr(text, ':')) {
		to->v6.sin6_family = AF_INET6;
		to->v6.sin6_port = htons(53);
		inet_pton(AF_INET6, text, &to->v6.sin6_addr);
		return sizeof(to->v6);
	}
	to->v4.sin_family = AF_INET;
	to->v4.sin_port = htons(53);
	inet_pton(AF_INET, text, &to->v4.sin_addr);
	return sizeof(to->v4);
}

/* Header and question. */
static int question(unsigned char *to, int id, const char *name)
{
	unsigned char *at = to + 12;

	memset(to, 0, 12);
	to[0] = id >> 8;
	to[1] = id;
	to[2] = 1; /* recursion is wanted */
	to[5] = 1;
	for (const char *dot; *name; name = *dot ? dot + 1 : dot) {
		dot = strchrnul(name, '.');
		*at++ = dot - name;
		at = mempcpy(at, name, dot - name);
	}
	memcpy(at, "\0\0\1\0\1", 5);
	return at + 5 - to;
}

static int answer(unsigned char *message, int length)
{
	static const unsigned char alias[] = "\xc0\x0c\0\5\0\1\0\0\1\0\0\6\3cdn\xc0\x0c";
	static const unsigned char four[] = "\0\1\0\1\0\0\1\0\0\4\xc0\0\2\7";
	static const unsigned char six[] =
		"\0\x1c\0\1\0\0\1\0\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7";
	unsigned char *at = message + length;
	int cdn = length + 12;

	message[2] = 0x81;
	message[3] = 0x80;
	message[7] = 3;
	at = mempcpy(at, alias, sizeof(alias) - 1);
	*at++ = 0xc0 | cdn >> 8;
	*at++ = cdn;
	at = mempcpy(at, four, sizeof(four) - 1);
	*at++ = 0xc0 | cdn >> 8;
	*at++ = cdn;
	at = mempcpy(at, six, sizeof(six) - 1);
	return at - message;
}

static void put(int fd, const unsigned char *message, int length)
{
	unsigned char bytes[2048] = {length >> 8, length};

	memcpy(bytes + 2, message, length);
	if (parts) {
		if (write(fd, bytes, 2) != 2)
			DIE("write");
		usleep(20000);
		if (write(fd, message, length) != length)
			DIE("write");
	} else if (write(fd, bytes, length + 2) != length + 2) {
		DIE("write");
	}
}

static int take(int fd, unsigned char *message)
{
	unsigned char prefix[2];

	if (recv(fd, prefix, 2, MSG_WAITALL) != 2)
		return -1;
	return recv(fd, message, prefix[0] << 8 | prefix[1], MSG_WAITALL);
}

static void serve(int fd, int stream)
{
	unsigned char message[2048];
	union address from;
	socklen_t length = sizeof(from);
	int got, on = 1;

	if (!stream) {
		got = recvfrom(fd, message, 512, 0, &from.any, &length);
		sendto(fd, message, answer(message, got), 0, &from.any, length);
		exit(0);
	}
	fd = accept(fd, NULL, NULL);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	while ((got = take(fd, message)) > 0)
		put(fd, message, answer(message, got));
	exit(0);
}

int main(int argc, char **argv)
{
	unsigned char message[2048];
	union address server, own;
	socklen_t length, own_length = sizeof(own);
	int asked, got, fd, listener, stream, on = 1;
	char text[INET6_ADDRSTRLEN];
	pid_t child;

	if (argc != 5)
		return 98;
	stream = !strcmp(argv[1], "tcp") || !strcmp(argv[1], "parts");
	parts = !strcmp(argv[1], "parts");
	length = server_of(&server, argv[2]);
	listener = socket(server.any.sa_family, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
	fd = socket(server.any.sa_family, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, &server.any, length) || (stream && listen(listener, 1)))
		DIE("bind");
	child = fork();
	if (!child) {
		close(fd);
		serve(listener, stream);
	}
	close(listener);
	asked = strcmp(argv[1], "garbage") ? question(message, atoi(argv[4]), argv[3])
					   : snprintf((char *)message, 64, "%s", argv[3]);
	if (strcmp(argv[1], "to") && connect(fd, &server.any, length))
		DIE("connect");
	if (stream) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		/* two questions over one connection */
		put(fd, message, asked);
		got = take(fd, message);
		asked = question(message, atoi(argv[4]) + 1, argv[3]);
		put(fd, message, asked);
		got = take(fd, message);
	} else {
		if (sendto(fd, message, asked, 0, strcmp(argv[1], "to") ? NULL : &server.any,
			   length) != asked)
			DIE("sendto");
		got = recv(fd, message, sizeof(message), 0);
	}
	if (getsockname(fd, &own.any, &own_length))
		DIE("getsockname");
	if (own.any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &own.v6.sin6_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET, &own.v4.sin_addr, text, sizeof(text));
	truth("{\"pid\":%d,\"server\":%d,\"asked\":%d,\"answered\":%d,\"saddr\":\"%s\",\"sport\":%"
	      "d}\n",
	      getpid(), child, asked, got, text,
	      ntohs(own.any.sa_family == AF_INET6 ? own.v6.sin6_port : own.v4.sin_port));
	close(fd);
	waitpid(child, NULL, 0);
	return 0;
}
