import { OperatorBus } from "../bus/clients/operator.ts";
import type { Config } from "../bus/config/settings.ts";
import { connect } from "../bus/connection.ts";
import { busUrl, userCredentials } from "../bus/credentials.ts";
import { commandName } from "./command-name.ts";
import { CliError } from "./errors.ts";
import { EXIT } from "./exit.ts";

/**
 * The bus as the operator sees it. Throws what `connect` throws, with what to do about it: credentials that only root may
 * read, a bus that is not there.
 */
export async function connectOperator(config: Config, wait = 5000): Promise<OperatorBus> {
  let asNobody = false;
  try {
    // Looked at first: `connect` would wait for files that are not there yet.
    busUrl(config);
    const credentials = userCredentials(config, { role: "operator", name: null });
    asNobody = credentials === null;
    return new OperatorBus(await connect("operator", config, { wait }));
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    const denied = ((cause as Error).cause as NodeJS.ErrnoException | undefined)?.code === "EACCES";
    if (denied) {
      const message = `the operator's credentials in ${config.bus.credentials_dir} may only be read by root`;
      throw new CliError("needs_root", message, { exit: EXIT.root, help: "use sudo", cause });
    }
    if (asNobody && code === "refused") {
      const { url, credentials_dir: dir } = config.bus;
      throw new CliError("unreachable", `the bus at ${url} asks for credentials, and ${dir} has no operator.json`, {
        exit: EXIT.unreachable,
        help: "say where they are: REEVE_BUS_CREDENTIALS_DIR=DIR, or bus.credentials_dir in reeve.yaml",
        cause,
      });
    }
    if (code !== "credentials" && code !== "not_connected") throw cause;
    throw new CliError("unreachable", (cause as Error).message, {
      exit: EXIT.unreachable,
      help: `start it with: sudo ${commandName()} up (or give --instance NAME, --nats URL)`,
      cause,
    });
  }
}

/** Asks the controller. What it answers as an error is thrown with its own code and every problem that it names. */
export async function askController<T>(bus: OperatorBus, verb: string, body: unknown = {}): Promise<T> {
  try {
    return (await bus.requestControl(verb, body)) as T;
  } catch (cause) {
    const { code, detail } = cause as { code?: string; detail?: { code?: string; message?: string } };
    if (code === "no_responder" || code === "timeout") {
      throw new CliError("unreachable", `the controller does not answer: ${(cause as Error).message}`, {
        exit: EXIT.unreachable,
        help: `${commandName()} status says whether it runs`,
        cause,
      });
    }
    if (code !== "remote" || detail?.message === undefined) throw cause;
    const exit = detail.code === "not_found" ? EXIT.notFound : EXIT.failed;
    throw new CliError(detail.code ?? "remote", detail.message, { exit, cause });
  }
}
