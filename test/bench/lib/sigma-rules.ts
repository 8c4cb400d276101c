import { randomOf } from "../../rules/lib/random.ts";
import type { Random } from "../../rules/lib/random.ts";

/**
 * Rules of the shapes of Sigma's process rules, made up: an image that ends with something, a command line that contains
 * some of, or all of, some texts, a parent, a directory, a regular expression, a filter for what is fine; all without case.
 * Each is written in both languages and comes with a process that meets it.
 */
export interface BenchRule {
  id: string;
  jsonata: string;
  rego: string;
  match: { binary: string; arguments: string; parent: string };
}

const TOOLS = (
  "nmap socat ncat hydra john sqlmap masscan tcpdump tshark strace ltrace gdb setcap getcap capsh nsenter unshare chroot insmod modprobe rmmod kmod iptables nft " +
  "ufw auditctl crontab at batch useradd usermod groupadd passwd chpasswd visudo pkexec doas kubectl crictl ctr nerdctl podman buildah skopeo helm terraform " +
  "aws gcloud az rclone scp sftp rsync lftp tftp telnet rlogin xxd base64 base32 openssl gpg shred wipe dd mkfs fdisk mount umount losetup cryptsetup chattr " +
  "lsattr setfacl debugfs xfs_db ldconfig ld.so patchelf objdump readelf nm strings hexdump bpftool bpftrace perf stap frida lldb python2 ruby php lua tclsh " +
  "awk2 busybox toybox xmrig minerd ethminer proxychains tor torsocks ngrok chisel frpc gost iodine dnscat ptunnel sliver merlin"
).split(" ");
const FLAGS = [
  "-e",
  "-c",
  "--exec",
  "-lvp",
  "-sS",
  "-z",
  "--dump",
  "-w",
  "-P",
  "-d",
  "--decode",
  "-r",
  "-f",
  "--remote",
  "--delete",
  "-i",
  "--privileged",
  "-X",
];
const NOUNS = (
  "shadow sudoers authorized_keys id_rsa known_hosts wallet keystore kubeconfig token credentials metadata passwd crontab rc.local ld.so.preload bashrc " +
  "profile hosts resolv.conf fstab grub initramfs vmlinuz kallsyms kcore memfd docker.sock containerd.sock release_agent core_pattern modules firmware"
).split(" ");
const DIRS = [
  "/tmp/.x",
  "/dev/shm/",
  "/var/tmp/.cache",
  "/run/user/.d",
  "/home/shared/.bin",
  "/srv/upload/",
  "/var/www/uploads/",
  "/opt/.hidden/",
];
const PARENTS = [
  "nginx",
  "apache2",
  "httpd",
  "java",
  "tomcat",
  "node",
  "php-fpm",
  "mysqld",
  "postgres",
  "redis-server",
  "mongod",
  "named",
];

/** As many different rules as are asked for; the same for the same number. */
export function sigmaRules(count: number): BenchRule[] {
  const random = randomOf(122);
  return Array.from({ length: count }, (_, n) => SHAPES[n % SHAPES.length]!(`sigma-${n}`, n, random));
}

/** Rules that no index can hold, as their authors would write them. */
export function unindexableRules(): Omit<BenchRule, "match">[] {
  return [
    {
      id: "many-words",
      jsonata: '$count($split(process.arguments, " ")) > 400',
      rego: 'count(split(input.process.arguments, " ")) > 400',
    },
    { id: "long-line", jsonata: "$length(process.arguments) > 6000", rego: "count(input.process.arguments) > 6000" },
    {
      id: "other-user",
      jsonata: "process.uid = 33 + process.auid",
      rego: "input.process.uid == 33 + input.process.auid",
    },
  ];
}

const low = (path: string): string => `$lowercase(${path})`;
const any = (test: (text: string) => string, texts: readonly string[]): string => `(${texts.map(test).join(" or ")})`;

type Shape = (id: string, n: number, random: Random) => BenchRule;

/** A word that stands in one rule only, as names of malware and their options do. */
const own = (n: number, random: Random): string => `${random.pick(NOUNS)}${n}`;

const SHAPES: Shape[] = [
  (id, n, random) => {
    const [tool, flag, word] = [random.pick(TOOLS), random.pick(FLAGS), own(n, random)];
    return {
      id,
      jsonata: `$endsWith(${low("process.binary")}, "/${tool}") and $contains(${low("process.arguments")}, " ${flag.toLowerCase()} ") and $contains(${low("process.arguments")}, "${word}")`,
      rego: `endswith(lower(input.process.binary), "/${tool}")\n\tcontains(lower(input.process.arguments), " ${flag.toLowerCase()} ")\n\tcontains(lower(input.process.arguments), "${word}")`,
      match: { binary: `/usr/bin/${tool}`, arguments: `-v ${flag} /${word}`, parent: "/usr/bin/bash" },
    };
  },
  (id, n, random) => {
    const words = [own(n, random), own(n, random), random.pick(NOUNS)];
    return {
      id,
      jsonata: words.map((word) => `$contains(${low("process.arguments")}, "${word}")`).join(" and "),
      rego: words.map((word) => `contains(lower(input.process.arguments), "${word}")`).join("\n\t"),
      match: {
        binary: "/usr/bin/cat",
        arguments: words.map((word) => `/etc/${word}`).join(" "),
        parent: "/usr/bin/bash",
      },
    };
  },
  (id, n, random) => {
    const tools = [random.pick(TOOLS), random.pick(TOOLS), random.pick(TOOLS)];
    const words = [own(n, random), `--${own(n + 1000, random)}`, `/${own(n + 2000, random)}`];
    return {
      id,
      jsonata: `${any((tool) => `$endsWith(${low("process.binary")}, "/${tool}")`, tools)} and ${any((word) => `$contains(${low("process.arguments")}, "${word}")`, words)}`,
      rego: `some tool in ${JSON.stringify(tools)}\n\tendswith(lower(input.process.binary), concat("", ["/", tool]))\n\tsome word in ${JSON.stringify(words)}\n\tcontains(lower(input.process.arguments), word)`,
      match: { binary: `/usr/sbin/${tools[1]}`, arguments: `run ${words[2]}`, parent: "/usr/bin/dash" },
    };
  },
  (id, n, random) => {
    const [parent, tool] = [random.pick(PARENTS), random.pick(TOOLS)];
    return {
      id,
      jsonata: `$endsWith(${low("parent.binary")}, "/${parent}") and $endsWith(${low("process.binary")}, ["/${tool}", "/${tool}${n}"])`,
      rego: `endswith(lower(input.parent.binary), "/${parent}")\n\tstrings.any_suffix_match(lower(input.process.binary), ["/${tool}", "/${tool}${n}"])`,
      match: { binary: `/usr/bin/${tool}${n}`, arguments: "", parent: `/usr/sbin/${parent}` },
    };
  },
  (id, n, random) => {
    const [dir, word] = [random.pick(DIRS), own(n, random)];
    return {
      id,
      jsonata: `$startsWith(process.binary, "${dir}${n % 50}") and $not($contains(process.arguments, "${word}"))`,
      rego: `startswith(input.process.binary, "${dir}${n % 50}")\n\tnot contains(input.process.arguments, "${word}")`,
      match: { binary: `${dir}${n % 50}/run`, arguments: "start", parent: "/usr/bin/bash" },
    };
  },
  (id, n, random) => {
    const [tool, word] = [random.pick(TOOLS), own(n, random)];
    return {
      id,
      jsonata: `$contains(process.arguments, /(^| )${word}[=:][0-9a-f]{8,}/i) and $not($endsWith(parent.binary, "/${tool}"))`,
      rego: `regex.match(\`(?i)(^| )${word}[=:][0-9a-f]{8,}\`, input.process.arguments)\n\tnot endswith(input.parent.binary, "/${tool}")`,
      match: { binary: "/usr/bin/env", arguments: `-i ${word}=deadbeef01`, parent: "/usr/bin/bash" },
    };
  },
  (id, n, random) => {
    const [tool, word] = [random.pick(TOOLS), own(n, random)];
    return {
      id,
      jsonata: `process.uid = 0 and process.binary in ["/usr/bin/${tool}-${n}", "/usr/sbin/${tool}-${n}", "/opt/${word}/bin/${tool}"]`,
      rego: `input.process.uid == 0\n\tinput.process.binary in {"/usr/bin/${tool}-${n}", "/usr/sbin/${tool}-${n}", "/opt/${word}/bin/${tool}"}`,
      match: { binary: `/opt/${word}/bin/${tool}`, arguments: "", parent: "/usr/bin/sudo" },
    };
  },
];
