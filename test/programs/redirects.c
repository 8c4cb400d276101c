/* SPDX-License-Identifier: Apache-2.0 */
/* redirects: makes sockets its standard descriptors in every way there is, and prints each with what the kernel says of it. */
#include "truth.h"
#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int pair_of(int family, int type, const char *address)
{
	struct sockaddr_storage at = {.ss_family = family};
	struct sockaddr_in *v4 = (void *)&at;
	struct sockaddr_in6 *v6 = (void *)&at;
	int listener = socket(family, type, 0), fd = socket(family, type, 0);
	socklen_t length = sizeof(at);

	inet_pton(family, family == AF_INET ? address : "::",
		  family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr);
	if (bind(listener, (void *)&at, sizeof(at)) ||
	    (type == SOCK_STREAM && listen(listener, 1)) ||
	    getsockname(listener, (void *)&at, &length))
		DIE("listen");
	if (family == AF_INET6)
		inet_pton(family, address, &v6->sin6_addr);
	if (connect(fd, (void *)&at, length))
		DIE("connect");
	return fd;
}

static void print_address(const char *side, struct sockaddr_storage *at)
{
	char text[64] = "";

	inet_ntop(at->ss_family,
		  at->ss_family == AF_INET ? (void *)&((struct sockaddr_in *)at)->sin_addr
					   : (void *)&((struct sockaddr_in6 *)at)->sin6_addr,
		  text, sizeof(text));
	truth(",\"%saddr\":\"%s\",\"%sport\":%d", side, text, side,
	      ntohs(((struct sockaddr_in *)at)->sin_port));
}

static void say(int fd, int from, int result)
{
	struct sockaddr_storage at = {};
	socklen_t length = sizeof(at);
	struct stat file;

	if (fstat(fd, &file) || getsockname(from, (void *)&at, &length))
		DIE("fstat");
	truth("{\"pid\":%d,\"fd\":%d,\"old_fd\":%d,\"result\":%d,\"inode\":%lu", getpid(), fd, from,
	      result, file.st_ino);
	if (at.ss_family != AF_UNIX) {
		print_address("s", &at);
		length = sizeof(at);
		getpeername(from, (void *)&at, &length);
		print_address("d", &at);
	}
	truth("}\n");
}

static void redirect(void)
{
	int local[2], tcp, udp, tcp6, mapped, file = open("/dev/null", O_RDWR);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, local))
		DIE("socketpair");
	tcp = pair_of(AF_INET, SOCK_STREAM, "127.0.0.1");
	udp = pair_of(AF_INET, SOCK_DGRAM, "127.0.0.1");
	tcp6 = pair_of(AF_INET6, SOCK_STREAM, "::1");
	mapped = pair_of(AF_INET6, SOCK_STREAM, "::ffff:127.0.0.1");
	say(0, tcp, dup2(tcp, 0));
	say(1, udp, syscall(SYS_dup3, udp, 1, O_CLOEXEC));
	close(2);
	say(2, tcp6, dup(tcp6));
	close(0);
	say(0, mapped, fcntl(mapped, F_DUPFD, 0));
	close(1);
	say(1, local[0], fcntl(local[0], F_DUPFD_CLOEXEC, 1));
	/* none of these: not a socket, not one of the three, the same */
	dup2(file, 0);
	dup2(tcp, 20);
	dup2(1, 1);
}

/* By a process of its own: whoever starts this one may have redirected its descriptors. */
int main(void)
{
	int child = fork();

	if (!child) {
		redirect();
		_exit(0);
	}
	waitpid(child, NULL, 0);
	return 0;
}
