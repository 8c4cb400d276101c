import type { RungProbe } from "../../../agent/kernel/probe.ts";
import type { KernelResults } from "./results.ts";

const HEAD = `# Kernels

What Reeve can do on which kernel, as it was seen on each: Debian's kernels, booted in QEMU (emulated, x86-64), where the
tests named below ran and the rungs were tried by loading them; an empty cell was not tried. Made by \`npm run test:guests -- --record\` from
test/guests/results; do not edit.
`;

/** docs/kernels.md, from the results of all kernels, the oldest first. */
export function kernelsDocument(all: readonly KernelResults[]): string {
  const parts = [HEAD, kernels(all), rungs(all), programs(all)];
  return `${parts.join("\n").trimEnd()}\n`;
}

function kernels(all: readonly KernelResults[]): string {
  const rows = all.map(({ kernel, release, suite, tests }) => {
    const sum = (key: "passed" | "failed" | "skipped") =>
      String(Object.values(tests).reduce((total, tally) => total + tally[key], 0));
    return [kernel, release, suite, sum("passed"), sum("failed"), sum("skipped")];
  });
  const ran = [...new Set(all.flatMap(({ tests }) => Object.keys(tests)))]
    .sort()
    .map((file) => `\`${file}\``)
    .join(", ");
  const failures = all.flatMap(({ kernel, tests }) =>
    Object.entries(tests).flatMap(([file, tally]) =>
      (tally.failures ?? []).map((test) => `- ${kernel}: ${file}: ${test}`),
    ),
  );
  const table = markdown(["kernel", "release", "Debian", "tests passed", "failed", "skipped"], rows);
  return `## Tests\n\n${ran === "" ? "" : `Of ${ran}:\n\n`}${table}${failures.length > 0 ? `\nFailed:\n\n${failures.join("\n")}\n` : ""}`;
}

function rungs(all: readonly KernelResults[]): string {
  const keys = [...new Set(all.flatMap((results) => results.rungs.map(keyOf)))];
  const hooks = [...new Set(keys.map((key) => key.split(" ")[0]!))];
  const sorted = hooks.flatMap((hook) => keys.filter((key) => key.startsWith(`${hook} `)));
  const notes: string[] = [];
  const rows = sorted.map((key) => {
    const [hook, rung] = key.split(" ");
    const cells = all.map((results) =>
      cell(
        results.rungs.find((one) => keyOf(one) === key),
        notes,
      ),
    );
    return [hook!, rung!].concat(cells);
  });
  const names = all.map((results) => results.kernel);
  const table = markdown(["hook", "rung", ...names], rows);
  const short = markdown(
    ["hook", ...names],
    hooks.map((hook) => [hook].concat(all.map((results) => inUse(results.rungs, hook)))),
  );
  const explained = notes.map((note, index) => `${index + 1}. ${note}`).join("\n");
  return `## Hooks

The rung that the agent takes for each hook, and whether selectors can deny there; \`reeve doctor --hooks\` says the same of the
kernel that it runs on.

${short}
## Rungs

What selectors can do by each rung: "denies", or "observes" where it tells what happens and can deny nothing; "no" where
the kernel refuses it. The agent takes the first of a hook that the kernel takes: **bold**.

${table}
${explained}
`;
}

function inUse(rungs: readonly RungProbe[], hook: string): string {
  const all = rungs.filter((rung) => rung.hook === hook);
  const used = all.find((rung) => rung.used);
  if (used === undefined) return all.length === 0 ? "" : "none";
  return used.can_deny ? `${used.rung}, **denies**` : used.rung;
}

function keyOf(rung: RungProbe): string {
  return `${rung.hook} ${rung.rung}`;
}

function cell(rung: RungProbe | undefined, notes: string[]): string {
  if (rung === undefined) return "";
  const word = rung.ok ? (rung.can_deny ? "denies" : "observes") : "no";
  const note = rung.detail;
  if (!notes.includes(note)) notes.push(note);
  const text = `${word} [${notes.indexOf(note) + 1}]`;
  return rung.used ? `**${text}**` : text;
}

function programs(all: readonly KernelResults[]): string {
  const names = [...new Set(all.flatMap((results) => Object.keys(results.programs)))].sort();
  const reasons: string[] = [];
  const verdictOf = (verdict: number | string | undefined): string => {
    if (verdict === undefined) return "";
    if (typeof verdict === "number") return verdict.toLocaleString("en-US");
    if (!reasons.includes(verdict)) reasons.push(verdict);
    return `no [${String.fromCodePoint(97 + reasons.indexOf(verdict))}]`;
  };
  const rows = names.map((name) => [`\`${name}\``].concat(all.map((results) => verdictOf(results.programs[name]))));
  const explained = reasons.map((reason, index) => `- [${String.fromCodePoint(97 + index)}] ${reason}`).join("\n");
  return `## Instructions

How many instructions the verifier goes through for each program (its limit is 1,000,000), with all that the agent turns on,
and less where a kernel does not take it so. A test fails where one grows by more than a fifth.

${markdown(["program", ...all.map((results) => results.kernel)], rows)}
${explained}
`;
}

function markdown(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}
