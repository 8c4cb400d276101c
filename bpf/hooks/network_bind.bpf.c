// SPDX-License-Identifier: GPL-2.0
/* A process gives a socket its local address: bind. */
#include "socket.h"

struct network_bind_record {
	struct act act DOC("act");
	struct socket_name socket DOC(
		"the socket: as it is bound, or was to be where the call failed; it has no peer");
};

#ifndef REEVE_LAYOUTS
#define MATCH_OWN_OPERANDS 3
#include "socket_run.h"

char LICENSE[] SEC("license") = "GPL";

/* Whether the programs for cgroups may call bpf_send_signal on this kernel: found out by trial load. */
const volatile __u8 bind_can_signal = 1;

/* `ends` is port << 16 | family << 8 | protocol; `want`: see enum match_want. */
__noinline __u32 match_network_bind(__u64 address0, __u64 address1, __u32 ends, __u32 want)
{
	struct match_event event = {.hook = HOOK_NETWORK_BIND, .want = want};
	struct socket_name name = {
		.family = ends >> 8, .protocol = ends & 0xff, .sport = ends >> 16};
	__u64 address[2] = {address0, address1};

	if (!match_begin(&event))
		return event.verdict;
	__builtin_memcpy(name.saddr, address, sizeof(address));
	return match_local_end(&event, &name);
}

static __always_inline __u32 ask_bind(const struct socket_name *name, __u32 want)
{
	__u64 address[2];

	__builtin_memcpy(address, name->saddr, sizeof(address));
	return match_network_bind(address[0], address[1],
				  name->sport << 16 | name->family << 8 | (name->protocol & 0xff),
				  want);
}

static __always_inline __u32 on_bind(const struct socket_name *name, __s32 result, __u32 want)
{
	__u32 verdict = ask_bind(name, want);
	struct network_bind_record *record;

	if (!(verdict & MATCH_POSTS))
		return verdict;
	record = record_reserve(RECORD_NETWORK_BIND, sizeof(*record));
	if (!record)
		return verdict;
	socket_act(&record->act, result);
	record->socket = *name;
	record_submit(record);
	return verdict;
}

/* The socket as bound; where it was not, as `given` says. False for another family. */
static __always_inline bool bound_name(struct socket_name *name, struct sock *sock,
				       const struct given_address *given, int length, __s32 result)
{
	if (!read_socket_name(name, sock))
		return false;
	return !result || name_of_given(&name->family, name->saddr, &name->sport, given, length);
}

/* What is denied does not reach the function at which the others are told. */
static __always_inline long decide_bind(struct socket *socket, void *address, int length)
{
	struct sock *sock = BPF_CORE_READ(socket, sk);
	struct given_address given = {};
	struct socket_name name = {};
	bool denied;

	if (!match_asked(HOOK_NETWORK_BIND) ||
	    bpf_probe_read_kernel(&given, sizeof(given), address) ||
	    !bound_name(&name, sock, &given, length, -EPERM))
		return 0;
	denied = socket_decided(ask_bind(&name, MATCH_WANT_ENFORCE), true);
	if (denied)
		on_bind(&name, -EPERM, MATCH_WANT_POST);
	return socket_answer(denied);
}

SEC("lsm/socket_bind")
int BPF_PROG(network_bind_lsm, struct socket *socket, struct sockaddr *address, int length)
{
	return decide_bind(socket, address, length);
}

SEC("fmod_ret/security_socket_bind")
int BPF_PROG(network_bind_fmod_ret, struct socket *socket, struct sockaddr *address, int length)
{
	return decide_bind(socket, address, length);
}

/* For cgroups: 0 is EPERM for the caller. TCP and UDP. */
static __always_inline int decide_in_cgroup(const struct socket_name *name)
{
	return !socket_decided(ask_bind(name, MATCH_WANT_ENFORCE), bind_can_signal);
}

SEC("cgroup/bind4")
int network_bind4(struct bpf_sock_addr *ctx)
{
	struct socket_name name = {.family = FAMILY_IPV4};

	name.protocol = ctx->protocol;
	name.sport = bpf_ntohs(ctx->user_port);
	put_ipv4(name.saddr, ctx->user_ip4);
	return decide_in_cgroup(&name);
}

SEC("cgroup/bind6")
int network_bind6(struct bpf_sock_addr *ctx)
{
	__u64 a = ctx->user_ip6[0], b = ctx->user_ip6[1], c = ctx->user_ip6[2],
	      d = ctx->user_ip6[3];
	struct given_address given = {
		.family = AF_INET6, .port = ctx->user_port, .address = {b << 32 | a, d << 32 | c}};
	struct socket_name name = {};

	name.protocol = ctx->protocol;
	name_of_given(&name.family, name.saddr, &name.sport, &given, SIN6_LEN_RFC2133);
	return decide_in_cgroup(&name);
}

static __always_inline void tell_bind(const struct socket_name *name, __s32 result)
{
	socket_decided(on_bind(name, result, act_denies ? MATCH_WANT_POST : 0), !act_denies);
}

static __always_inline int at_exit(struct socket *socket, void *address, int length, int result)
{
	struct given_address given = {};
	struct socket_name name = {};

	if (!match_asked(HOOK_NETWORK_BIND))
		return 0;
	bpf_probe_read_kernel(&given, sizeof(given), address);
	if (bound_name(&name, BPF_CORE_READ(socket, sk), &given, length, result))
		tell_bind(&name, result);
	return 0;
}

SEC("fexit/inet_bind")
int BPF_PROG(network_bind_fexit4, struct socket *socket, struct sockaddr *address, int length,
	     int result)
{
	return at_exit(socket, address, length, result);
}

SEC("fexit/inet6_bind")
int BPF_PROG(network_bind_fexit6, struct socket *socket, struct sockaddr *address, int length,
	     int result)
{
	return at_exit(socket, address, length, result);
}

#define IA32_BIND 361

/* Where the call failed, the address is what its memory says now: nothing else keeps it. */
SEC("tp_btf/sys_exit")
int BPF_PROG(network_bind_sys_exit, struct pt_regs *regs, long result)
{
	struct given_address given = {};
	struct socket_name name = {};
	struct socket *socket;

	if (!syscall_is(regs, __NR_bind, IA32_BIND) || !match_asked(HOOK_NETWORK_BIND))
		return 0;
	socket = socket_of(syscall_arg(regs, 0));
	if (!socket)
		return 0;
	if (result)
		bpf_probe_read_user(&given, sizeof(given), (void *)syscall_arg(regs, 1));
	if (bound_name(&name, BPF_CORE_READ(socket, sk), &given, syscall_arg(regs, 2), result))
		tell_bind(&name, result);
	return 0;
}
#endif
