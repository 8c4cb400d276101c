/**
 * Text from the kernel or from a rule, made fit for a terminal: what a monitored process calls itself must not be able to
 * move the cursor, recolour a line or reorder it (control characters, bidirectional overrides, zero-width characters).
 */
// oxlint-disable-next-line no-control-regex -- these are the characters to be found
const UNFIT = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function safe(text: string): string {
  return text.replace(UNFIT, escape);
}

function escape(character: string): string {
  const code = character.charCodeAt(0);
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  if (character === "\r") return "\\r";
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}
