/** What is wrong with a layout, the wire description, or the files that came out of them. */
export type GenerateErrorCode = "layout" | "wire" | "kinds" | "stale" | "bpftool";

export class GenerateError extends Error {
  readonly code: GenerateErrorCode;
  /** One line each, naming struct and field. */
  readonly problems: string[];

  constructor(code: GenerateErrorCode, problems: string[], options?: { cause?: unknown }) {
    super(problems.join("\n"), options);
    this.name = "GenerateError";
    this.code = code;
    this.problems = problems;
  }
}
