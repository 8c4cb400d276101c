import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { Mirror } from "../../../cli/up/mirror.ts";

const dir = mkdtempSync(join(tmpdir(), "reeve-mirror-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function until(test: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !test(); i++) await sleep(25);
  expect(test()).toBe(true);
}

describe("a mirror", () => {
  it("holds what is there, follows changes, and lets anybody read", async () => {
    const [from, to] = [join(dir, "from"), join(dir, "to")];
    mkdirSync(join(from, "sub"), { recursive: true });
    writeFileSync(join(from, "sub/a.yaml"), "one");
    chmodSync(join(from, "sub/a.yaml"), 0o600);
    chmodSync(join(from, "sub"), 0o700);
    const failures: Error[] = [];
    const mirror = await Mirror.start(from, to, (error) => failures.push(error));
    expect(readFileSync(join(to, "sub/a.yaml"), "utf8")).toBe("one");
    expect(statSync(join(to, "sub/a.yaml")).mode & 0o777).toBe(0o644);
    expect(statSync(join(to, "sub")).mode & 0o777).toBe(0o755);
    writeFileSync(join(from, "sub/a.yaml"), "two");
    await until(() => readFileSync(join(to, "sub/a.yaml"), "utf8") === "two");
    rmSync(join(from, "sub"), { recursive: true });
    await until(() => !existsSync(join(to, "sub")));
    await mirror.close();
    expect(failures).toEqual([]);
  });
});
