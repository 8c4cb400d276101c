/* SPDX-License-Identifier: GPL-2.0 */
/* Record of a cgroup that was made or removed: how the agent learns of a container before anything runs in it. */
#pragma once

#include "record.h"

/* A longer path is left out; the agent then asks for it by the id. */
#define CGROUP_PATH_BYTES 1024

enum cgroup_change {
	CGROUP_MADE = 0,
	CGROUP_REMOVED = 1,
};

struct cgroup_record {
	struct record_header header DOC("header");
	__u64 id DOC("its id: the inode of its directory");
	__u32 hierarchy DOC("number of its hierarchy; 0 is v2");
	__u16 path_len DOC("bytes of the path");
	__u8 change FMT("enum:cgroup_change") DOC("made or removed");
	__u8 reserved PAD;
	char path[0] FMT("path") LEN("path_len") DOC("its path from the hierarchy's root");
};
