/* SPDX-License-Identifier: GPL-2.0 */
/* What file descriptors 0, 1 and 2 refer to. */
#pragma once

#include "process.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

/* Documentation/admin-guide/devices.txt */
static __always_inline __u8 character_device_type(__u32 device)
{
	__u32 major = KERNEL_MAJOR(device);

	if (major == 1 && KERNEL_MINOR(device) == 3)
		return STDIO_NULL;
	if (major == 4 || major == 5 || (major >= 128 && major <= 143)) /* tty, console, pty */
		return STDIO_TTY;
	if (major == 188 || major == 204 || major == 229) /* serial lines, hypervisor console */
		return STDIO_TTY;
	return STDIO_OTHER;
}

static __always_inline bool is_mapped_ipv4(const __u32 *words)
{
	return words[0] == 0 && words[1] == 0 && words[2] == bpf_htonl(0xffff);
}

static __always_inline void read_socket(struct stdio_file *to, struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sock = BPF_CORE_READ(socket, sk);
	__u16 family = BPF_CORE_READ(sock, __sk_common.skc_family);
	__u32 address[4];

	if (!sock || family == AF_UNIX) {
		to->family = sock ? FAMILY_UNIX : FAMILY_OTHER;
		return;
	}
	if (family != AF_INET && family != AF_INET6) {
		to->family = FAMILY_OTHER;
		return;
	}
	to->protocol = BPF_CORE_READ(sock, sk_protocol);
	to->sport = BPF_CORE_READ(sock, __sk_common.skc_num);
	to->dport = bpf_ntohs(BPF_CORE_READ(sock, __sk_common.skc_dport));
	if (family == AF_INET6) {
		BPF_CORE_READ_INTO(&address, sock, __sk_common.skc_v6_daddr);
		if (!is_mapped_ipv4(address)) {
			to->family = FAMILY_IPV6;
			__builtin_memcpy(to->daddr, address, sizeof(address));
			BPF_CORE_READ_INTO(&address, sock, __sk_common.skc_v6_rcv_saddr);
			__builtin_memcpy(to->saddr, address, sizeof(address));
			return;
		}
	}
	to->family = FAMILY_IPV4;
	address[0] = BPF_CORE_READ(sock, __sk_common.skc_daddr);
	__builtin_memcpy(to->daddr, address, 4);
	address[0] = BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr);
	__builtin_memcpy(to->saddr, address, 4);
}

static __always_inline void read_stdio_file(struct stdio_file *to, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	__u32 mode = BPF_CORE_READ(inode, i_mode) & S_IFMT;

	to->inode = BPF_CORE_READ(inode, i_ino);
	to->type = STDIO_OTHER;
	if (mode == S_IFREG) {
		to->type = STDIO_FILE;
	} else if (mode == S_IFCHR) {
		to->type = character_device_type(BPF_CORE_READ(inode, i_rdev));
	} else if (mode == S_IFIFO) {
		__u64 magic = BPF_CORE_READ(inode, i_sb, s_magic);
		to->type = magic == PIPEFS_MAGIC ? STDIO_PIPE : STDIO_FIFO;
	} else if (mode == S_IFSOCK) {
		to->type = STDIO_SOCKET;
		read_socket(to, file);
	}
}

static __always_inline void read_stdio(struct stdio_file to[3], struct task_struct *task)
{
	struct file *files[3] = {};

	/* a table has never less than 64 entries */
	bpf_probe_read_kernel(files, sizeof(files), task->files->fdt->fd);
	__builtin_memset(to, 0, 3 * sizeof(*to));
#pragma unroll
	for (int fd = 0; fd < 3; fd++) {
		if (files[fd])
			read_stdio_file(&to[fd], files[fd]);
	}
}
