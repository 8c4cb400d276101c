import { expect, test } from "vitest";
import { formatArguments, redactor } from "../../../agent/process/arguments.ts";

test.each([
  [["ls"], ""],
  [["ls", "-l", "/tmp"], "-l /tmp"],
  [["sh", "-c", "echo hello"], '-c "echo hello"'],
  [["x", ""], '""'],
  [["x", "", "a"], '"" a'],
  [["x", "a", "", "b"], 'a "" b'],
  [["", "a"], "a"],
  [["x", "näme", "\t"], "näme \t"],
])("%j is shown as %s", (argv, shown) => {
  expect(formatArguments(`${argv.join("\0")}\0`)).toBe(shown);
});

test("arguments that are cut short, and none", () => {
  expect(formatArguments("sh\0-c\0ec")).toBe("-c ec");
  expect(formatArguments("sh")).toBe("");
  expect(formatArguments("")).toBe("");
});

test.each([
  [["--password=\\S+"], "mysql --password=secret -u root", "mysql ***** -u root"],
  [["--password[= ](\\S+)"], "--password secret --password=other", "--password ***** --password=*****"],
  [["-u (\\w+):(\\w+)"], "curl -u bob:pw x", "curl -u *****:***** x"],
  [["token=(\\w+)|key=(\\w+)"], "key=abc token=def", "key=***** token=*****"],
  [["(?<secret>s3cr3t)"], "a s3cr3t b", "a ***** b"],
  [["a", "b"], "cab", "c**********"],
  [["--p(?:assword)?=(\\S+)"], "--password=p", "--password=*****"],
  [["-u (\\w+):(\\w+)"], "curl -u u:u x", "curl -u *****:***** x"],
  [["key=((\\w+)-(\\w+))"], "key=ab-cd x", "key=***** x"],
  [["(?=.*(z))(a)"], "a b z", "***** b *****"],
  [["(x)?y"], "y xy", "y *****y"],
  [[], "as it is", "as it is"],
])("%j hides in %s", (patterns, text, shown) => {
  expect(redactor(patterns)(text)).toBe(shown);
});

test("a filter that is none is named", () => {
  expect(() => redactor(["ok", "("])).toThrow("agent.redact[1]: ( is no regular expression");
});
