import { commandName } from "./command-name.ts";
import { EXIT } from "./exit.ts";

/**
 * What a verb could not do. `code` is stable: usage, unreachable, needs_root, not_found, failed, child, rules_dir, cgroup,
 * already_running. `help` says what to do, shown under the message; `exit` is the process's exit code.
 */
export class CliError extends Error {
  readonly code: string;
  readonly exit: number;
  readonly help: string | undefined;

  constructor(code: string, message: string, more: { exit?: number; help?: string; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.name = "CliError";
    this.code = code;
    this.exit = more.exit ?? EXIT.failed;
    this.help = more.help;
  }
}

/** Codes of other parts' errors, by what they mean for the exit code. */
const MEANING: Record<string, number> = {
  not_connected: EXIT.unreachable,
  no_responder: EXIT.unreachable,
  timeout: EXIT.unreachable,
  closed: EXIT.unreachable,
  credentials: EXIT.unreachable,
  not_found: EXIT.notFound,
  config: EXIT.usage,
  invalid: EXIT.usage,
};

/** The exit code for anything that a verb threw: its own, or by the stable code of the part that it came from. */
export function exitOf(error: unknown): number {
  if (error instanceof CliError) return error.exit;
  const code = codeOf(error);
  if (code === undefined) return EXIT.failed;
  return MEANING[code] ?? (code.startsWith("config") ? EXIT.usage : EXIT.failed);
}

/** `reeve: message`, what to do below it, and the chain of causes only where REEVE_DEBUG is set. */
export function describeError(error: unknown, debug: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const lines = [`reeve: ${message.replaceAll("\n", "\n       ")}`];
  const help = (error as { help?: unknown } | null)?.help;
  if (typeof help === "string" && help !== "") lines.push(`       ${help}`);
  if (debug && error instanceof Error) {
    if (error.stack) lines.push(error.stack);
    for (let cause = error.cause; cause instanceof Error; cause = cause.cause) lines.push(`caused by ${cause.stack}`);
  } else if (!(error instanceof CliError) && codeOf(error) === undefined) {
    // Not one of ours: a fault in Reeve rather than in what was asked.
    lines.push("       this should not happen: run it again with REEVE_DEBUG=1 for the stack");
  }
  return lines.join("\n");
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Throws unless the process is root; `what` completes "reeve ... needs root: ". */
export function requireRoot(verb: string, what: string): void {
  if (process.getuid?.() === 0) return;
  throw new CliError("needs_root", `${verb} needs root: ${what}`, {
    exit: EXIT.root,
    help: `sudo ${commandName()} ${verb}`,
  });
}
