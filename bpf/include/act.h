/* SPDX-License-Identifier: GPL-2.0 */
/* What the record of every hook begins with: who did something, and what came of it. */
#pragma once

#include "record.h"

/* A result that is not known: the end of the call is not seen. */
#define NO_RESULT 0x7fffffff

struct act {
	struct record_header header DOC("header");
	struct process_key process DOC("who did it");
	__u32 tid DOC("thread that did it");
	__s32 result DOC("what the system call returned; 2147483647 where its end is not seen");
	__u32 path_len DOC("bytes of the path");
	__u32 other_len DOC("bytes of the other path");
	__u32 count DOC("acts that this record stands for");
	__u32 reserved PAD;
};

/* Bytes that a hook's record has at most, without its paths. */
#define ACT_BYTES 512

/* A record with up to two paths behind it, and as it waits for its result. */
struct act_room {
	__u32 size;
	__u32 reserved;
	union {
		struct act act;
		__u8 record[ACT_BYTES + 2 * PATH_BYTES];
	};
};
