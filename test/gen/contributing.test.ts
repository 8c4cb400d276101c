import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const REPO = join(import.meta.dirname, "../..");

test.each(["bpf/hooks/chroot.bpf.c", "agent/hooks/kinds/chroot.ts"])("CONTRIBUTING.md shows %s as it is", (file) => {
  const read = (path: string) => readFileSync(join(REPO, path), "utf8");
  expect(read("CONTRIBUTING.md")).toContain(`\`${file}\`:\n\n`);
  expect(read("CONTRIBUTING.md")).toContain(read(file).trim());
});
