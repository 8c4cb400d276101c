import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Colours text, or leaves it as it is: decided once for each stream. */
export type Paint = (style: Style, text: string) => string;

export const plainPaint: Paint = (_style, text) => text;
export const colourPaint: Paint = (style, text) => styleText(style, text, { validateStream: false });

/** Colour where the stream is a terminal, unless NO_COLOR says no; FORCE_COLOR turns it on elsewhere. */
export function paintFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): Paint {
  if (env["NO_COLOR"]) return plainPaint;
  if (env["FORCE_COLOR"] && env["FORCE_COLOR"] !== "0") return colourPaint;
  return stream.isTTY && env["TERM"] !== "dumb" ? colourPaint : plainPaint;
}
