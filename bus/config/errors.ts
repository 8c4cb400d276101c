/** One thing wrong with the configuration. `where` is `reeve.yaml:3:5`, `REEVE_BUS_PORT` or `--bus-port`. */
export interface ConfigProblem {
  where: string;
  /** Dotted name of the setting; null for a file as a whole. */
  key: string | null;
  message: string;
}

/** The configuration cannot be used. Code `config`; the message lists every problem, one a line. */
export class ConfigError extends Error {
  readonly code = "config";
  readonly problems: ConfigProblem[];

  constructor(problems: ConfigProblem[], cause?: unknown) {
    const lines = problems.map((it) => `${it.where}: ${it.key === null ? "" : `${it.key}: `}${it.message}`);
    super(lines.join("\n"), cause === undefined ? undefined : { cause });
    this.name = "ConfigError";
    this.problems = problems;
  }
}
