import type { EventKind } from "../../bus/generated/events.ts";
import { coverOf } from "../formula/cover.ts";
import { typesOfKind } from "../formula/field-types.ts";
import { KindIndex } from "./kind-index.ts";
import type { IndexedUnit } from "./kind-index.ts";
import { Skim } from "./skim.ts";
import { SkimmedLines } from "./skimmed-lines.ts";

/** Of the lines that need not be parsed one in so many is: to see that they are events, and what they mostly hold. */
const CHECKED = 64;
/** The same as long as nothing is known of what they hold. */
const CHECKED_FIRST = 8;
/** So many events tell what is rare. */
const SAMPLE_SIZE = 128;
/** After so many more of the sample it is looked anew: what runs on a host changes. */
const PAUSE = 4096;

interface Kind {
  indexed: readonly IndexedUnit[];
  index: KindIndex;
  skim: Skim;
  sample: unknown[];
  /** Events of the sample to be let go by before the next are kept. */
  pause: number;
}

/** The index of a rule set at work: by kind, and tuned to the events that come, so that rules are found by what is rare in them. */
export class LiveIndex {
  readonly #units: number;
  readonly #kinds = new Map<string, Kind>();
  #lines = 0;
  #sampled = false;

  /** `kinds` has the units of each kind, `units` is how many there are in the rule set. */
  constructor(kinds: ReadonlyMap<string, readonly IndexedUnit[]>, units: number) {
    this.#units = units;
    for (const [kind, indexed] of kinds) this.#kinds.set(kind, this.#kindOf(indexed));
  }

  /** The units to be evaluated for an event, in the order of the rule set. */
  find(event: { kind: string }): number[] {
    const kind = this.#kinds.get(event.kind);
    if (kind === undefined) return [];
    if (this.#sampled) this.#learn(event, kind);
    return kind.index.find(event);
  }

  /** Tells which lines of a message have to be parsed. */
  linesOf(message: Buffer, origin: { kind: string; node: string }): SkimmedLines {
    let kind = this.#kinds.get(origin.kind);
    if (kind === undefined) this.#kinds.set(origin.kind, (kind = this.#kindOf([])));
    const every = kind.pause === 0 && kind.indexed.length > 0 ? CHECKED_FIRST : CHECKED;
    return new SkimmedLines(kind.skim, message, origin, () => (this.#sampled = ++this.#lines % every === 0));
  }

  #learn(event: unknown, kind: Kind): void {
    this.#sampled = false;
    if (kind.pause > 1) {
      kind.pause--;
      return;
    }
    kind.sample.push(event);
    if (kind.sample.length < SAMPLE_SIZE) return;
    const typesOf = typesOfKind((event as { kind: EventKind }).kind);
    const tuned = kind.indexed.map(({ unit, formula, cover }) => {
      return { unit, formula, cover: cover && (coverOf(formula, typesOf, kind.sample)?.atoms ?? null) };
    });
    Object.assign(kind, this.#kindOf(kind.indexed, tuned), { pause: PAUSE });
  }

  #kindOf(indexed: readonly IndexedUnit[], tuned = indexed): Kind {
    const index = new KindIndex(tuned, this.#units);
    return { indexed, index, skim: new Skim(index), sample: [], pause: 0 };
  }
}
