// SPDX-License-Identifier: GPL-2.0
/* The last descriptor of a TCP connection is closed, by a process or by its end. */
#include "socket.h"

struct network_close_record {
	struct act act DOC("act");
	struct socket_name socket DOC("the connection");
	__u64 sent DOC("bytes of data that were given to the connection, whether they were "
		       "acknowledged or not");
	__u64 received DOC("bytes of data that came, whether they were read or not");
	__u64 duration FMT("ns") DOC("since it was established; 0 when that was not seen");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 5
#include "socket_run.h"

char LICENSE[] SEC("license") = "GPL";

#define TCP_ESTABLISHED 1
#define TCP_LISTEN 10
#define SEND_SHUTDOWN 2
/* Bit of skc_flags: the peer has ended its side. */
#define SOCK_DONE 1

/* When connections were established, by their socks. Its address comes again, but not without being established first. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u64);
} connection_starts SEC(".maps");

/* Often in the middle of whatever a CPU does: it tells nothing of processes. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(network_close_state, const struct sock *sock, int before, int state)
{
	__u64 key = (__u64)sock, now;

	if (state != TCP_ESTABLISHED || sock->sk_protocol != IPPROTO_TCP)
		return 0;
	now = bpf_ktime_get_boot_ns();
	bpf_map_update_elem(&connection_starts, &key, &now, BPF_ANY);
	return 0;
}

__noinline __u32 match_network_close(__u64 sock)
{
	struct match_event event = {.hook = HOOK_NETWORK_CLOSE};
	struct socket_name name = {};

	if (!match_begin(&event))
		return event.verdict;
	read_socket_name(&name, (struct sock *)sock);
	return match_both_ends(&event, &name);
}

/* Sequence numbers count the end of each side as a byte. */
static __always_inline __u64 bytes_sent(struct sock *sock)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sock;
	__u32 unsent = BPF_CORE_READ(tcp, write_seq) - BPF_CORE_READ(tcp, snd_nxt);

	if (unsent && BPF_CORE_READ(sock, sk_shutdown) & SEND_SHUTDOWN)
		unsent--;
	return BPF_CORE_READ(tcp, bytes_sent) - BPF_CORE_READ(tcp, bytes_retrans) + unsent;
}

static __always_inline __u64 bytes_received(struct sock *sock)
{
	struct tcp_sock *tcp = (struct tcp_sock *)sock;
	__u64 bytes = BPF_CORE_READ(tcp, bytes_received);

	return bytes && BPF_CORE_READ(sock, __sk_common.skc_flags) >> SOCK_DONE & 1 ? bytes - 1
										    : bytes;
}

static __always_inline void post_close(struct sock *sock, __u64 start)
{
	struct network_close_record *record = record_reserve(RECORD_NETWORK_CLOSE, sizeof(*record));

	if (!record)
		return;
	socket_act(&record->act, 0);
	read_socket_name(&record->socket, sock);
	record->sent = bytes_sent(sock);
	record->received = bytes_received(sock);
	record->duration = start ? record->act.header.time - start : 0;
	record_submit(record);
}

static __always_inline void on_release(struct sock *sock)
{
	__u64 key = socket_number(sock), *found, start = 0;
	__u32 verdict;

	if (!sock || !match_asked(HOOK_NETWORK_CLOSE))
		return;
	if (BPF_CORE_READ(sock, sk_protocol) != IPPROTO_TCP ||
	    BPF_CORE_READ(sock, __sk_common.skc_state) == TCP_LISTEN ||
	    !BPF_CORE_READ((struct tcp_sock *)sock, rcv_nxt))
		return;
	found = bpf_map_lookup_elem(&connection_starts, &key);
	if (found) {
		start = *found;
		bpf_map_delete_elem(&connection_starts, &key);
	}
	verdict = match_network_close(key);
	if (verdict & MATCH_POSTS)
		post_close(sock, start);
	/* closed by the thread's end, of which the matcher was told already: what it remembers nobody would take away */
	if (BPF_CORE_READ(current_task(), flags) & PF_EXITING) {
		key = current_thread_key(HOOK_NETWORK_CLOSE);
		bpf_map_delete_elem(&match_threads, &key);
	}
}

SEC("fentry/inet_release")
int BPF_PROG(network_close_fentry, struct socket *socket)
{
	on_release(BPF_CORE_READ(socket, sk));
	return 0;
}

/* The context is the kernel's struct sock, which the verifier lets nobody see as such. */
SEC("cgroup/sock_release")
int network_close_cgroup(struct bpf_sock *ctx)
{
	on_release((struct sock *)socket_number(ctx));
	return 1;
}
#endif
