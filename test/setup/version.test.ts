import { describe, expect, test } from "vitest";
import { parseVersion, serves } from "../../setup/version.mjs";

describe("parseVersion", () => {
  test.each([
    ["Version: 1.22.2\nBuild Commit: \nGo Version: go1.26.8", [1, 22, 2]],
    ["nats-server: v2.15.2\n", [2, 15, 2]],
    ["v10.0.1-beta.1", [10, 0, 1]],
    ["no version at all", undefined],
    ["1.2", undefined],
  ])("%j", (text, version) => {
    expect(parseVersion(text)).toEqual(version);
  });
});

describe("serves", () => {
  test.each([
    ["1.22.2", "1.22.2", true],
    ["1.22.3", "1.22.2", true],
    ["1.23.0", "1.22.2", true],
    ["1.22.1", "1.22.2", false],
    ["1.9.9", "1.22.2", false],
    ["2.0.0", "1.22.2", false],
    ["0.70.0", "1.22.2", false],
    ["", "1.22.2", false],
  ])("%s in place of %s: %s", (there, pinned, expected) => {
    expect(serves(there, pinned)).toBe(expected);
  });
});
