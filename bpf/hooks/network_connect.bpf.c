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

__noinline __u32 match_network_connect(__u64 daddr0, __u64 daddr1, __u64 ends)
{
	return match_one_end(HOOK_NETWORK_CONNECT, daddr0, daddr1, ends);
}

__noinline int post_connect(__u64 daddr0, __u64 daddr1, __u64 ends, __s32 result)
{
	struct network_connect_record *record =
		record_reserve(RECORD_NETWORK_CONNECT, sizeof(*record));

	if (!record)
		return 0;
	socket_act(&record->act, result);
	name_of_words(&record->socket, daddr0, daddr1, 0, 0, ends);
	record_submit(record);
	return 0;
}

/* Lets what is to be told wait for the end of the call. */
__noinline int wait_connect(__u64 daddr0, __u64 daddr1, __u64 ends)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct socket_name name;

	name_of_words(&name, daddr0, daddr1, 0, 0, ends);
	if (bpf_map_update_elem(&connect_waits, &tid, &name, BPF_ANY))
		record_lost(RECORD_NETWORK_CONNECT);
	return 0;
}

/* Tells of the connection that the thread has begun, as its socket is now. */
__noinline int end_connect(__u64 sock, __s32 result)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct socket_name *wait = bpf_map_lookup_elem(&connect_waits, &tid), now;
	struct network_connect_record *record;

	if (!wait)
		return 0;
	record = record_reserve(RECORD_NETWORK_CONNECT, sizeof(*record));
	if (record) {
		socket_act(&record->act, result);
		record->socket = *wait;
		if (sock && read_socket_name(&now, (struct sock *)sock)) {
			if (!result || result == -EINPROGRESS)
				record->socket = now;
			record->socket.sport = now.sport;
		}
		record_submit(record);
	}
	bpf_map_delete_elem(&connect_waits, &tid);
	return 0;
}

/*
 * The destination as selectors know it, and whether it may be reached: connecting to the wildcard address reaches this
 * host's loopback, whatever was written. `connects`: not a datagram, which is only decided about. `ends_seen`: the end of
 * the call will be.
 */
static __always_inline __u32 on_connect(__u64 daddr0, __u64 daddr1, __u64 ends, bool connects,
					bool ends_seen)
{
	__u64 want = connects ? 0 : MATCH_WANT_ENFORCE;
	__u32 verdict, act;

	if (!daddr0 && !daddr1) {
		if ((ends >> 8 & 0xff) == AF_INET)
			daddr0 = bpf_htonl(0x7f000001);
		else
			daddr1 = (__u64)bpf_htonl(1) << 32;
	}
	verdict = match_network_connect(daddr0, daddr1, ends | want << ENDS_WANT_SHIFT);
	act = verdict & 0xff;
	if (!(verdict & MATCH_POSTS))
		return verdict;
	if (act == MATCH_DENY || act == MATCH_KILL)
		post_connect(daddr0, daddr1, ends, -EPERM);
	else if (!ends_seen)
		post_connect(daddr0, daddr1, ends, NO_RESULT);
	else
		wait_connect(daddr0, daddr1, ends);
	return verdict;
}

/* Of an address of `length` bytes that the kernel holds; what is too short it refuses. */
static __always_inline long decide(struct socket *socket, __u64 address, __u32 length,
				   bool connects, bool ends_seen)
{
	struct sock *sock = BPF_CORE_READ(socket, sk);
	__u32 word = given_word(address, length, false, 2);

	if (!word || !socket_family(socket_number(sock)))
		return 0;
	return socket_answer(socket_decided(on_connect(given_word(address, length, false, 0),
						       given_word(address, length, false, 1),
						       ends_of(0, word >> 16, word >> 8 & 0xff,
							       BPF_CORE_READ(sock, sk_protocol)),
						       connects, ends_seen),
					    true));
}

static __always_inline long decide_connect(struct socket *socket, struct sockaddr *address,
					   int length)
{
	if (!match_asked(HOOK_NETWORK_CONNECT))
		return 0;
	return decide(socket, socket_number(address), length, true, true);
}

/* A stream that is opened by its first data (MSG_FASTOPEN) is connected here, not by connect. */
static __always_inline long decide_send(struct socket *socket, struct msghdr *message)
{
	void *address = BPF_CORE_READ(message, msg_name);
	bool stream;

	if (!address || !match_asked(HOOK_NETWORK_CONNECT))
		return 0;
	stream = BPF_CORE_READ(socket, type) == SOCK_STREAM;
	if (stream && !(BPF_CORE_READ(message, msg_flags) & MSG_FASTOPEN))
		return 0;
	return decide(socket, socket_number(address), BPF_CORE_READ(message, msg_namelen), stream,
		      false);
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
	end_connect(socket_number(BPF_CORE_READ(socket, sk)), result);
	return 0;
}

SEC("fexit/inet_dgram_connect")
int BPF_PROG(connect_fexit_dgram, struct socket *socket, struct sockaddr *address, int length,
	     int flags, int result)
{
	end_connect(socket_number(BPF_CORE_READ(socket, sk)), result);
	return 0;
}

/* For cgroups: 0 is EPERM for the caller. TCP and UDP. */
static __always_inline int decide_in_cgroup(__u64 daddr0, __u64 daddr1, __u64 ends, bool connects)
{
	bool seen = !(BPF_CORE_READ(current_task(), flags) & (PF_KTHREAD | PF_IO_WORKER));

	return !socket_decided(on_connect(daddr0, daddr1, ends, connects, seen),
			       connect_can_signal);
}

static __always_inline int to_ipv4(struct bpf_sock_addr *ctx, bool connects)
{
	if (!match_asked(HOOK_NETWORK_CONNECT))
		return 1;
	return decide_in_cgroup(ctx->user_ip4, 0,
				ends_of(0, bpf_ntohs(ctx->user_port), AF_INET, ctx->protocol),
				connects);
}

static __always_inline int to_ipv6(struct bpf_sock_addr *ctx, bool connects)
{
	__u64 a = ctx->user_ip6[0], b = ctx->user_ip6[1], c = ctx->user_ip6[2],
	      d = ctx->user_ip6[3], daddr0 = b << 32 | a, daddr1 = d << 32 | c;
	__u32 family = AF_INET6;

	if (!match_asked(HOOK_NETWORK_CONNECT))
		return 1;
	if (!daddr0 && c == bpf_htonl(0xffff)) {
		family = AF_INET;
		daddr0 = d;
		daddr1 = 0;
	}
	return decide_in_cgroup(daddr0, daddr1,
				ends_of(0, bpf_ntohs(ctx->user_port), family, ctx->protocol),
				connects);
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	return to_ipv4(ctx, true);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
	return to_ipv6(ctx, true);
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
	return to_ipv4(ctx, false);
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
	return to_ipv6(ctx, false);
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
	end_connect(socket ? socket_number(BPF_CORE_READ(socket, sk)) : 0,
		    uring ? NO_RESULT : result);
	return 0;
}
#endif
