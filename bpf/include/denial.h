/* SPDX-License-Identifier: GPL-2.0 */
/* Record of a selector that matched: what was denied, or would have been. */
#pragma once

#include "file.h"

enum denial_mode {
	MODE_MONITOR = 0,
	MODE_ENFORCE = 1,
};

enum denial_action {
	ACTION_POST = 0,
	ACTION_NO_POST = 1,
	ACTION_SIGNAL = 2,
	ACTION_DENY = 3,
	ACTION_KILL = 4,
};

enum denial_flag {
	DENIAL_UNDECIDED = 1 << 0,
	DENIAL_OVERFLOW = 1 << 1,
};

struct denial_record {
	struct record_header header DOC("header");
	struct process_key process DOC(
		"who did it; on process_exec the new image, unless that was denied before it ran");
	__u32 install
		DOC("which installed set of selectors decided; the agent knows its selectors");
	__u32 selector DOC("place of the selector in that set");
	__u32 count DOC("matches that this record stands for: its own and those that the rate "
			"limit left out since the last one");
	__u32 tid DOC("thread that did it");
	__u32 operands DOC("bits of the operands whose value was not known");
	__u8 hook FMT("enum:denial_hook") DOC("where it was decided");
	__u8 mode FMT("enum:denial_mode") DOC("monitor: only told; enforce: done");
	__u8 action FMT("enum:denial_action") DOC("what the selector asks for");
	__u8 flags FMT("flags:denial_flag") DOC("how it was decided");
	__u8 family FMT("enum:socket_family") DOC("family of the destination; none at an exec");
	__u8 protocol DOC("IP protocol of the socket (6 TCP, 17 UDP), else 0");
	__u16 dport DOC("destination port, else 0");
	__u8 daddr[16] FMT("ip") DOC("destination; IPv4 in the first four bytes");
	__u32 path_len DOC("bytes of the file's path");
	struct file_identity file DOC("the file that was to be opened or executed; all zero where "
				      "the hook is not about one");
	char path[0] LEN("path_len") FMT("path") DOC(
		"its path from the process's root, resolved by the kernel; empty where the hook is "
		"not about a file");
};
