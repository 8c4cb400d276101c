import type { BusConnection } from "./connection.ts";
import { BusError } from "./errors.ts";
import { controlSubject } from "./subjects.ts";
import type { ControlError, ControlReply } from "./types/control.ts";
import { parseJson } from "./validate.ts";

/** Answers a verb: takes the request's body (undefined when there was none), gives what stands under `ok`. */
export type ControlHandler = (body: unknown) => unknown;

/** Serves control verbs until the returned function is called. What a handler throws becomes the error of the reply. */
export function serveControl(bus: BusConnection, handlers: Readonly<Record<string, ControlHandler>>): () => void {
  const prefix = controlSubject("");
  return bus.subscribe(controlSubject(">"), (msg) => {
    if (msg.reply === undefined || msg.reply === "") return;
    void answer(handlers, msg.subject.slice(prefix.length), msg.data).then((reply) => {
      // Who asked will ask again when the bus is gone meanwhile.
      if (bus.connected) bus.publish(msg.reply!, JSON.stringify(reply));
    });
  });
}

async function answer(
  handlers: Readonly<Record<string, ControlHandler>>,
  verb: string,
  data: Uint8Array,
): Promise<ControlReply<unknown>> {
  try {
    const handler = Object.hasOwn(handlers, verb) ? handlers[verb] : undefined;
    if (handler === undefined) {
      throw new BusError(
        "invalid",
        `unknown verb ${JSON.stringify(verb)}; allowed: ${Object.keys(handlers).join(", ")}`,
      );
    }
    const body = data.length === 0 ? undefined : parseJson(data, "request");
    return { ok: (await handler(body)) ?? null };
  } catch (cause) {
    return { error: errorOf(cause) };
  }
}

function errorOf(cause: unknown): ControlError {
  const { code, message, detail } = cause as { code?: unknown; message?: unknown; detail?: unknown };
  const error = { code: typeof code === "string" ? code : "internal", message: String(message ?? cause) };
  return detail === undefined ? error : { ...error, detail };
}

/**
 * Asks the controller.
 * @throws {BusError} `remote` with the controller's ControlError as `detail`; `no_responder` when none runs; `timeout`
 */
export async function requestControl(
  bus: BusConnection,
  verb: string,
  body?: unknown,
  timeout = 10_000,
): Promise<unknown> {
  const msg = await bus.request(controlSubject(verb), body === undefined ? "" : JSON.stringify(body), { timeout });
  const reply = parseJson(msg.data, "reply") as ControlReply<unknown>;
  if ("error" in reply) throw new BusError("remote", reply.error.message, { detail: reply.error });
  return reply.ok;
}
