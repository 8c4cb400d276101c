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

/* Whether programs for cgroups may call bpf_send_signal on this kernel: found out by trial load. */
const volatile __u8 close_can_signal = 1;

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

__noinline __u32 match_network_close(__u64 daddr0, __u64 daddr1, __u64 saddr0, __u64 saddr1,
				     __u64 ends)
{
	return match_both_ends(HOOK_NETWORK_CLOSE, daddr0, daddr1, saddr0, saddr1, ends);
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

__noinline int post_close(__u64 number, __u64 start)
{
	struct network_close_record *record = record_reserve(RECORD_NETWORK_CLOSE, sizeof(*record));
	struct sock *sock = (struct sock *)number;

	if (!record)
		return 0;
	socket_act(&record->act, 0);
	read_socket_name(&record->socket, sock);
	record->sent = bytes_sent(sock);
	record->received = bytes_received(sock);
	record->duration = start ? record->act.header.time - start : 0;
	record_submit(record);
	return 0;
}

/* When the connection was established, 0 when that is not known; it is then forgotten. */
__noinline __u64 take_start(__u64 sock)
{
	__u64 *found = bpf_map_lookup_elem(&connection_starts, &sock), start;

	if (!found)
		return 0;
	start = *found;
	bpf_map_delete_elem(&connection_starts, &sock);
	return start;
}

/* What the matcher remembers of a thread that has ended nobody would take away. */
__noinline int forget_ended(void)
{
	__u64 key = thread_key(bpf_get_current_pid_tgid(), HOOK_NETWORK_CLOSE);

	if (BPF_CORE_READ(current_task(), flags) & PF_EXITING)
		bpf_map_delete_elem(&match_threads, &key);
	return 0;
}

static __always_inline void on_release(struct sock *sock)
{
	__u32 family, verdict;
	__u64 start;

	if (!sock || !match_asked(HOOK_NETWORK_CLOSE))
		return;
	if (BPF_CORE_READ(sock, sk_protocol) != IPPROTO_TCP ||
	    BPF_CORE_READ(sock, __sk_common.skc_state) == TCP_LISTEN ||
	    !BPF_CORE_READ((struct tcp_sock *)sock, rcv_nxt))
		return;
	start = take_start(socket_number(sock));
	family = socket_family(socket_number(sock));
	if (!family)
		return;
	verdict = match_network_close(peer_word(sock, family, 0), peer_word(sock, family, 1),
				      local_word(sock, family, 0), local_word(sock, family, 1),
				      socket_ends(sock, family));
	if (verdict & MATCH_POSTS)
		post_close(socket_number(sock), start);
	forget_ended();
	socket_decided(verdict, close_can_signal);
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
