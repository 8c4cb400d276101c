/* SPDX-License-Identifier: GPL-2.0 */
/* Records of processes: what exec, fork and exit tell, and what the seed iterator tells of those already running. */
#pragma once

#include "record.h"

/* Longest path and longest argument block that a record carries; the settings may ask for fewer arguments. */
#define PATH_BYTES 4096
#define ARGUMENT_BYTES 8192

enum process_flag {
	PROCESS_ARGUMENTS_TRUNCATED = 1 << 0,
	PROCESS_ARGUMENTS_UNREADABLE = 1 << 1,
	PROCESS_BINARY_TRUNCATED = 1 << 2,
	PROCESS_BINARY_DELETED = 1 << 3,
	PROCESS_BINARY_UNREACHABLE = 1 << 4,
	PROCESS_CWD_TRUNCATED = 1 << 5,
	PROCESS_CWD_DELETED = 1 << 6,
	PROCESS_CWD_UNREACHABLE = 1 << 7,
	PROCESS_MEMFD = 1 << 8,
	PROCESS_UPPER = 1 << 9,
	PROCESS_PRIVILEGES_RAISED = 1 << 10,
	PROCESS_INTERPRETED = 1 << 11,
	PROCESS_KERNEL_THREAD = 1 << 12,
};

enum stdio_type {
	STDIO_CLOSED = 0,
	STDIO_TTY = 1,
	STDIO_PIPE = 2,
	STDIO_FIFO = 3,
	STDIO_FILE = 4,
	STDIO_SOCKET = 5,
	STDIO_NULL = 6,
	STDIO_OTHER = 7,
};

enum socket_family {
	FAMILY_NONE = 0,
	FAMILY_UNIX = 1,
	FAMILY_IPV4 = 2,
	FAMILY_IPV6 = 10,
	FAMILY_OTHER = 255,
};

struct credentials {
	__u32 uid DOC("real user id");
	__u32 gid DOC("real group id");
	__u32 euid DOC("effective user id");
	__u32 egid DOC("effective group id");
	__u32 suid DOC("saved user id");
	__u32 sgid DOC("saved group id");
	__u32 fsuid DOC("user id for access to files");
	__u32 fsgid DOC("group id for access to files");
	__u32 auid DOC("audit user id: who logged in; 4294967295 when nobody did");
	__u32 securebits DOC("securebits flags, as PR_GET_SECUREBITS gives them");
	__u64 cap_effective FMT("capabilities") DOC("effective capabilities");
	__u64 cap_permitted FMT("capabilities") DOC("permitted capabilities");
	__u64 cap_inheritable FMT("capabilities") DOC("inheritable capabilities");
	__u64 cap_bounding FMT("capabilities") DOC("capability bounding set");
	__u64 cap_ambient FMT("capabilities") DOC("ambient capabilities");
};

/* Inode numbers, as behind /proc/PID/ns. */
struct namespaces {
	__u32 uts DOC("inode of the UTS namespace");
	__u32 ipc DOC("inode of the IPC namespace");
	__u32 mnt DOC("inode of the mount namespace");
	__u32 pid DOC("inode of the pid namespace");
	__u32 pid_for_children DOC("inode of the pid namespace of its children");
	__u32 net DOC("inode of the network namespace");
	__u32 time DOC("inode of the time namespace");
	__u32 cgroup DOC("inode of the cgroup namespace");
	__u32 user DOC("inode of the user namespace");
	__u32 reserved PAD;
};

struct binary_file {
	__u64 inode DOC("inode number of the executed file");
	__u32 device_major DOC("major number of the device that the executed file lies on");
	__u32 device_minor DOC("minor number of the device that the executed file lies on");
	__u32 links
		DOC("hard links to the executed file; 0 when it is deleted or was never linked");
	__u32 uid DOC("owner of the executed file");
	__u32 gid DOC("group of the executed file");
	__u32 mode FMT("octal") DOC("type and permission bits of the executed file");
};

/* One of file descriptors 0, 1 and 2. */
struct stdio_file {
	__u8 type FMT("enum:stdio_type") DOC("what the descriptor refers to");
	__u8 family FMT("enum:socket_family") DOC("family of a socket; none for anything else");
	__u16 protocol DOC("IP protocol of a socket (6 TCP, 17 UDP), else 0");
	__u16 sport DOC("local port of a socket, else 0");
	__u16 dport DOC("peer's port of a socket, else 0");
	__u64 inode DOC("inode number of the file, pipe or socket");
	__u8 saddr[16] FMT("ip") DOC("local address of a socket; IPv4 in the first four bytes");
	__u8 daddr[16] FMT("ip") DOC("peer's address of a socket; IPv4 in the first four bytes");
};

/* What exec and seed tell alike. */
struct process_image {
	struct process_key key DOC("the process");
	struct process_key parent DOC("its real parent");
	struct credentials credentials DOC("user, group and capability sets");
	struct namespaces namespaces DOC("namespaces");
	struct binary_file file DOC("the executed file");
	__u64 cgroup_id DOC("cgroup in the v2 hierarchy");
	__u64 cgroup_v1_id DOC("cgroup in the v1 hierarchy that the settings name, else 0");
	char tty[16] FMT("cstring") DOC("controlling terminal as the kernel names it, or nothing");
	char comm[16] FMT("cstring") DOC("name of the task");
	__u32 flags FMT("flags:process_flag") DOC("marks");
	__u32 arguments_bytes DOC("length of all arguments, of which the record may carry fewer");
	__u32 caller_tid
		DOC("thread that called exec; not the process id when it was not the leader");
	__u16 binary_len DOC("bytes of the binary's path");
	__u16 cwd_len DOC("bytes of the working directory's path");
	__u16 script_len DOC("bytes of the script's path");
	__u16 previous_len DOC("bytes of the replaced binary's path");
	__u16 arguments_len DOC("bytes of arguments in this record");
	__u16 reserved PAD;
};

struct process_exec_record {
	struct record_header header DOC("header");
	struct process_image image DOC("the new image");
	struct stdio_file stdio[3] DOC("file descriptors 0, 1 and 2");
	char binary[0] LEN("image.binary_len") FMT("path")
		DOC("path of the executed file from the process's root, resolved by the kernel");
	char cwd[0] LEN("image.cwd_len") FMT("path") DOC("working directory");
	char script[0] LEN("image.script_len") FMT("path") DOC(
		"script that the binary interprets, as exec was given it: may be relative to cwd");
	char previous[0] LEN("image.previous_len") FMT("path")
		DOC("path of the binary that exec replaced; empty when it is unknown or longer "
		    "than 255 bytes");
	char arguments[0] LEN("image.arguments_len") FMT("argv")
		DOC("arguments, the zeroth too, each ended by a zero byte");
};

struct process_seed_record {
	struct record_header header DOC("header");
	struct process_image image DOC("the image");
	char binary[0] LEN("image.binary_len") FMT("path")
		DOC("path of the executed file from the process's root, resolved by the kernel");
	char cwd[0] LEN("image.cwd_len") FMT("path") DOC("working directory");
	char arguments[0] LEN("image.arguments_len") FMT("argv")
		DOC("arguments, the zeroth too, each ended by a zero byte");
};

/* A new process; threads are not told. */
struct process_clone_record {
	struct record_header header DOC("header");
	struct process_key key DOC("the new process");
	struct process_key parent DOC("its real parent");
	struct process_key
		source DOC("the process that it is a copy of: not its parent under CLONE_PARENT");
	__u64 cgroup_id DOC("cgroup in the v2 hierarchy");
	__u64 cgroup_v1_id DOC("cgroup in the v1 hierarchy that the settings name, else 0");
	__u32 flags FMT("flags:process_flag") DOC("marks");
	__u32 reserved PAD;
};

/* The last thread of a process went. */
struct process_exit_record {
	struct record_header header DOC("header");
	struct process_key key DOC("the process");
	__u32 status DOC("exit status (0-255); 0 when a signal ended it");
	__u32 signal DOC("number of the signal that ended it, else 0");
	__u32 core_dumped FMT("bool") DOC("whether the signal left a core dump");
	__u32 reserved PAD;
};
