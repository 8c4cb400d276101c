import { ALWAYS_SEEN, isAskedFor } from "../../bus/demand/selectors.ts";
import { and, atom, or } from "../../bus/formula/formula.ts";
import type { Formula } from "../../bus/formula/formula.ts";
import type { Wants } from "../../bus/types/demand.ts";
import type { EventFilter } from "./filter.ts";

/**
 * What a reader with this filter has to be sent: all that passes it, and as little more as can be said. Without kinds it wants
 * the events of processes; those that have to be asked for are asked for by name.
 */
export function wantsOfFilter(filter: EventFilter, name: string): Wants {
  const kinds = filter.kinds?.length ? filter.kinds : [...ALWAYS_SEEN];
  const { pids = [], binaries = [], containers = [], nodes = [] } = filter;
  const formula = and(
    any(pids.length === 0 ? [] : [atom("in", ["process", "pid"], pids)]),
    any(binaries.map(ofBinary)),
    any(containers.flatMap(ofContainer)),
    any(nodes.length === 0 ? [] : [atom("in", ["node"], nodes)]),
  );
  const wanted = kinds.filter((kind) => ALWAYS_SEEN.has(kind) || isAskedFor(kind));
  return Object.fromEntries(wanted.map((kind) => [kind, { formula, for: [name] }]));
}

function any(parts: readonly Formula[]): Formula {
  return parts.length === 0 || or(...parts);
}

const BINARY = ["process", "binary"];

/** A whole path, a base name, or a pattern with `*`. */
function ofBinary(wanted: string): Formula {
  const whole = wanted.includes("/");
  const parts = wanted.split("*");
  if (parts.length === 1) return whole ? atom("in", BINARY, [wanted]) : atom("suffix", BINARY, [`/${wanted}`]);
  const [first = "", last = ""] = [parts[0], parts.at(-1)];
  return and(
    whole ? first === "" || atom("prefix", BINARY, [first]) : atom("contains", BINARY, [`/${first}`]),
    last === "" || atom("suffix", BINARY, [last]),
  );
}

/** Name, service of compose, or the beginning of the id. */
function ofContainer(wanted: string): Formula[] {
  const at = (name: string): string[] => ["process", "container", name];
  const named = ["name", "service"].map((name) => atom("in", at(name), [wanted]));
  return wanted.length >= 4 ? [...named, atom("prefix", at("id"), [wanted])] : named;
}
