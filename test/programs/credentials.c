/* SPDX-License-Identifier: Apache-2.0 */
/* credentials: changes its users, groups and capabilities in every way there is, and prints each call and what it then is. */
#include "truth.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>

#define NONE (-1L)

static void say(const char *call, long real, long effective, long saved, long fs, long result)
{
	truth("{\"call\":\"%s\",\"pid\":%d,\"asked\":[%ld,%ld,%ld,%ld],\"result\":%ld,", call,
	      getpid(), real, effective, saved, fs, result);
	truth_file("status", "/proc/thread-self/status");
	truth_file("loginuid", "/proc/self/loginuid");
	truth("\"securebits\":%d}\n", prctl(PR_GET_SECUREBITS));
}

static long checked(long result)
{
	return result < 0 ? -errno : result;
}

static long set_capabilities(unsigned clear, unsigned set, unsigned inheritable)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		DIE("capget");
	data[0].effective = (data[0].effective & ~clear) | set;
	data[0].inheritable |= inheritable;
	return checked(syscall(SYS_capset, &header, data));
}

#ifdef __x86_64__
static long ia32(long number, long first, long second)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(number), "b"(first), "c"(second), "d"(0), "S"(0)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}
#endif

int main(void)
{
	gid_t group = 77;

	say("", NONE, NONE, NONE, NONE, 0);
	say("setgroups", NONE, NONE, NONE, NONE, checked(syscall(SYS_setgroups, 1, &group)));
	say("setresgid", 10, 11, 12, NONE, checked(syscall(SYS_setresgid, 10, 11, 12)));
	say("setregid", 13, 14, NONE, NONE, checked(syscall(SYS_setregid, 13, 14)));
	say("setgid", NONE, 15, NONE, NONE, checked(syscall(SYS_setgid, 15)));
	say("setfsgid", NONE, NONE, NONE, 16, checked(syscall(SYS_setfsgid, 16)));
	say("capset", NONE, NONE, NONE, NONE,
	    set_capabilities(0, 0, 1 << CAP_NET_RAW | 1 << CAP_SYS_PTRACE));
	say("prctl", NONE, NONE, NONE, NONE,
	    checked(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0)));
	say("capset", NONE, NONE, NONE, NONE, set_capabilities(1 << CAP_SYS_PTRACE, 0, 0));
	say("capset", NONE, NONE, NONE, NONE, set_capabilities(0, 1 << CAP_SYS_PTRACE, 0));
	say("prctl", NONE, NONE, NONE, NONE, checked(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS)));
	say("setresuid", 21, 22, 0, NONE, checked(syscall(SYS_setresuid, 21, 22, 0)));
	say("setfsuid", NONE, NONE, NONE, 21, checked(syscall(SYS_setfsuid, 21)));
	say("setreuid", NONE, 0, NONE, NONE, checked(syscall(SYS_setreuid, -1, 0)));
	say("setuid", NONE, 31, NONE, NONE, checked(syscall(SYS_setuid, 31)));
	say("setuid", NONE, 0, NONE, NONE, checked(syscall(SYS_setuid, 0)));
#ifdef __x86_64__
	/* with ids of 16 bits, and of 32 */
	say("setreuid", NONE, 31, NONE, NONE, ia32(70, 0xffff, 31));
	say("setresuid", 31, 31, 0, NONE, ia32(208, 31, 31));
#endif
	return 0;
}
