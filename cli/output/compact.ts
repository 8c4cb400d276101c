import { constants } from "node:os";
import { stripVTControlCharacters } from "node:util";
import { KINDS } from "../../agent/generated/kinds.ts";
import { formatDuration } from "./duration.ts";
import type { EventView, ProcessView, SocketView } from "./event-view.ts";
import type { Paint } from "./paint.ts";
import { safe } from "./safe.ts";

/** Where the trailer (a process with CAP_SYS_ADMIN) stands. */
const TRAILER_COLUMN = 120;

/** An event as one line: `EMOJI kind SOURCE BINARY DETAIL`; SOURCE is `namespace/pod`, else the container, else the node. */
export function compactLine(event: EventView, paint: Paint): string {
  switch (event.kind) {
    case "process_exec":
      return line(event, paint, "🚀", "process", paint("cyan", safe(event.process?.arguments ?? "")));
    case "process_exit":
      return line(event, paint, "💥", "exit", exitDetail(event, paint));
    case "denial":
      return denialLine(event, paint);
    case "gap":
      return gapLine(event, paint);
    default:
      return kindLine(event, paint);
  }
}

const SHOWS = new Map(KINDS.map(({ kind, show }) => [kind, show]));

function kindLine(event: EventView, paint: Paint): string {
  const show = SHOWS.get(event.kind);
  if (show === undefined) return line(event, paint, "❓", event.kind, "");
  const detail = [paint("cyan", safe(detailOf(() => show.detail(event)))), failureText(event, paint)];
  return line(event, paint, show.emoji, show.verb, detail.filter((part) => part !== paint("cyan", "")).join(" "));
}

/** An event of another version of Reeve may lack what this one shows of it. */
function detailOf(say: () => string): string {
  try {
    return say();
  } catch (error) {
    if (error instanceof TypeError) return "?";
    throw error;
  }
}

/** `(EPERM)` of what the kernel did not do. */
function failureText(event: EventView, paint: Paint): string {
  const { result } = event;
  if (typeof result !== "number" || result >= 0) return "";
  return paint("red", `(${ERRORS.get(result) ?? result})`);
}

const ERRORS = new Map(Object.entries(constants.errno).map(([name, number]) => [-number, name]));

function line(event: EventView, paint: Paint, emoji: string, verb: string, detail: string): string {
  const parts = [
    emoji,
    paint("blue", safe(verb).padEnd(7)),
    paint("green", safe(sourceOf(event))),
    paint("magenta", safe(event.process?.binary || "?")),
    detail,
  ].filter((part) => part !== "");
  return withTrailer(parts.join(" "), event.process, paint);
}

function exitDetail(event: EventView, paint: Paint): string {
  const end = event.signal ? safe(event.signal) : String(event.status ?? "?");
  const words = [paint("cyan", safe(event.process?.arguments ?? "")), paint("red", end)];
  return words.filter((word) => word !== paint("cyan", "")).join(" ");
}

function denialLine(event: EventView, paint: Paint): string {
  const enforced = event.mode !== "monitor";
  const what = deniedText(event);
  const by = safe(event.policy || event.selector || "?");
  const count = (event.count ?? 1) > 1 ? `, ${event.count} times` : "";
  const how = enforced ? `${verbOf(event)} at ${event.rung ?? "?"}` : `would ${event.action ?? "deny"}: monitor mode`;
  return line(
    event,
    paint,
    enforced ? "⛔" : "🔶",
    DENIED_VERBS[event.hook ?? ""] ?? SHOWS.get(event.hook ?? "")?.verb ?? "process",
    [paint("cyan", what), paint(enforced ? "red" : "yellow", `(${how}, by ${by}${count})`)]
      .filter((part) => part !== paint("cyan", ""))
      .join(" "),
  );
}

const DENIED_VERBS: Readonly<Record<string, string>> = { network_connect: "connect" };

/** What was denied. An exec that LSM denied is told by the old image, with the file that it could not become. */
function deniedText(event: EventView): string {
  if (event.socket) return socketText(event.socket);
  return safe(event.file ? (event.file.path ?? "?") : (event.process?.arguments ?? ""));
}

function verbOf(event: EventView): string {
  if (event.action === "kill") return "killed";
  if (event.action === "deny" && event.hook === "process_exec" && !event.file) return "killed";
  return event.action === "signal" ? "signalled" : "denied";
}

function gapLine(event: EventView, paint: Paint): string {
  const count = event.count === null || event.count === undefined ? "an unknown number of" : String(event.count);
  const kinds = event.kinds?.length ? event.kinds.join(", ") : "all kinds";
  const span = spanText(event.from, event.to);
  const text = `${count} events of ${kinds} lost${span}: ${event.reason ?? "unknown reason"}`;
  return `🧩 ${paint("blue", "gap".padEnd(7))} ${paint("green", safe(event.node))} ${paint("yellow", safe(text))}`;
}

function spanText(from: string | undefined, to: string | undefined): string {
  if (!from || !to) return "";
  const ms = Date.parse(to) - Date.parse(from);
  return Number.isFinite(ms) && ms >= 0 ? ` within ${formatDuration(ms)}` : "";
}

/** `tcp 10.0.0.1:33978 -> 104.198.14.52:443`; the near end only where it is known, the far one where there is one. */
export function socketText(socket: SocketView | null | undefined): string {
  if (!socket) return "";
  const far = endpoint(socket.daddr, socket.dport);
  const near = socket.saddr && socket.sport ? `${endpoint(socket.saddr, socket.sport)} ` : "";
  if (!socket.daddr && near !== "") return safe(`${socket.protocol ?? "?"} ${near.trimEnd()}`);
  return safe(`${socket.protocol ?? "?"} ${near}-> ${far}`);
}

function endpoint(address: string | null | undefined, port: number | null | undefined): string {
  const host = address ?? "?";
  return `${host.includes(":") ? `[${host}]` : host}:${port ?? "?"}`;
}

/** `namespace/pod`, else the container's name or short id, else the node. */
export function sourceOf(event: Pick<EventView, "node" | "process">): string {
  const { pod, container } = event.process ?? {};
  if (pod?.name) return `${pod.namespace ?? "?"}/${pod.name}`;
  if (container?.name) return container.name;
  return container?.id ? container.id.slice(0, 12) : event.node;
}

function withTrailer(text: string, process: ProcessView | null | undefined, paint: Paint): string {
  if (!process?.cap?.effective?.includes("CAP_SYS_ADMIN")) return text;
  // An emoji takes two columns and counts as one or two code units: close enough for a margin.
  const width = stripVTControlCharacters(text).length;
  return `${text}${" ".repeat(Math.max(1, TRAILER_COLUMN - width))}${paint("red", "🛑 CAP_SYS_ADMIN")}`;
}
