/* SPDX-License-Identifier: GPL-2.0 */
/* What records tell of a file. */
#pragma once

#include "process.h"

enum file_mark {
	FILE_DELETED = 1 << 0, /* its name is gone from the directory */
	FILE_TRUNCATED =
		1 << 1, /* the path is longer than a record carries: only its end is there */
	FILE_UNREACHABLE =
		1
		<< 2, /* the process's root leads to it by no way: no path of the process's names it */
	FILE_ANONYMOUS = 1 << 3, /* lies in no directory: memfd, pipe, namespace */
	FILE_UPPER = 1 << 4,
	FILE_CREATED = 1 << 5, /* the open made it */
	FILE_NAMED = 1 << 6, /* its directory is the kernel's, its name as the caller gave it */
	FILE_GIVEN =
		1
		<< 7, /* directories too are as the caller gave them: links in them not followed */
	FILE_UNREAD = 1 << 8, /* what the caller gave could not be read */
};

/* Flags of a file that nothing opens. */
#define NO_FLAGS 0xffffffff

struct file_identity {
	__u64 inode DOC("inode number");
	__u32 device_major DOC("major number of the device that it lies on");
	__u32 device_minor DOC("minor number of the device that it lies on");
	__u32 links DOC("hard links to it; 0 when it is deleted or was never linked");
	__u32 uid DOC("owner");
	__u32 gid DOC("group");
	__u32 mode FMT("octal") DOC("type and permission bits");
	__u32 flags DOC(
		"flags that it was opened with; creation flags too, where the hook sees them; "
		"4294967295 where nothing opens it");
	__u32 marks FMT("flags:file_mark") DOC("marks");
};
