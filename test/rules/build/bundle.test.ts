import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildRuleSet } from "../../../rules/build/build.ts";
import { findOpa } from "../../../rules/build/opa.ts";
import type { BundleKey } from "../../../rules/build/verify-bundles.ts";
import type { RuleErrors } from "../../../rules/errors.ts";
import { decodeRuleSet } from "../../../rules/model/rule-set.ts";
import type { RuleSet } from "../../../rules/model/rule-set.ts";
import { regoRule, rulesDir } from "../helpers.ts";

// OPA bundles as `opa build` and `opa sign` make them.

const RULE = regoRule("bundled", "alert contains {} if input.process.binary in data.lists.bad_tools");
let work: ReturnType<typeof rulesDir>;
let key: BundleKey;
const at = (name: string): string => join(work.dir, name);

beforeAll(() => {
  work = rulesDir({ "bundle/web/web.rego": RULE, "bundle/lists/bad_tools/data.json": '["/usr/bin/nc"]' });
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(at("public.pem"), publicKey.export({ type: "spki", format: "pem" }));
  writeFileSync(at("private.pem"), privateKey.export({ type: "pkcs1", format: "pem" }));
  key = { key: at("public.pem"), id: "default", algorithm: "RS256", scope: "" };
  opa("build", "--bundle", "bundle", "--output", "plain.tar.gz");
  opa("build", "--bundle", "bundle", "--signing-key", "private.pem", "--output", "signed.tar.gz");
});
afterAll(() => work[Symbol.dispose]());

function opa(...args: string[]): void {
  execFileSync(findOpa(), args, { cwd: work.dir });
}

async function set(path: string, bundleKey?: BundleKey): Promise<RuleSet> {
  const signed = bundleKey === undefined ? {} : { bundleKey };
  return decodeRuleSet((await buildRuleSet({ dirs: [path], shipped: false, ...signed })).bytes);
}

async function problems(path: string, bundleKey?: BundleKey): Promise<string[]> {
  const thrown = await set(path, bundleKey).catch((error: unknown) => error as RuleErrors);
  return (thrown as RuleErrors).problems.map(({ message }) => message);
}

describe("without a key", () => {
  test("packed or as a directory, its Rego is rules and its data are lists", async () => {
    mkdirSync(at("directory"));
    execFileSync("tar", ["xzf", at("plain.tar.gz"), "-C", at("directory"), "--warning=none"], { stdio: "ignore" });
    for (const path of [at("plain.tar.gz"), at("directory")]) {
      const { rules, lists, wasm } = await set(path);
      expect(rules.map(({ id }) => id)).toEqual(["bundled"]);
      expect(rules[0]!.file).toMatch(/^(plain|directory)\/.*web\/web\.rego$/);
      expect(lists["bad_tools"]).toEqual(["/usr/bin/nc"]);
      expect(wasm).not.toBeNull();
    }
  });

  test("data that no rule can read is an error, and bytes that are no bundle are one", async () => {
    mkdirSync(at("other"));
    writeFileSync(at("other/.manifest"), "{}");
    writeFileSync(at("other/data.json"), '{"users": []}');
    expect(await problems(at("other"))).toEqual([
      "holds no Rego and no lists",
      "holds data.users, which no rule can read",
    ]);
    writeFileSync(at("broken.tar.gz"), "no gzip");
    expect(await problems(at("broken.tar.gz"))).toEqual([expect.stringContaining("is no OPA bundle: ")]);
    writeFileSync(at("cut.tar.gz"), gzipSync(gunzipSync(readFileSync(at("plain.tar.gz"))).subarray(0, 520)));
    expect(await problems(at("cut.tar.gz"))).toEqual(["is no OPA bundle: it is cut off"]);
  });
});

describe("with a key", () => {
  test("one that is signed with it is taken", async () => {
    expect((await set(at("signed.tar.gz"), key)).rules.map(({ id }) => id)).toEqual(["bundled"]);
  });

  test("one that is not signed, signed by another, or changed is refused, and says why", async () => {
    expect(await problems(at("plain.tar.gz"), key)).toEqual(["is refused: bundle missing .signatures.json file"]);
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(at("another.pem"), publicKey.export({ type: "spki", format: "pem" }));
    expect(await problems(at("signed.tar.gz"), { ...key, key: at("another.pem") })).toEqual([
      expect.stringMatching(/^is refused: .*verif/),
    ]);
    const tar = gunzipSync(readFileSync(at("signed.tar.gz")));
    const changed = Buffer.from(tar.toString("latin1").replace("/usr/bin/nc", "/usr/bin/no"), "latin1");
    writeFileSync(at("changed.tar.gz"), gzipSync(changed));
    expect(await problems(at("changed.tar.gz"), key)).toEqual([expect.stringMatching(/^is refused: .*digest/)]);
  });

  test("a directory of rules that is no bundle needs no signature", async () => {
    using plain = rulesDir({ "web.rego": regoRule("plain", "alert contains {} if input.process.uid == 7") });
    expect((await set(plain.dir, key)).rules.map(({ id }) => id)).toEqual(["plain"]);
  });
});
