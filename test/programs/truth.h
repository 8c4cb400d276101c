/* SPDX-License-Identifier: Apache-2.0 */
/* What the test programs print of themselves: one JSON object on descriptor 9, which whoever runs them reads. */
#pragma once

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TRUTH_FD 9

#define DIE(what)             \
	do {                  \
		perror(what); \
		exit(99);     \
	} while (0)

static inline void truth(const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vdprintf(TRUTH_FD, format, values);
	va_end(values);
}

/* A file of /proc as a JSON string, zero bytes and all. */
static inline void truth_file(const char *name, const char *path)
{
	static unsigned char bytes[1 << 18];
	int fd = open(path, O_RDONLY);
	ssize_t got;
	ssize_t all = 0;

	if (fd < 0)
		DIE(path);
	while ((got = read(fd, bytes + all, sizeof(bytes) - all)) > 0)
		all += got;
	close(fd);
	truth("\"%s\":\"", name);
	for (ssize_t i = 0; i < all; i++) {
		if (bytes[i] < 0x20 || bytes[i] > 0x7e || bytes[i] == '"' || bytes[i] == '\\')
			truth("\\u%04x", bytes[i]);
		else
			truth("%c", bytes[i]);
	}
	truth("\",");
}

static inline void truth_link(const char *name, const char *path)
{
	static char target[1 << 14];
	ssize_t got = readlink(path, target, sizeof(target) - 1);

	if (got < 0)
		got = 0;
	target[got] = 0;
	truth("\"%s\":\"%s\",", name, target);
}
