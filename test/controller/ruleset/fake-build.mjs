// Stands in for `reeve rules build`: the bundle is what the files say. Words in a file make it misbehave.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const args = process.argv.slice(2);
const directories = args.flatMap((arg, index) => (arg === "--rules" ? [args[index + 1]] : []));
const files = directories.flatMap((directory) => readdirSync(directory).map((name) => join(directory, name))).sort();
const texts = files.map((file) => readFileSync(file, "utf8"));
const all = texts.join("");
const broken = files.find((_, index) => texts[index].includes("BROKEN"));

if (all.includes("HANG")) setInterval(() => undefined, 1_000);
else if (all.includes("CRASH")) {
  process.stderr.write("it fell over\n");
  process.exitCode = 70;
} else if (broken !== undefined) {
  const error = { file: broken, line: 3, rule: "x", message: "no such severity", allowed: "info, low" };
  process.stdout.write(JSON.stringify({ errors: [error], warnings: [] }));
  process.exitCode = 1;
} else {
  writeFileSync(
    args[args.indexOf("--out") + 1],
    all.includes("CACHE")
      ? `${args[args.indexOf("--cache") + 1]} ${process.env.NODE_COMPILE_CACHE}`
      : `${all}|${args.filter((arg) => /^--(?:no-|enf)/.test(arg)).join(" ")}`,
  );
  process.stdout.write(JSON.stringify({ digest: "", rules: files.length, policies: 0, warnings: [] }));
}
