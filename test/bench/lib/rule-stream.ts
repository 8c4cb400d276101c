import { fillEvent } from "../../../rules/testing/fill-event.ts";
import { randomOf } from "../../rules/lib/random.ts";
import type { BenchRule } from "./sigma-rules.ts";

export const NODE = "bench-1";
const BATCH = 64;

/** What runs on a host of web servers, containers and builds: program, arguments, parent. */
const ORDINARY: [string, string, string][] = [
  ["/usr/bin/dash", "-c ps -eo pid,comm --no-headers", "/usr/sbin/cron"],
  ["/usr/bin/bash", "/opt/deploy/release.sh --env production --version 4.18.2", "/usr/bin/ssh-agent"],
  ["/usr/bin/bash", "-c set -eu; cd /srv/app; npm run build --silent", "/usr/bin/node"],
  ["/usr/bin/sh", "-c node /app/health.mjs", "/usr/bin/runc"],
  [
    "/usr/bin/python3.11",
    "/usr/lib/python3/dist-packages/cloud/collect.py --interval 30 --endpoint http://10.2.0.9:9100",
    "/usr/lib/systemd/systemd",
  ],
  ["/usr/bin/python3.11", "-m pip install --no-cache-dir -r requirements.txt", "/usr/bin/dash"],
  ["/usr/bin/grep", "-E ^MemAvailable: /proc/meminfo", "/usr/bin/bash"],
  ["/usr/bin/sed", "-n s/^version = //p Cargo.toml", "/usr/bin/bash"],
  ["/usr/bin/mawk", "{ sum += $1 } END { print sum }", "/usr/bin/bash"],
  ["/usr/bin/curl", "-fsS --max-time 2 http://127.0.0.1:8080/healthz", "/usr/bin/dash"],
  ["/usr/bin/git", "-c core.quotepath=false rev-parse --verify HEAD", "/usr/bin/make"],
  ["/usr/lib/git-core/git-remote-https", "origin https://git.example.org/team/service.git", "/usr/bin/git"],
  [
    "/usr/bin/x86_64-linux-gnu-gcc-12",
    "-O2 -g -Wall -Iinclude -Ibuild/generated -c src/parser/lexer.c -o build/src/parser/lexer.o",
    "/usr/bin/make",
  ],
  [
    "/usr/lib/gcc/x86_64-linux-gnu/12/cc1",
    "-quiet -imultiarch x86_64-linux-gnu src/parser/lexer.c -quiet -dumpbase lexer.c -mtune=generic -O2",
    "/usr/bin/x86_64-linux-gnu-gcc-12",
  ],
  [
    "/usr/bin/x86_64-linux-gnu-ld.bfd",
    "-o build/service -L/usr/lib -lpthread -lssl -lcrypto build/src/main.o build/src/parser/lexer.o",
    "/usr/lib/gcc/x86_64-linux-gnu/12/collect2",
  ],
  [
    "/usr/sbin/runc",
    "--root /var/run/docker/runtime-runc/moby --log /run/containerd/log.json --log-format json exec --process /tmp/runc-process481",
    "/usr/bin/containerd-shim-runc-v2",
  ],
  [
    "/usr/bin/containerd-shim-runc-v2",
    "-namespace moby -id 9f2b6f -address /run/containerd/containerd.sock",
    "/usr/bin/containerd",
  ],
  ["/usr/sbin/logrotate", "/etc/logrotate.conf", "/usr/bin/dash"],
  ["/usr/sbin/sshd", "-D -R", "/usr/sbin/sshd"],
  ["/usr/bin/sudo", "-n systemctl reload nginx.service", "/usr/bin/bash"],
  ["/usr/bin/systemctl", "is-active --quiet nginx.service", "/usr/bin/dash"],
  ["/usr/bin/php8.2", "artisan schedule:run --no-interaction", "/usr/sbin/cron"],
  ["/usr/local/bin/node", "--enable-source-maps /app/dist/server.js", "/sbin/docker-init"],
  ["/usr/bin/java", "-Xmx512m -Dspring.profiles.active=prod -jar /opt/shop/shop.jar", "/usr/bin/bash"],
  ["/usr/bin/pg_dump", "--format=custom --file=/backup/shop.dump shop", "/usr/bin/dash"],
  ["/usr/bin/date", "--iso-8601=seconds", "/usr/bin/bash"],
  ["/usr/bin/find", "/var/cache/app -type f -mtime +7 -delete", "/usr/sbin/cron"],
  ["/usr/bin/tar", "--create --gzip --file /backup/etc.tar.gz /etc", "/usr/bin/dash"],
  ["/usr/bin/id", "-u www-data", "/usr/bin/bash"],
  ["/usr/bin/dirname", "/opt/deploy/lib/common.sh", "/usr/bin/bash"],
  ["/usr/bin/readlink", "-f /proc/self/exe", "/usr/bin/bash"],
  ["/usr/bin/sleep", "0.2", "/usr/bin/bash"],
];

/** What root's processes have outside of containers, as an event names it. */
const CAPABILITIES = (
  "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock " +
  "ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write " +
  "audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
)
  .split(" ")
  .map((name) => `CAP_${name.toUpperCase()}`);

/** Messages as an agent sends them: 64 events each, one kind. */
export interface Stream {
  messages: { kind: string; data: Buffer }[];
  events: number;
  bytes: number;
  /** Events that were made to meet a rule. */
  matching: number;
}

/** Ordinary processes, and among them the share that meets one of the rules. `exits`: each process also ends. */
export function makeStream(rules: readonly BenchRule[], events: number, share: number, exits: boolean): Stream {
  const random = randomOf(7);
  const lines: Record<string, string[]> = { process_exec: [], process_exit: [] };
  let matching = 0;
  const execs = exits ? events / 2 : events;
  for (let n = 0; n < execs; n++) {
    const meets = random.chance(share);
    if (meets) matching++;
    const what = meets ? random.pick(rules).match : null;
    const [binary, args, parent] = what === null ? random.pick(ORDINARY) : [what.binary, what.arguments, what.parent];
    const container = random.chance(0.5) ? { id: "3f5c".repeat(16), known: true, name: "shop-web-1" } : null;
    const uid = meets ? 0 : random.pick([0, 33, 1000]);
    const cap = {
      effective: uid === 0 ? CAPABILITIES : [],
      permitted: uid === 0 ? "000001ffffffffff" : "0000000000000000",
    };
    const process = {
      binary,
      arguments: args,
      container,
      pid: 1000 + n,
      uid,
      cwd: random.pick(["/", "/root", "/srv/app"]),
    };
    const around = { node: NODE, process, parent: { binary: parent, arguments: random.pick(ORDINARY)[1] } };
    lines["process_exec"]!.push(JSON.stringify(fillEvent({ ...around, process: { ...process, cap } }, n)));
    if (exits) lines["process_exit"]!.push(JSON.stringify(fillEvent({ kind: "process_exit", ...around }, n)));
  }
  const messages = Object.entries(lines).flatMap(([kind, all]) => {
    const batches = Math.ceil(all.length / BATCH);
    return Array.from({ length: batches }, (_, n) => ({
      kind,
      at: n,
      data: Buffer.from(all.slice(n * BATCH, (n + 1) * BATCH).join("\n")),
    }));
  });
  messages.sort((a, b) => a.at - b.at);
  return { messages, events, matching, bytes: messages.reduce((sum, { data }) => sum + data.length, 0) };
}
