/**
 * `sprintf` as OPA has it (Go's fmt): a verb that does not fit its value says so in the text and never throws.
 * Texts and numbers are formatted by their verbs; anything else as Rego writes it.
 */
export function sprintf(format: unknown, values: unknown): string | undefined {
  if (typeof format !== "string" || !Array.isArray(values)) return undefined;
  let next = 0;
  const text = format.replace(/%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g, (_, flags, width, precision, verb) => {
    if (verb === "%") return "%";
    if (next >= values.length) return `%!${verb}(MISSING)`;
    const shown = formatOne(
      String(flags),
      precision === undefined ? null : Number(precision),
      String(verb),
      values[next++],
    );
    return pad(shown, String(flags), Number(width ?? 0));
  });
  const extra = values.slice(next).map((value) => `${goType(value)}=${regoText(value, false)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(", ")})`;
}

function formatOne(flags: string, precision: number | null, verb: string, value: unknown): string {
  const plus = flags.includes("+") && typeof value === "number" && value >= 0 ? "+" : "";
  const scalar = typeof value === "string" || typeof value === "number" ? value : regoText(value, false);
  const cut = (text: string): string => (precision === null ? text : Array.from(text).slice(0, precision).join(""));
  switch (verb) {
    case "v":
      return plus + regoText(value, false);
    case "s":
      return typeof scalar === "number" ? wrong(verb, value) : cut(scalar);
    case "q":
      return typeof scalar === "string" ? JSON.stringify(scalar) : wrong(verb, value);
    case "d":
      return Number.isInteger(scalar) ? plus + integerText(scalar as number) : wrong(verb, value);
    case "t":
      return typeof value === "boolean" ? String(value) : wrong(verb, value);
    case "T":
      return goType(value);
    case "x":
    case "X": {
      const hex = typeof scalar === "string" ? Buffer.from(scalar).toString("hex") : integerText(scalar, 16);
      return verb === "X" ? hex.toUpperCase() : hex;
    }
    case "o":
      return typeof scalar === "number" ? integerText(scalar, 8) : wrong(verb, value);
    case "b":
      return typeof scalar === "number" ? integerText(scalar, 2) : wrong(verb, value);
    case "c":
      return typeof scalar === "number" ? String.fromCodePoint(scalar) : wrong(verb, value);
    case "f":
    case "F":
      return typeof scalar === "number" ? plus + scalar.toFixed(precision ?? 6) : wrong(verb, value);
    case "e":
      return typeof scalar === "number"
        ? scalar.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, "e$10$2")
        : wrong(verb, value);
    case "g":
      return typeof scalar === "number"
        ? String(precision === null ? scalar : Number(scalar.toPrecision(precision)))
        : wrong(verb, value);
    default:
      return wrong(verb, value);
  }
}

function pad(text: string, flags: string, width: number): string {
  if (flags.includes("-")) return text.padEnd(width);
  if (!flags.includes("0") || !/^[+-]?\d/.test(text)) return text.padStart(width);
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + text.slice(sign.length).padStart(width - sign.length, "0");
}

function wrong(verb: string, value: unknown): string {
  return `%!${verb}(${goType(value)}=${regoText(value, false)})`;
}

function goType(value: unknown): string {
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  return "string";
}

function integerText(value: number, base = 10): string {
  return Number.isSafeInteger(value) ? value.toString(base) : BigInt(Math.trunc(value)).toString(base);
}

/** A value as Rego writes it: `["a", 1]`, `{"a": true}`; a text alone stands without quotes. */
function regoText(value: unknown, quoted: boolean): string {
  if (typeof value === "string") return quoted ? JSON.stringify(value) : value;
  if (Array.isArray(value)) return `[${value.map((item) => regoText(item, true)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const pairs = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${regoText(item, true)}`);
    return `{${pairs.join(", ")}}`;
  }
  return typeof value === "number" && Number.isInteger(value) ? integerText(value) : String(value);
}
