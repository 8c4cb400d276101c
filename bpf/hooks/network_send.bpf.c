// SPDX-License-Identifier: GPL-2.0
/*
 * A process sends a datagram over UDP. The first of each flow is told: the same process, socket ends and all; what is denied
 * is decided about at each.
 */
#include "socket.h"

struct network_send_record {
	struct act act DOC("act");
	struct socket_name socket DOC("where from and to");
	__u32 datagram DOC("bytes of the datagram");
	__u32 reserved PAD;
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 5
#include "socket_run.h"

char LICENSE[] SEC("license") = "GPL";

struct send_flow {
	struct socket_name name;
	__u32 tgid;
	__u32 reserved;
};

/* Flows that nothing is to be told of any more, and the epoch of the matcher's tables by which that was found out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct send_flow);
	__type(value, __u64);
} send_flows SEC(".maps");

/* In place of an epoch: it was told. */
#define FLOW_TOLD (~0ULL)

__noinline __u32 match_network_send(__u64 daddr0, __u64 daddr1, __u64 saddr0, __u64 saddr1,
				    __u64 ends)
{
	return match_both_ends(HOOK_NETWORK_SEND, daddr0, daddr1, saddr0, saddr1, ends);
}

/*
 * Where a datagram that is on its way lies, by thread: what calls the matcher has next to no stack. Each thread finds its own
 * as it put it, whatever runs in between.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct send_flow);
} send_datagrams SEC(".maps");

static __always_inline struct send_flow *this_datagram(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&send_datagrams, &tid);
}

static __always_inline void forget_datagram(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&send_datagrams, &tid);
}

/* Part `which` of the thread's datagram, to be asked about: the words of its addresses, then `ends`. */
__noinline __u64 datagram_word(__u32 which)
{
	struct send_flow *flow = this_datagram();
	__u64 words[2];

	if (!flow)
		return 0;
	if (which == 4)
		return ends_of(flow->name.sport, flow->name.dport, flow->name.family,
			       flow->name.protocol);
	__builtin_memcpy(words, which < 2 ? flow->name.daddr : flow->name.saddr, sizeof(words));
	return which & 1 ? words[1] : words[0];
}

static __always_inline __u32 ask_send(__u64 want)
{
	return match_network_send(datagram_word(0), datagram_word(1), datagram_word(2),
				  datagram_word(3), datagram_word(4) | want << ENDS_WANT_SHIFT);
}

/* Whether it is the first of its flow that is asked about by the tables as they are. */
__noinline __u32 send_is_first(void)
{
	struct match_entry *entry = match_entry_of(HOOK_NETWORK_SEND);
	struct send_flow *flow = this_datagram();
	__u64 *known, now;

	if (!entry || !flow)
		return false;
	now = entry->epoch;
	known = bpf_map_lookup_elem(&send_flows, flow);
	if (known && (*known == FLOW_TOLD || *known == now))
		return false;
	bpf_map_update_elem(&send_flows, flow, &now, BPF_ANY);
	return true;
}

__noinline int post_send(__u32 size, __s32 result)
{
	struct network_send_record *record;
	struct send_flow *flow = this_datagram();
	__u64 told = FLOW_TOLD;

	if (!flow)
		return 0;
	bpf_map_update_elem(&send_flows, flow, &told, BPF_ANY);
	record = record_reserve(RECORD_NETWORK_SEND, sizeof(*record));
	if (!record)
		return 0;
	socket_act(&record->act, result);
	record->socket = flow->name;
	record->datagram = size;
	record->reserved = 0;
	record_submit(record);
	return 0;
}

/* Tells of a flow's first datagram. */
static __always_inline void tell_send(__u32 size, __s32 result)
{
	if (send_is_first() && ask_send(MATCH_WANT_POST) & MATCH_POSTS)
		post_send(size, result);
}

/* Whether it is denied. */
static __always_inline bool decide_send(__u32 size, bool can_signal)
{
	bool denied = socket_decided(ask_send(MATCH_WANT_ENFORCE), can_signal);

	if (denied)
		tell_send(size, -EPERM);
	return denied;
}

static __always_inline bool keep_datagram(struct send_flow *flow)
{
	__u32 tid = bpf_get_current_pid_tgid();

	flow->tgid = bpf_get_current_pid_tgid() >> 32;
	if (!bpf_map_update_elem(&send_datagrams, &tid, flow, BPF_ANY))
		return true;
	record_lost(RECORD_NETWORK_SEND);
	return false;
}

/* Keeps what a thread sends: a datagram has an address of its own, or goes to the socket's peer. False: it is none. */
__noinline __u32 keep_message(__u64 socket, __u64 number)
{
	struct msghdr *message = (struct msghdr *)number;
	void *address = BPF_CORE_READ(message, msg_name);
	struct sock *sock = (struct sock *)socket;
	struct given_address given = {};
	struct send_flow flow = {};

	if (BPF_CORE_READ(sock, sk_protocol) != IPPROTO_UDP || !read_socket_name(&flow.name, sock))
		return false;
	if (address) {
		bpf_probe_read_kernel(&given, sizeof(given), address);
		if (!name_of_given(&flow.name.family, flow.name.daddr, &flow.name.dport, &given,
				   BPF_CORE_READ(message, msg_namelen)))
			return false;
	}
	return keep_datagram(&flow);
}

static __always_inline long on_socket_send(struct socket *socket, struct msghdr *message, int size)
{
	bool denied;

	if (!match_asked(HOOK_NETWORK_SEND) ||
	    !keep_message(socket_number(BPF_CORE_READ(socket, sk)), socket_number(message)))
		return 0;
	denied = decide_send(size, true);
	forget_datagram();
	return socket_answer(denied);
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(network_send_lsm, struct socket *socket, struct msghdr *message, int size)
{
	return on_socket_send(socket, message, size);
}

SEC("fmod_ret/security_socket_sendmsg")
int BPF_PROG(network_send_fmod_ret, struct socket *socket, struct msghdr *message, int size)
{
	return on_socket_send(socket, message, size);
}

static __always_inline int sent(struct sock *sock, struct msghdr *message, __u32 size, int result)
{
	if (!match_asked(HOOK_NETWORK_SEND) ||
	    !keep_message(socket_number(sock), socket_number(message)))
		return 0;
	if (!act_denies)
		socket_decided(ask_send(MATCH_WANT_ENFORCE), true);
	tell_send(size, result < 0 ? result : 0);
	forget_datagram();
	return 0;
}

SEC("fexit/udp_sendmsg")
int BPF_PROG(network_send_fexit4, struct sock *sock, struct msghdr *message, __u64 size, int result)
{
	return sent(sock, message, size, result);
}

SEC("fexit/udpv6_sendmsg")
int BPF_PROG(network_send_fexit6, struct sock *sock, struct msghdr *message, __u64 size, int result)
{
	return sent(sock, message, size, result);
}

#define IPV6_BYTES 40
#define UDP_BYTES 8
#define UDP_SIZE_AT 4

/* In IPv6 a header between the two is not looked through. Returns the datagram's bytes and one, 0 when it is none. */
static __always_inline __u32 keep_packet(struct __sk_buff *skb)
{
	struct send_flow flow = {};
	struct socket_name *name = &flow.name;
	__be16 ports[2], length;
	__u8 byte, protocol;
	__u32 at = IPV6_BYTES;
	__be32 address;

	if (bpf_skb_load_bytes(skb, 0, &byte, sizeof(byte)))
		return 0;
	if (byte >> 4 == 4) {
		name->family = FAMILY_IPV4;
		at = (byte & 15) * 4;
		bpf_skb_load_bytes(skb, 9, &protocol, sizeof(protocol));
		bpf_skb_load_bytes(skb, 12, &address, sizeof(address));
		put_ipv4(name->saddr, address);
		bpf_skb_load_bytes(skb, 16, &address, sizeof(address));
		put_ipv4(name->daddr, address);
	} else {
		name->family = FAMILY_IPV6;
		bpf_skb_load_bytes(skb, 6, &protocol, sizeof(protocol));
		bpf_skb_load_bytes(skb, 8, name->saddr, 16);
		bpf_skb_load_bytes(skb, 24, name->daddr, 16);
	}
	if (protocol != IPPROTO_UDP || bpf_skb_load_bytes(skb, at, ports, sizeof(ports)) ||
	    bpf_skb_load_bytes(skb, at + UDP_SIZE_AT, &length, sizeof(length)))
		return 0;
	name->protocol = protocol;
	name->sport = bpf_ntohs(ports[0]);
	name->dport = bpf_ntohs(ports[1]);
	return keep_datagram(&flow) ? bpf_ntohs(length) - UDP_BYTES + 1 : 0;
}

/* A function for the verifier; its context is all that it is given. */
__noinline int keep_of_packet(struct __sk_buff *skb)
{
	return keep_packet(skb);
}

/*
 * Each packet on its way out, still in the thread that sends it; 0 is EPERM for that one. Sockets of the kernel's own have no
 * file.
 */
SEC("cgroup_skb/egress")
int network_send_egress(struct __sk_buff *skb)
{
	struct sock *sock = BPF_CORE_READ((struct sk_buff *)socket_number(skb), sk);
	bool denied;
	__u32 size;

	if (BPF_CORE_READ(sock, sk_protocol) != IPPROTO_UDP || !match_asked(HOOK_NETWORK_SEND) ||
	    !BPF_CORE_READ(sock, sk_socket, file))
		return 1;
	size = keep_of_packet(skb);
	if (!size)
		return 1;
	/* few kernels let a packet's program send signals */
	denied = decide_send(size - 1, false);
	if (!denied)
		tell_send(size - 1, 0);
	forget_datagram();
	return !denied;
}
#endif
