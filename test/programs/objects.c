/* SPDX-License-Identifier: Apache-2.0 */
/*
 * objects MODULE [FLAGS]: asks the kernel for things of its own (eBPF programs and maps, keys, modules, page faults), and prints each
 * call and what came of it. MODULE is a file, loaded by MODULE_INIT_* flags 3 if not said otherwise.
 */
#include "truth.h"
#include <errno.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/userfaultfd.h>

static long checked(long result)
{
	return result < 0 ? -errno : result;
}

static long by_bpf(int command, union bpf_attr *attr)
{
	return checked(syscall(SYS_bpf, command, attr, sizeof(*attr)));
}

/* The id is the first member of a map's information but for its type. */
static unsigned id_of(long fd)
{
	unsigned info[2] = {0};
	union bpf_attr attr = {
		.info = {.bpf_fd = fd, .info_len = sizeof(info), .info = (unsigned long)info},
	};

	if (fd < 0)
		return 0;
	if (by_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) < 0)
		DIE("info");
	return info[1];
}

static void bpf(const char *command, int number, union bpf_attr *attr, unsigned size)
{
	long result = by_bpf(number, attr);

	truth("{\"kind\":\"bpf_load\",\"pid\":%d,\"command\":\"%s\",\"object_id\":%u,\"size\":%u,"
	      "\"result\":%ld}\n",
	      getpid(), command, number == BPF_BTF_LOAD ? 0 : id_of(result), size, result);
}

static void by_bpf_all(void)
{
	struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr map = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = 4,
		.value_size = 24,
		.max_entries = 77,
		.map_flags = BPF_F_NO_PREALLOC,
		.map_name = "reeve_map",
	};
	union bpf_attr program = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SKB,
		.expected_attach_type = BPF_CGROUP_INET_EGRESS,
		.insn_cnt = 2,
		.insns = (unsigned long)code,
		.license = (unsigned long)"GPL",
		.prog_name = "reeve_program",
	};
	union bpf_attr btf = {.btf = (unsigned long)code, .btf_size = sizeof(code)};
	union bpf_attr bad = {.map_type = 9999, .max_entries = 3};

	bpf("map_create", BPF_MAP_CREATE, &map, 77);
	bpf("prog_load", BPF_PROG_LOAD, &program, 2);
	bpf("btf_load", BPF_BTF_LOAD, &btf, sizeof(code));
	bpf("map_create", BPF_MAP_CREATE, &bad, 3);
}

static void key(const char *call, int operation, int key, const char *type, const char *description,
		unsigned bytes, long result)
{
	truth("{\"kind\":\"keyring\",\"pid\":%d,\"call\":\"%s\",\"operation\":%d,\"key\":%d,"
	      "\"key_type\":\"%s\",\"description\":\"%s\",\"payload_bytes\":%u,\"result\":%ld}\n",
	      getpid(), call, operation, key, type, description, bytes, result);
}

static void by_keys(void)
{
	int ring = KEY_SPEC_PROCESS_KEYRING, serial;
	char payload[16];

	serial = checked(syscall(SYS_add_key, "user", "reeve:token", "secret", 6, ring));
	key("add_key", 0, ring, "user", "reeve:token", 6, serial);
	key("keyctl", KEYCTL_READ, serial, "", "", 0,
	    checked(syscall(SYS_keyctl, KEYCTL_READ, serial, payload, sizeof(payload))));
	key("request_key", 0, ring, "user", "reeve:missing", 0,
	    checked(syscall(SYS_request_key, "user", "reeve:missing", NULL, ring)));
	key("keyctl", KEYCTL_CLEAR, ring, "", "", 0,
	    checked(syscall(SYS_keyctl, KEYCTL_CLEAR, ring)));
	key("keyctl", 999, 5, "", "", 0, checked(syscall(SYS_keyctl, 999, 5)));
}

static void faults(unsigned flags)
{
	truth("{\"kind\":\"userfaultfd\",\"pid\":%d,\"flags\":%u,\"result\":%ld}\n", getpid(),
	      flags, checked(syscall(SYS_userfaultfd, flags)));
}

static void by_modules(const char *path, unsigned flags)
{
	static char image[64] = "no module";
	int fd = open(path, O_RDONLY);
	struct stat file;

	if (fstat(fd, &file))
		DIE(path);
	truth("{\"kind\":\"module_load\",\"pid\":%d,\"call\":\"init_module\",\"arguments\":\"debug="
	      "1\","
	      "\"size\":64,\"result\":%ld}\n",
	      getpid(), checked(syscall(SYS_init_module, image, sizeof(image), "debug=1")));
	truth("{\"kind\":\"module_load\",\"pid\":%d,\"call\":\"finit_module\",\"arguments\":"
	      "\"level=2 a=b\","
	      "\"size\":%ld,\"inode\":%lu,\"mode\":%u,\"result\":%ld}\n",
	      getpid(), (long)file.st_size, file.st_ino, file.st_mode & 07777,
	      checked(syscall(SYS_finit_module, fd, "level=2 a=b", flags)));
}

int main(int argc, char **argv)
{
	if (argc != 2 && argc != 3)
		return 98;
	by_bpf_all();
	by_keys();
	faults(UFFD_USER_MODE_ONLY | O_CLOEXEC);
	faults(2);
	by_modules(argv[1], argc == 3 ? atoi(argv[2]) : 3);
	return 0;
}
