const NUL = "\0";
const REDACTED = "*****";

/**
 * Arguments as Tetragon shows them: what follows the zeroth, joined by spaces; one that has a space in it, or is empty,
 * in double quotes. `argv` has each argument ended by a zero byte; the last may be cut short.
 */
export function formatArguments(argv: string): string {
  const first = argv.indexOf(NUL);
  if (first < 0 || first + 1 >= argv.length) return "";
  const end = argv.endsWith(NUL) ? argv.length - 1 : argv.length;
  const rest = argv.slice(first + 1, end);
  const plain = !rest.includes(" ") && !rest.includes("\0\0") && !rest.startsWith(NUL) && !rest.endsWith(NUL);
  if (plain && rest !== "") return rest.replaceAll(NUL, " ");
  return rest
    .split(NUL)
    .map((argument) => (argument === "" || argument.includes(" ") ? `"${argument}"` : argument))
    .join(" ");
}

/** Makes of an arguments string one that may leave the node. */
export type Redact = (text: string) => string;

/**
 * Filters that hide secrets in arguments: of each match the capture groups are replaced by `*****`, or the whole match
 * when the pattern has none.
 * @throws Error naming the pattern, when one is no regular expression.
 */
export function redactor(patterns: readonly string[]): Redact {
  const filters = patterns.map(compile);
  if (filters.length === 0) return (text) => text;
  return (text) => {
    let out = text;
    for (const filter of filters) out = out.replace(filter, hide);
    return out;
  };
}

function compile(pattern: string, index: number): RegExp {
  try {
    return new RegExp(pattern, "gd");
  } catch (cause) {
    throw new Error(`agent.redact[${index}]: ${pattern} is no regular expression: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Called by replace with match, groups, offset, whole string (and named groups, which stand among the groups too). */
function hide(match: string, ...rest: unknown[]): string {
  const groups: (string | undefined)[] = [];
  for (const part of rest) {
    if (typeof part === "number") break;
    groups.push(part as string | undefined);
  }
  if (groups.length === 0) return REDACTED;
  let out = "";
  let from = 0;
  for (const group of groups) {
    if (group === undefined || group === "") continue;
    const at = match.indexOf(group, from);
    if (at < 0) continue;
    out += match.slice(from, at) + REDACTED;
    from = at + group.length;
  }
  return out + match.slice(from);
}
