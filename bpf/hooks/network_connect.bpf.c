// SPDX-License-Identifier: GPL-2.0
/*
 * A process connects a socket. What comes of it is told when the call ends; what is denied (EPERM: the kernel has copied the
 * address, and nothing was sent) is decided before. A datagram to an address is decided about as a connection would be; one
 * over a connected socket was decided about when it was connected.
 */
#include "socket.h"

struct network_connect_record {
	struct act act DOC("act");
	struct socket_name
		socket DOC("the socket: as it is connected, or was to be where the call failed");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 3
#include "socket_run.h"

char LICENSE[] SEC("license") = "GPL";

/* Whether the programs for cgroups may call bpf_send_signal on this kernel: found out by trial load. */
const volatile __u8 connect_can_signal = 0;

/* Whom a thread is connecting to, where somebody asks for it. What finds no room is counted as lost. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct socket_name);
} connect_waits SEC(".maps");

/* `ends` is port << 16 | family << 8 | protocol; `want`: see enum match_want. */
__noinline __u32 match_network_connect(__u64 address0, __u64 address1, __u32 ends, __u32 want)
{
	struct match_event event = {
		.hook = HOOK_NETWORK_CONNECT,
		.want = want,
		.address = {address0, address1},
		.dport = ends >> 16,
		.family = ends >> 8,
		.protocol = ends,
	};

	if (!match_begin(&event))
		return event.verdict;
	match_own_address(&event, OPERAND_DADDR);
	match_own_number(&event, OPERAND_DPORT, event.dport);
	match_own_number(&event, OPERAND_PROTOCOL, event.protocol);
	return match_end(&event);
}

static __always_inline __u32 ask_connect(const struct socket_name *name, __u32 want)
{
	__u64 address[2];

	__builtin_memcpy(address, name->daddr, sizeof(address));
	return match_network_connect(
		address[0], address[1],
		name->dport << 16 | name->family << 8 | (name->protocol & 0xff), want);
}

/*
 * The destination as selectors know it: connecting to the wildcard address reaches this host's loopback, whatever was
 * written. False when the kernel refuses it.
 */
static __always_inline bool destination(struct socket_name *name, const struct given_address *given,
					int length)
{
	__u64 words[2];

	if (!name_of_given(&name->family, name->daddr, &name->dport, given, length))
		return false;
	__builtin_memcpy(words, name->daddr, sizeof(words));
	if (words[0] || words[1])
		return true;
	if (name->family == FAMILY_IPV4)
		words[0] = bpf_htonl(0x7f000001);
	else
		words[1] = (__u64)bpf_htonl(1) << 32;
	__builtin_memcpy(name->daddr, words, sizeof(words));
	return true;
}

static __always_inline void post_connect(const struct socket_name *name, __s32 result)
{
	struct network_connect_record *record =
		record_reserve(RECORD_NETWORK_CONNECT, sizeof(*record));

	if (!record)
		return;
	socket_act(&record->act, result);
	record->socket = *name;
	record_submit(record);
}

/* Decides, and lets wait what is to be told. `ends`: whether the end of the call will be seen. */
static __always_inline __u32 on_connect(const struct socket_name *name, bool ends)
{
	__u32 verdict = ask_connect(name, 0), act = verdict & 0xff;
	__u32 tid = bpf_get_current_pid_tgid();

	if (!(verdict & MATCH_POSTS))
		return verdict;
	if (act == MATCH_DENY || act == MATCH_KILL)
		post_connect(name, -EPERM);
	else if (!ends)
		post_connect(name, NO_RESULT);
	else if (bpf_map_update_elem(&connect_waits, &tid, name, BPF_ANY))
		record_lost(RECORD_NETWORK_CONNECT);
	return verdict;
}

/* Tells of the connection that the thread has begun, as its socket is now. */
static __always_inline void end_connect(struct sock *sock, __s32 result)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct socket_name *wait = bpf_map_lookup_elem(&connect_waits, &tid), name, now;

	if (!wait)
		return;
	name = *wait;
	bpf_map_delete_elem(&connect_waits, &tid);
	if (sock && read_socket_name(&now, sock)) {
		if (!result || result == -EINPROGRESS)
			name = now;
		name.sport = now.sport;
	}
	post_connect(&name, result);
}

/* The name of a socket that is to be connected to an address of `length` bytes that the kernel holds. */
static __always_inline bool reads_destination(struct socket_name *name, struct socket *socket,
					      const void *address, int length)
{
	struct given_address given;

	if (!read_socket_name(name, BPF_CORE_READ(socket, sk)))
		return false;
	if (bpf_probe_read_kernel(&given, sizeof(given), address))
		return false;
	return destination(name, &given, length);
}

static __always_inline long decide_connect(struct socket *socket, struct sockaddr *address,
					   int length)
{
	struct socket_name name;

	if (!match_asked(HOOK_NETWORK_CONNECT) ||
	    !reads_destination(&name, socket, address, length))
		return 0;
	return socket_answer(socket_decided(on_connect(&name, true), true));
}

/* A stream that is opened by its first data (MSG_FASTOPEN) is connected here, not by connect. */
static __always_inline long decide_send(struct socket *socket, struct msghdr *message)
{
	void *address = BPF_CORE_READ(message, msg_name);
	struct socket_name name;
	__u32 verdict;
	bool stream;

	if (!address || !match_asked(HOOK_NETWORK_CONNECT))
		return 0;
	stream = BPF_CORE_READ(socket, type) == SOCK_STREAM;
	if (stream && !(BPF_CORE_READ(message, msg_flags) & MSG_FASTOPEN))
		return 0;
	if (!reads_destination(&name, socket, address, BPF_CORE_READ(message, msg_namelen)))
		return 0;
	verdict = stream ? on_connect(&name, false) : ask_connect(&name, MATCH_WANT_ENFORCE);
	return socket_answer(socket_decided(verdict, true));
}

SEC("lsm/socket_connect")
int BPF_PROG(connect_lsm, struct socket *socket, struct sockaddr *address, int length)
{
	return decide_connect(socket, address, length);
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(send_lsm, struct socket *socket, struct msghdr *message, int size)
{
	return decide_send(socket, message);
}

SEC("fmod_ret/security_socket_connect")
int BPF_PROG(connect_fmod_ret, struct socket *socket, struct sockaddr *address, int length)
{
	return decide_connect(socket, address, length);
}

SEC("fmod_ret/security_socket_sendmsg")
int BPF_PROG(send_fmod_ret, struct socket *socket, struct msghdr *message, int size)
{
	return decide_send(socket, message);
}

/* The two functions that connect sockets of IP: by TCP, and by all else. */
SEC("fexit/inet_stream_connect")
int BPF_PROG(connect_fexit_stream, struct socket *socket, struct sockaddr *address, int length,
	     int flags, int result)
{
	end_connect(BPF_CORE_READ(socket, sk), result);
	return 0;
}

SEC("fexit/inet_dgram_connect")
int BPF_PROG(connect_fexit_dgram, struct socket *socket, struct sockaddr *address, int length,
	     int flags, int result)
{
	end_connect(BPF_CORE_READ(socket, sk), result);
	return 0;
}

static __always_inline void given_of(struct given_address *given, struct bpf_sock_addr *ctx,
				     __u32 family)
{
	__u64 a, b, c, d;

	given->family = family;
	given->port = ctx->user_port;
	if (family == AF_INET) {
		given->flow = ctx->user_ip4;
		return;
	}
	a = ctx->user_ip6[0];
	b = ctx->user_ip6[1];
	c = ctx->user_ip6[2];
	d = ctx->user_ip6[3];
	given->address[0] = b << 32 | a;
	given->address[1] = d << 32 | c;
}

/* For cgroups: 0 is EPERM for the caller. TCP and UDP. */
static __always_inline int decide_in_cgroup(struct bpf_sock_addr *ctx, __u32 family, bool connects)
{
	struct socket_name name = {.protocol = ctx->protocol};
	struct given_address given = {};
	__u32 verdict;

	if (!match_asked(HOOK_NETWORK_CONNECT))
		return 1;
	given_of(&given, ctx, family);
	destination(&name, &given, SIN6_LEN_RFC2133);
	if (connects)
		verdict = on_connect(&name, !(BPF_CORE_READ(current_task(), flags) &
					      (PF_KTHREAD | PF_IO_WORKER)));
	else
		verdict = ask_connect(&name, MATCH_WANT_ENFORCE);
	return !socket_decided(verdict, connect_can_signal);
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return decide_in_cgroup(ctx, AF_INET, true);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	return decide_in_cgroup(ctx, AF_INET6, true);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	return decide_in_cgroup(ctx, AF_INET, false);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	return decide_in_cgroup(ctx, AF_INET6, false);
}

#define IA32_SOCKETCALL 102
#define IA32_CONNECT 362
#define IA32_SENDTO 369
#define IA32_SENDMSG 370

/* After the programs for cgroups. What io_uring did ends with a call of another meaning: it has no result. */
SEC("tp_btf/sys_exit")
int BPF_PROG(connect_sys_exit, struct pt_regs *regs, long result)
{
	bool uring = syscall_is(regs, __NR_io_uring_enter, __NR_io_uring_enter);
	bool multiplexed = syscall_is(regs, NO_SYSCALL, IA32_SOCKETCALL);
	struct socket *socket = NULL;

	if (!uring && !multiplexed && !syscall_is(regs, __NR_connect, IA32_CONNECT) &&
	    !syscall_is(regs, __NR_sendto, IA32_SENDTO) &&
	    !syscall_is(regs, __NR_sendmsg, IA32_SENDMSG))
		return 0;
	if (!uring && !multiplexed)
		socket = socket_of(syscall_arg(regs, 0));
	/* what a connection that is opened by its first data returns is their length */
	if (result > 0)
		result = 0;
	end_connect(socket ? BPF_CORE_READ(socket, sk) : NULL, uring ? NO_RESULT : result);
	return 0;
}
#endif
