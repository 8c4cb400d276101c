import type { Skim } from "./skim.ts";

/** The lines of one message, of which it is told whether they have to be parsed. */
export class SkimmedLines {
  readonly #skim: Skim;
  readonly #text: string;
  readonly #kind: string;
  readonly #node: string;
  readonly #isSampled: () => boolean;

  /** `isSampled` says each time whether a line is parsed all the same. */
  constructor(skim: Skim, message: Buffer, { kind, node }: { kind: string; node: string }, isSampled: () => boolean) {
    this.#skim = skim;
    // A character for each byte: places in the text are those in the message.
    this.#text = message.toString("latin1");
    this.#kind = kind;
    this.#node = node;
    this.#isSampled = isSampled;
  }

  concern(start: number): boolean {
    // Asked of each line, so that the sample is not only of those that no rule is found for.
    const sampled = this.#isSampled();
    return this.#skim.concerns(this.#text, start, this.#kind, this.#node) || sampled;
  }
}
