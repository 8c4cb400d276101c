import type { OwnField } from "../selectors/hooks/define.ts";
import type { Rung } from "./rung.ts";
import type { WireField, WireObject } from "./wire.ts";

/** What the records of all kinds have: `struct act`. */
export interface ActRecord {
  time: bigint;
  processTgid: number;
  processStart: bigint;
  processSelfExecId: number;
  tid: number;
  result: number;
  count: number;
}

/** A process as records name it. */
export interface ProcessKey {
  tgid: number;
  start: bigint;
  selfExecId: number;
}

export interface KindContext {
  /** Another process than the one that acts, as a `ParentRef` in JSON; `null` for a key of zeros. */
  process(key: ProcessKey, time: bigint): string;
}

/** How `reeve events` shows an event: `EMOJI verb SOURCE BINARY DETAIL`. */
export interface Show<E> {
  emoji: string;
  /** One word; denials are shown by it too. */
  verb: string;
  detail(event: E): string;
}

/** A rung of the hook's own object. */
export type KindRung = Omit<Rung, "object">;

/**
 * Everything about a hook that is not in its BPF file. `from` of wire fields is relative to the kind's record: `file.inode`,
 * `path`. What is written here makes the event's type, its schemas, the docs, the selectors' fields, the compact line.
 */
export interface KindDefinition<R extends ActRecord, E> {
  /** Event kind, selector hook and record: `file_open`. */
  kind: string;
  /** A sentence. */
  doc: string;
  /** Beside the envelope, rung, process, parent, ancestors, and what `result` and `merges` add. */
  fields: Readonly<Record<string, WireField>>;
  /** Objects of the wire description that only this kind has. */
  objects?: Readonly<Record<string, WireObject>>;
  /** Fields of the record that do not cross the wire, with the reason; a name with a dot at its end is all below it. */
  internal?: Readonly<Record<string, string>>;
  /** What `result` tells: the event then has it. */
  result?: string;
  /** What `count` tells: the event then has it. */
  merges?: string;
  /** Its denials are about the local end of a socket, not about a peer. */
  local?: true;
  /** Fields of selectors beside those of the process. */
  own: Readonly<Record<string, OwnField>>;
  /** Best first. */
  rungs: readonly KindRung[];
  /** The event's own members as JSON, without braces: `"file":{…}`. */
  members(record: R, context: KindContext): string;
  /** Members of an ordinary event, for tests of rules that name only what they are about. */
  example: Readonly<Record<string, unknown>>;
  show: Show<E>;
}

/** A kind, whatever its record and event are. */
export interface Kind extends Omit<KindDefinition<ActRecord, object>, "rungs"> {
  rungs: readonly Rung[];
}

type Defined = Omit<KindDefinition<ActRecord, object>, "members" | "show"> & {
  members(record: unknown, context: KindContext): string;
  show: Show<unknown>;
};

/** A kind of event and its hook: what agent/hooks/kinds/<file>.ts exports, alone or in a list. */
export function defineKind<R extends ActRecord, E>(definition: KindDefinition<R, E>): Defined {
  return definition;
}

/** The kinds of a file, whose object has its name. */
export function kindsOf(file: string, exported: Defined | readonly Defined[]): Kind[] {
  const all = Array.isArray(exported) ? (exported as readonly Defined[]) : [exported as Defined];
  return all.map((kind) => Object.assign({}, kind, { rungs: kind.rungs.map((rung) => ({ ...rung, object: file })) }));
}
