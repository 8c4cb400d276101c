/* SPDX-License-Identifier: GPL-2.0 */
/* Record of an opened file, and what denials and it tell of a file alike. */
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
};

struct file_identity {
	__u64 inode DOC("inode number");
	__u32 device_major DOC("major number of the device that it lies on");
	__u32 device_minor DOC("minor number of the device that it lies on");
	__u32 links DOC("hard links to it; 0 when it is deleted or was never linked");
	__u32 uid DOC("owner");
	__u32 gid DOC("group");
	__u32 mode FMT("octal") DOC("type and permission bits");
	__u32 flags
		DOC("flags that it was opened with; creation flags too, where the hook sees them");
	__u32 marks FMT("flags:file_mark") DOC("marks");
};

/* A result that is not known: the hook comes before the end of the call. */
#define NO_RESULT 0xffffffff

struct file_open_record {
	struct record_header header DOC("header");
	struct process_key process DOC("who opened it");
	struct file_identity file DOC("the opened file");
	__u32 tid DOC("thread that opened it");
	__u32 result
		DOC("the new file descriptor; 4294967295 where the open is seen before its end");
	__u32 path_len DOC("bytes of the path");
	__u32 reserved PAD;
	char path[0] LEN("path_len") FMT("path")
		DOC("path from the process's root, resolved by the kernel");
};
