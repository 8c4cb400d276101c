import { sigmaRules } from "../../bench/lib/sigma-rules.ts";
import { regoRule, yamlRule } from "../helpers.ts";

/** Conditions of all forms that the formulas know, and some that they do not. */
const JSONATA = [
  "process.binary in $lists.shells",
  "$startsWith([process.binary, process.script], $lists.world_writable)",
  '$substring(process.binary, 0, 5) = "/tmp/" or $substring(process.binary, -3) = ".sh"',
  '$contains($lowercase(process.arguments), "evil-Thing") or $contains($uppercase(process.cwd), "SRV/Ok")',
  "$contains(process.arguments, /(^| )-[a-z]*k[a-z]* (secret|token)s?$/i)",
  "$match(process.binary, /^\\/(opt|srv)\\/[a-z]+\\/x$/)",
  '($b := $lowercase(process.binary); $e := function($x) { $endsWith($b, $x) }; $e("/socat") or $e("/ncat"))',
  'process.uid >= 1000 and process.uid < 1002 and process.cwd = "/kiosk"',
  "process.uid in [5..7]",
  'process.uid != 0 and parent.binary = "/usr/bin/kudos"',
  '$exists(process.container) ? process.container.name = "kiosk" : process.cwd = "/isk"',
  'process.stdio.type = "socket"',
  'process.stdio[type = "pipe" and fd < 1].inode > 7',
  '"CAP_SYS_ADMIN" in process.cap.effective and process.binary = "/bin/kk"',
  '$not(process.binary = "/usr/bin/true") and process.cwd = "/isolated"',
  '$not($contains(process.arguments, "harmless")) and $endsWith(process.binary, ["/kexec", "/skopeo"])',
  'process.(binary = "/x/sk" or arguments = "only this")',
  'ancestors.binary = "/usr/lib/systemd/systemd" and process.binary = "/anc"',
  'process.script and $endsWith(process.script, ".kts")',
  "process.binary_properties.memfd",
  '$lookup($lists.kinds, process.binary) = "bad"',
  'process.flags & process.cwd = "execve/kiss"',
  '$count(process.stdio) > 2 and process.cwd = "/count"',
  '$join($split(process.arguments, " "), "") = "ab"',
  "$contains(process.arguments, /b?/)",
];

const REGO = [
  "input.process.binary in data.lists.shells",
  "some start in data.lists.world_writable\n\tstartswith(input.process.binary, start)",
  'lower(input.process.binary) == "/usr/bin/kudos"',
  'parts := split(input.process.binary, "/")\n\tparts[count(parts) - 1] in {"socat", "ncat", "kiss"}',
  'trim_right(input.process.binary, "0123456789.") == "/usr/bin/python"',
  "regex.match(`(?i)(^| )-[a-z]*k[a-z]* (secret|token)s?$`, input.process.arguments)",
  "regex.match(`^/(opt|srv)/[a-z]+/x$`, input.process.binary)",
  'some stream in input.process.stdio\n\tstream.type == "socket"\n\tstream.dport > 1023',
  'count([stream | some stream in input.process.stdio; stream.type == "pipe"]) > 1\n\tinput.process.cwd == "/count"',
  'not contains(input.process.arguments, "harmless")\n\tendswith(input.process.binary, "/kexec")',
  'not input.process.container\n\tinput.process.cwd == "/isk"',
  'input.process.container.name == "kiosk"',
  'object.get(input, ["process", "script"], "none") == "none"\n\tinput.process.cwd == "/kid"',
  "input.process.uid > 1000\n\tinput.process.uid <= 1002\n\t1001 != input.process.uid",
  'input.process.uid != 0\n\tinput.parent.binary == "/usr/bin/kudos"',
  'data.lists.kinds[input.process.binary] == "bad"',
  "input.process.binary_properties.memfd",
  'is_string(input.process.script)\n\tendswith(input.process.script, ".kts")',
  'helper("/kk")',
  'level == "high"\n\tinput.process.cwd == "/level"',
  'any_of\n\tinput.process.cwd == "/any"',
  'every stream in input.process.stdio {\n\t\tstream.type == "socket"\n\t}\n\tinput.process.cwd == "/every"',
  'contains(lower(input.process.arguments), "evil-thing")',
  'strings.any_suffix_match(input.process.binary, [".kts", "/kdump"])',
  'sprintf("%s", [input.process.arguments]) == "formatted"',
  'net.cidr_contains("10.0.0.0/8", input.process.stdio[_].daddr)',
  'count(any_of) == 0\n\tinput.process.cwd == "/none"',
  'found := input.process.binary in data.lists.shells\n\tfound == false\n\tinput.process.cwd == "/not-found"',
  'not level == "high"\n\tinput.process.cwd == "/low"',
  '{"a"} == any_of\n\tinput.process.cwd == "/set"',
  'startswith(input.process.arguments, "-k") == false\n\tinput.process.cwd == "/false"',
  'input.process.script\n\tinput.process.cwd == "/script"',
  '[name | some name in ["/kk", "/kdump"]; endswith(input.process.binary, name)] == ["/kdump"]',
];

const HELPERS = `
helper(name) if {
	endswith(input.process.binary, name)
	input.process.uid == 0
}

level := "high" if input.process.uid == 0

level := "low" if input.process.uid > 0

any_of contains "a" if startswith(input.process.arguments, "-k")
`;

/** Files of a rule set of both languages: these, and as many of each language of the shapes of Sigma's. */
export function differentialFiles(sigma: number): Record<string, string> {
  const files: Record<string, string> = {
    "lists/kinds.yaml": "/bin/kk: bad\n/bin/fine: good\n",
    "lists/shells.yaml": "- /bin/kish\n",
  };
  const yaml = (id: string, when: string): void => void (files[`${id}.yaml`] = yamlRule(id, JSON.stringify(when)));
  const rego = (id: string, body: string, more = ""): void =>
    void (files[`${id}.rego`] = regoRule(
      id,
      `alert contains {"message": input.process.binary} if {\n\t${body}\n}\n${more}`,
    ));
  for (const [n, when] of JSONATA.entries()) yaml(`form-${n}`, when);
  for (const [n, body] of REGO.entries()) rego(`shape-${n}`, body, /helper|level|any_of/.test(body) ? HELPERS : "");
  for (const rule of sigmaRules(sigma * 2).slice(0, sigma)) yaml(rule.id, rule.jsonata);
  for (const rule of sigmaRules(sigma * 2).slice(sigma)) rego(rule.id, rule.rego);
  files["exceptions/all.yaml"] =
    '- {rule: form-0, name: calm, when: process.cwd = "/calm"}\n- {rule: shape-0, name: calm, when: process.cwd = "/calm"}\n';
  return files;
}
