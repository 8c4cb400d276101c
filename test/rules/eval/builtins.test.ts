import { expect, test } from "vitest";
import { HOST_BUILTINS } from "../../../rules/eval/builtins/table.ts";

const NS = 1767323045123456800;

/** Name, arguments, result; as `opa eval` gives it. */
const TABLE: [string, unknown[], unknown][] = [
  ["sprintf", ["%s is %d of %v", ["a", 3, ["x", 1]]], 'a is 3 of ["x", 1]'],
  ["sprintf", ["%d", ["x"]], "%!d(string=x)"],
  ["sprintf", ["%s %s", ["x"]], "x %!s(MISSING)"],
  ["sprintf", ["%5.2f|%-4s|%04d|%x|%q|%t|%%", [1.239, "a", 7, 255, 'q"', true]], ' 1.24|a   |0007|ff|"q\\""|true|%'],
  ["strings.any_prefix_match", ["/tmp/x", ["/var/", "/tmp/"]], true],
  ["strings.any_prefix_match", [["a", "b"], "c"], false],
  ["strings.any_suffix_match", ["x.sh", [".py", ".sh"]], true],
  ["strings.any_suffix_match", [3, ".sh"], undefined],
  ["strings.count", ["cheese", "e"], 3],
  ["indexof_n", ["sad", "a"], [1]],
  ["regex.replace", ["aXbX", "X", "-"], "a-b-"],
  ["regex.replace", ["John Doe", "(?P<first>\\w+) (\\w+)", "${2} $first"], "Doe John"],
  ["regex.replace", ["ABC", "(?i)b", "$0$0"], "ABBC"],
  ["regex.replace", ["a", "(", "x"], undefined],
  ["regex.split", ["/", "a/b"], ["a", "b"]],
  ["regex.find_n", ["a.", "abac", 1], ["ab"]],
  ["glob.quote_meta", ["*.x"], "\\*.x"],
  ["base64url.encode_no_pad", ["a?~"], "YT9-"],
  ["hex.encode", ["ab"], "6162"],
  ["hex.decode", ["6162"], "ab"],
  ["hex.decode", ["6"], undefined],
  ["urlquery.encode", ["a b&c"], "a+b%26c"],
  ["urlquery.decode", ["a+b%26c"], "a b&c"],
  ["crypto.sha256", ["x"], "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"],
  ["crypto.md5", ["x"], "9dd4e461268c8034f5c8564e155c67a6"],
  ["crypto.sha1", ["x"], "11f6ad8ec52a2984abaafd7c3b516503785c2072"],
  ["crypto.hmac.equal", ["a", "a"], true],
  ["net.cidr_is_valid", ["10.0.0.0/8"], true],
  ["net.cidr_is_valid", ["10.0.0.0/33"], false],
  ["net.cidr_expand", ["192.168.0.0/30"], ["192.168.0.0", "192.168.0.1", "192.168.0.2", "192.168.0.3"]],
  ["net.cidr_merge", [["192.0.128.0/24", "192.0.129.0/24"]], ["192.0.128.0/23"]],
  ["net.cidr_contains_matches", ["1.1.1.0/24", ["1.1.1.1", "2.2.2.2"]], [["1.1.1.0/24", 0]]],
  ["semver.compare", ["1.2.3-rc1", "1.2.3"], -1],
  ["semver.compare", ["1.10.0", "1.9.0"], 1],
  ["semver.is_valid", ["1.2"], false],
  ["units.parse_bytes", ["10KiB"], 10240],
  ["units.parse_bytes", ["1MB"], 1000000],
  ["units.parse", ["500m"], 0.5],
  ["units.parse", ["2Ki"], 2048],
  ["numbers.range_step", [0, 10, 5], [0, 5, 10]],
  ["object.subset", [{ a: { b: 1, c: 2 } }, { a: { b: 1 } }], true],
  ["object.subset", [{ a: 1 }, { a: 2 }], false],
  ["time.parse_rfc3339_ns", ["2026-01-02T03:04:05.1234568Z"], NS],
  ["time.parse_duration_ns", ["1h30m"], 5.4e12],
  ["time.date", [NS], [2026, 1, 2]],
  ["time.clock", [[NS, "Europe/Berlin"]], [4, 4, 5]],
  ["time.weekday", [NS], "Friday"],
];

test.each(TABLE)("%s(%j)", (name, args, result) => {
  expect(HOST_BUILTINS[name]!(...args)).toEqual(result);
});

test("no builtin throws, whatever it is given", () => {
  for (const builtin of Object.values(HOST_BUILTINS)) {
    for (const args of [[], [null], [1, 2, 3], [{}, []], ["", "", ""], [[null], [null]]]) {
      expect(() => builtin(...args)).not.toThrow();
    }
  }
});
