import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { posts } from "./lib/demand.ts";
import { measureModes, reportModes } from "./lib/modes.ts";

// What does it cost to see files opened? `npm run bench:files [ROUNDS [FILES]]`: untar and grep -r of a source tree, with no
// agent, with one of which nothing is demanded, with opens below /etc/ demanded (of which the load has next to none), and with
// every open demanded, in an order that changes every round.
const ROUNDS = Number(process.argv[2] ?? 10);
const FILES = Number(process.argv[3] ?? 6000);
const FILES_A_DIRECTORY = 30;

// in memory, where there is: a disk's own moods would be most of what is measured
const dir = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "reeve-bench-files-"));
try {
  const archive = makeTree();
  const measured = await measureModes({
    rounds: ROUNDS,
    modes: {
      idle: [],
      etc: [posts("file_open", [{ field: "file.path", op: "prefix", values: ["/etc/"] }])],
      all: [posts("file_open")],
    },
    load: () => Promise.resolve(load(archive)),
  });
  console.log(`${ROUNDS} rounds of untar and grep -r, ${FILES} files\n`);
  console.log(JSON.stringify(reportModes(measured, "open")));
} finally {
  rmSync(dir, { recursive: true, force: true });
}

/** A source tree of text files of 2 to 6 KB, as an archive. */
function makeTree(): string {
  const tree = join(dir, "tree");
  const line = "static int function_of_some_name(struct thing *thing, unsigned long flags)\n";
  for (let i = 0; i < FILES; i++) {
    const folder = join(
      tree,
      `part-${Math.floor(i / FILES_A_DIRECTORY / 20)}`,
      `folder-${Math.floor(i / FILES_A_DIRECTORY)}`,
    );
    if (i % FILES_A_DIRECTORY === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${i}.c`), line.repeat(28 + ((i * 7919) % 56)));
  }
  const archive = join(dir, "tree.tar");
  execFileSync("tar", ["cf", archive, "-C", dir, "tree"]);
  rmSync(tree, { recursive: true });
  return archive;
}

/** Each file is opened twice: made by tar, read by grep. */
function load(archive: string): { wallNs: number; acts: number } {
  const out = join(dir, "out");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out);
  const start = process.hrtime.bigint();
  execFileSync("tar", ["xf", archive, "-C", out]);
  const { status } = spawnSync("grep", ["-r", "no_such_function", out]);
  const wallNs = Number(process.hrtime.bigint() - start);
  if (status !== 1) throw new Error(`grep ended with ${status}`);
  return { wallNs, acts: 2 * FILES };
}
