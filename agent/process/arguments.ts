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
    for (const filter of filters) out = hide(out, filter);
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

/** By the places of the groups: their text may stand in the match before them, too. */
function hide(text: string, filter: RegExp): string {
  const spans = [...text.matchAll(filter)]
    .flatMap(({ indices }) => (indices!.length === 1 ? indices! : indices!.slice(1)))
    // One that took no part, or took nothing, hides nothing.
    .filter((span): span is [number, number] => span !== undefined && span[0] < span[1])
    .sort((a, b) => a[0] - b[0]);
  let out = "";
  let from = 0;
  for (const [start, end] of spans) {
    // A group within another, or over its end, is hidden with it.
    if (start >= from) out += text.slice(from, start) + REDACTED;
    from = Math.max(from, end);
  }
  return out + text.slice(from);
}
