import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checksumOf, fetchRelease } from "../../setup/release.mjs";
import { TOOLS } from "../../setup/tool-list.mjs";

const hex = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

describe("checksumOf", () => {
  const a = "a".repeat(64);
  const b = "b".repeat(64);
  test.each([
    [`${a}  one.tar.gz\n${b}  two.tar.gz\n`, "two.tar.gz", b],
    [`${a} *one.tar.gz\n`, "one.tar.gz", a],
    [`${a}\n`, "anything", a],
    [`${a.toUpperCase()}  one\n`, "one", a],
    [`${a}  one\n`, "two", undefined],
    ["<html>not found</html>", "one", undefined],
  ])("%#", (text, file, expected) => {
    expect(checksumOf(text, file)).toBe(expected);
  });
});

describe("fetchRelease", () => {
  let dir = "";
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "reeve-release-"))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const getter =
    (files: Record<string, Buffer | string>) =>
    (url: string): Promise<Buffer> => {
      const found = files[url];
      return found === undefined ? Promise.reject(new Error(`${url}: HTTP 404`)) : Promise.resolve(Buffer.from(found));
    };

  test("a plain binary with the published checksum", async () => {
    const bytes = Buffer.from("#!/bin/sh\n");
    const get = getter({ "http://x/opa": bytes, "http://x/opa.sha256": `${hex(bytes)}  opa\n` });
    const release = { url: "http://x/opa", checksums: "http://x/opa.sha256", file: "opa", member: undefined };
    await fetchRelease(release, join(dir, "opa"), get);
    expect(readFileSync(join(dir, "opa"))).toEqual(bytes);
  });

  test("a member of an archive", async () => {
    mkdirSync(join(dir, "in/t-1"), { recursive: true });
    writeFileSync(join(dir, "in/t-1/t"), "binary");
    execFileSync("tar", ["-czf", join(dir, "t.tar.gz"), "-C", join(dir, "in"), "t-1"]);
    const bytes = readFileSync(join(dir, "t.tar.gz"));
    const get = getter({ "http://x/t.tar.gz": bytes, "http://x/S": `${hex(bytes)}  t.tar.gz\n` });
    const release = { url: "http://x/t.tar.gz", checksums: "http://x/S", file: "t.tar.gz", member: "t-1/t" };
    await fetchRelease(release, join(dir, "t"), get);
    expect(readFileSync(join(dir, "t"), "utf8")).toBe("binary");
  });

  test("another checksum: nothing is put in place", async () => {
    const get = getter({ "http://x/opa": "tampered", "http://x/S": `${"0".repeat(64)}  opa\n` });
    const release = { url: "http://x/opa", checksums: "http://x/S", file: "opa", member: undefined };
    await expect(fetchRelease(release, join(dir, "opa"), get)).rejects.toThrow(/not used/);
    expect(existsSync(join(dir, "opa"))).toBe(false);
  });

  test("no checksum published: nothing is fetched", async () => {
    const get = getter({ "http://x/S": "" });
    const release = { url: "http://x/opa", checksums: "http://x/S", file: "opa", member: undefined };
    await expect(fetchRelease(release, join(dir, "opa"), get)).rejects.toThrow(/no checksum/);
  });
});

test("the release of every tool is that of its pinned version", () => {
  for (const tool of TOOLS) {
    expect(tool.goPackage).toContain(`@v${tool.version}`);
    expect(tool.release("arm64").url).toContain(`/v${tool.version}/`);
    expect(tool.release("arm64").url).toContain("arm64");
  }
});
