// SPDX-License-Identifier: GPL-2.0
/*
 * A process asks a DNS server, and is answered: messages over UDP and TCP from and to port 53 of others.
 *
 * Who asks is known where a socket is connected or a datagram is sent to an address; there the matcher is asked, once for
 * both directions. Packets are then told by their socket: they come in the middle of whatever a CPU does.
 */
#include "socket.h"

struct dns_record {
	struct act act DOC("act: who connected the socket, or sent over it first");
	struct socket_name socket DOC("the socket; its peer is the server");
	__u32 whole DOC("bytes of the message");
	__u32 carried DOC("bytes of it that the record has");
	__u32 message_len DOC("bytes of the record's room for it");
	__u32 answer FMT("bool") DOC("whether it came from the server");
	char message[0] LEN("message_len")
		DOC("the message's beginning; what is behind `carried` means nothing");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 3
#include "socket_run.h"

char LICENSE[] SEC("license") = "GPL";

#define DNS_PORT 53
#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define UDP_BYTES 8
#define TCP_SYN 2

/* Where the next message begins in one direction of a TCP connection; each has its length in two bytes before it. */
struct dns_stream {
	__u32 next; /* sequence number */
	__u16 length; /* of the message at `next`, whose length came by itself; else 0 */
	__u8 begun;
	__u8 reserved;
};

struct dns_asker {
	struct process_key process;
	__u32 tid;
	__u32 reserved;
	struct dns_stream stream[2]; /* questions, answers */
};

/* Sockets whose messages are told, by cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct dns_asker);
} dns_askers SEC(".maps");

__noinline __u32 match_dns(__u64 daddr0, __u64 daddr1, __u64 ends)
{
	return match_one_end(HOOK_DNS, daddr0, daddr1, ends);
}

/* The current thread is the one that asks over a socket, or none whose messages are told. */
__noinline int remember_asker(__u64 cookie, __u32 told)
{
	struct task_struct *task = current_task();
	__u64 ids = bpf_get_current_pid_tgid();
	struct dns_asker asker = {};

	if (!told) {
		bpf_map_delete_elem(&dns_askers, &cookie);
		return 0;
	}
	asker.process.start = process_start(task);
	asker.process.self_exec_id = BPF_CORE_READ(task, self_exec_id);
	asker.process.tgid = ids >> 32;
	asker.tid = ids;
	if (bpf_map_update_elem(&dns_askers, &cookie, &asker, BPF_ANY))
		record_lost(RECORD_DNS);
	return 0;
}

/* The current thread is about to reach for a server. */
static __always_inline int to_ipv4(struct bpf_sock_addr *ctx)
{
	__u32 verdict;

	if (ctx->user_port != bpf_htons(DNS_PORT) || !match_asked(HOOK_DNS))
		return 1;
	verdict = match_dns(ctx->user_ip4, 0, ends_of(0, DNS_PORT, AF_INET, ctx->protocol));
	remember_asker(bpf_get_socket_cookie(ctx), verdict & MATCH_POSTS);
	return 1;
}

static __always_inline int to_ipv6(struct bpf_sock_addr *ctx)
{
	__u64 a, b, c, d;
	__u32 verdict;

	if (ctx->user_port != bpf_htons(DNS_PORT) || !match_asked(HOOK_DNS))
		return 1;
	a = ctx->user_ip6[0];
	b = ctx->user_ip6[1];
	c = ctx->user_ip6[2];
	d = ctx->user_ip6[3];
	if (!a && !b && c == bpf_htonl(0xffff))
		verdict = match_dns(d, 0, ends_of(0, DNS_PORT, AF_INET, ctx->protocol));
	else
		verdict = match_dns(b << 32 | a, d << 32 | c,
				    ends_of(0, DNS_PORT, AF_INET6, ctx->protocol));
	remember_asker(bpf_get_socket_cookie(ctx), verdict & MATCH_POSTS);
	return 1;
}

SEC("cgroup/connect4")
int dns_connect4(struct bpf_sock_addr *ctx)
{
	return to_ipv4(ctx);
}

SEC("cgroup/connect6")
int dns_connect6(struct bpf_sock_addr *ctx)
{
	return to_ipv6(ctx);
}

SEC("cgroup/sendmsg4")
int dns_sendmsg4(struct bpf_sock_addr *ctx)
{
	return to_ipv4(ctx);
}

SEC("cgroup/sendmsg6")
int dns_sendmsg6(struct bpf_sock_addr *ctx)
{
	return to_ipv6(ctx);
}

/* A packet: which message it has, and where. */
struct dns_packet {
	struct socket_name name;
	__u32 at;
	__u32 whole; /* bytes of the message */
	__u32 there; /* of them in this packet */
};

/* Network and transport header up to the ports, of packets without options that make it longer in IPv6. */
static __always_inline bool read_packet(struct dns_packet *packet, struct __sk_buff *skb,
					bool answer)
{
	struct socket_name *name = &packet->name;
	__u8 *from = answer ? name->daddr : name->saddr, *to = answer ? name->saddr : name->daddr;
	__be16 ports[2];
	__u8 byte, protocol;

	if (bpf_skb_load_bytes(skb, 0, &byte, sizeof(byte)))
		return false;
	if (byte >> 4 == 4) {
		__be32 address;

		name->family = FAMILY_IPV4;
		packet->at = (byte & 15) * 4;
		bpf_skb_load_bytes(skb, 9, &protocol, sizeof(protocol));
		bpf_skb_load_bytes(skb, 12, &address, sizeof(address));
		put_ipv4(from, address);
		bpf_skb_load_bytes(skb, 16, &address, sizeof(address));
		put_ipv4(to, address);
	} else {
		name->family = FAMILY_IPV6;
		packet->at = IPV6_BYTES;
		bpf_skb_load_bytes(skb, 6, &protocol, sizeof(protocol));
		bpf_skb_load_bytes(skb, 8, from, 16);
		bpf_skb_load_bytes(skb, 24, to, 16);
	}
	name->protocol = protocol;
	if (bpf_skb_load_bytes(skb, packet->at, ports, sizeof(ports)))
		return false;
	name->sport = bpf_ntohs(ports[answer]);
	name->dport = bpf_ntohs(ports[!answer]);
	return name->dport == DNS_PORT;
}

static __always_inline bool read_datagram(struct dns_packet *packet, struct __sk_buff *skb)
{
	packet->at += UDP_BYTES;
	if (skb->len <= packet->at)
		return false;
	packet->whole = packet->there = skb->len - packet->at;
	return true;
}

/* Follows one direction of a connection: what is sent again is told once. Several messages in one packet are told as the first. */
static __always_inline bool read_segment(struct dns_packet *packet, struct __sk_buff *skb,
					 struct dns_stream *stream)
{
	__be32 number;
	__be16 length;
	__u8 bytes[2];
	__u32 sequence, size;

	if (bpf_skb_load_bytes(skb, packet->at + 4, &number, sizeof(number)) ||
	    bpf_skb_load_bytes(skb, packet->at + 12, bytes, sizeof(bytes)))
		return false;
	sequence = bpf_ntohl(number);
	if (bytes[1] & TCP_SYN) {
		stream->next = sequence + 1;
		stream->length = 0;
		stream->begun = true;
		return false;
	}
	packet->at += (bytes[0] >> 4) * 4;
	if (skb->len <= packet->at || !stream->begun || sequence != stream->next)
		return false;
	size = skb->len - packet->at;
	if (stream->length) {
		packet->whole = stream->length;
		stream->length = 0;
	} else {
		if (bpf_skb_load_bytes(skb, packet->at, &length, sizeof(length)))
			return false;
		if (size == sizeof(length)) {
			stream->next += sizeof(length);
			stream->length = bpf_ntohs(length);
			return false;
		}
		packet->whole = bpf_ntohs(length);
		packet->at += sizeof(length);
		size -= sizeof(length);
		stream->next += sizeof(length);
	}
	stream->next += packet->whole;
	packet->there = size < packet->whole ? size : packet->whole;
	return true;
}

static __always_inline void post_message(struct __sk_buff *skb, const struct dns_packet *packet,
					 const struct dns_asker *asker, bool answer,
					 const __u32 room)
{
	struct dns_record *record = record_reserve(RECORD_DNS, sizeof(*record) + room);
	__u32 length = packet->there;

	if (!record)
		return;
	record->act.process = asker->process;
	record->act.tid = asker->tid;
	record->act.result = 0;
	record->act.path_len = record->act.other_len = 0;
	record->act.count = 1;
	record->act.reserved = 0;
	record->socket = packet->name;
	record->whole = packet->whole;
	record->message_len = room;
	record->answer = answer;
	if (length > room)
		length = room;
	/* no packet that comes here is without a message: or 5.10 takes it for a read of nothing */
	if (!length || bpf_skb_load_bytes(skb, packet->at, record->message, length))
		length = 0;
	record->carried = length;
	record_submit(record);
}

static __always_inline int on_packet(struct __sk_buff *skb, const bool answer)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct dns_asker *asker = bpf_map_lookup_elem(&dns_askers, &cookie);
	struct dns_packet packet = {};
	bool told;

	if (!asker || !read_packet(&packet, skb, answer))
		return 1;
	if (packet.name.protocol == IPPROTO_UDP)
		told = read_datagram(&packet, skb);
	else
		told = packet.name.protocol == IPPROTO_TCP &&
		       read_segment(&packet, skb, &asker->stream[answer]);
	if (!told)
		return 1;
	/* sizes of records are known to the verifier */
	if (packet.there <= 128)
		post_message(skb, &packet, asker, answer, 128);
	else if (packet.there <= 512)
		post_message(skb, &packet, asker, answer, 512);
	else
		post_message(skb, &packet, asker, answer, 2048);
	return 1;
}

SEC("cgroup_skb/egress")
int dns_egress(struct __sk_buff *skb)
{
	return on_packet(skb, false);
}

SEC("cgroup_skb/ingress")
int dns_ingress(struct __sk_buff *skb)
{
	return on_packet(skb, true);
}
#endif
