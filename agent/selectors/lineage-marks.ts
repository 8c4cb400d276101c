import type { BpfMap } from "../kernel/map.ts";
import { decodeLineage, decodeState, encodeLineage, encodeLineageText, type Lineage, u32, u64 } from "./layout.ts";
import type { LineageText, LineageTexts } from "./lineage-texts.ts";
import type { ProcessLookup } from "./types.ts";

/**
 * Tells the kernel which binaries of ancestors selectors ask for, and marks what lives already when one is new: what is
 * exec'd and forked from then on is marked by the kernel. See bpf/include/lineage.h.
 */
export class LineageMarks {
  readonly #texts: BpfMap;
  readonly #lineages: BpfMap;
  readonly #states: BpfMap;
  readonly #processes: ProcessLookup;
  readonly #known: LineageTexts;
  /** What stands in the kernel's map of texts. */
  readonly #written = new Map<string, { key: Buffer; bits: bigint }>();
  /** Bits of texts that not every living process has been looked at for. */
  #fresh = 0n;

  constructor(texts: BpfMap, lineages: BpfMap, states: BpfMap, processes: ProcessLookup, known: LineageTexts) {
    this.#texts = texts;
    this.#lineages = lineages;
    this.#states = states;
    this.#processes = processes;
    this.#known = known;
  }

  /** Tells the kernel of new texts, before anything is looked for: what is exec'd from here on it marks itself. */
  tell(): void {
    for (const one of this.#known.all()) {
      const key = encodeLineageText(one.text, one.prefix);
      const name = key.toString("latin1");
      const bits = this.#bitsOf(one);
      const there = this.#written.get(name);
      if (there?.bits === bits) continue;
      this.#texts.update(key, u64(bits));
      this.#written.set(name, { key, bits });
      if (there === undefined) this.#fresh |= one.bit;
    }
  }

  /**
   * The marks that living processes lack. What has begun to run before `tell` is in the process table; a child that is forked
   * meanwhile may inherit less than it should: whoever plans again after all running programs have ended finds it.
   */
  plan(): Map<number, Lineage> {
    const plan = new Map<number, Lineage>();
    if (this.#fresh === 0n) return plan;
    this.#processes.drain();
    for (const key of this.#states.keys()) {
      const bytes = this.#states.lookup(key);
      if (bytes === undefined) continue;
      const { start, sequence, binary } = decodeState(bytes);
      const tgid = Buffer.from(key).readUInt32LE(0);
      let ancestors = 0n;
      for (const path of this.#processes.ancestors({ tgid, start })) ancestors |= this.#known.of(path);
      const own = binary === null ? 0n : this.#known.of(binary);
      const wanted = { ancestors: ancestors & this.#fresh, own: own & this.#fresh };
      if ((wanted.ancestors | wanted.own) === 0n) continue;
      const has = this.#of(key, start);
      // what the kernel has noted at a later exec stands
      const newer = has !== undefined && has.sequence > sequence;
      const same = has !== undefined && has.sequence === sequence;
      const next: Lineage = {
        start,
        ancestors: (has?.ancestors ?? 0n) | wanted.ancestors,
        own: newer ? has.own : (same ? has.own : 0n) | wanted.own,
        sequence: newer ? has.sequence : sequence,
      };
      if (has === undefined || next.ancestors !== has.ancestors || next.own !== has.own) plan.set(tgid, next);
    }
    // nothing is missing
    if (plan.size === 0) this.#fresh = 0n;
    return plan;
  }

  write(plan: ReadonlyMap<number, Lineage>): void {
    for (const [tgid, lineage] of plan) {
      this.#lineages.update(u32(tgid), encodeLineage(lineage));
      // the kernel forgets a process's state first and then its lineage: one of the two sees the other
      const state = this.#states.lookup(u32(tgid));
      if (state === undefined || decodeState(state).start !== lineage.start) this.#lineages.delete(u32(tgid));
    }
  }

  /**
   * Takes texts and bits away that no selector lists any more, so that the bits may mean something else. `settle` returns
   * after every running program has ended.
   */
  forget(gone: bigint, settle: () => void): void {
    if (gone === 0n) return;
    const wanted = new Set(
      this.#known.all().map(({ text, prefix }) => encodeLineageText(text, prefix).toString("latin1")),
    );
    for (const [name, { key }] of this.#written) {
      if (wanted.has(name)) continue;
      this.#texts.delete(key);
      this.#written.delete(name);
    }
    // those that are left may have had bits of shorter ones that went
    this.tell();
    this.#fresh &= ~gone;
    do settle();
    while (this.#clear(gone));
  }

  close(): void {
    for (const map of [this.#texts, this.#lineages]) for (const key of map.keys()) map.delete(key);
  }

  /** Takes bits from all processes; whether any had some. */
  #clear(gone: bigint): boolean {
    let any = false;
    for (const [key, bytes] of this.#lineages.entries()) {
      const lineage = decodeLineage(bytes);
      if (((lineage.ancestors | lineage.own) & gone) === 0n) continue;
      any = true;
      const left = { ...lineage, ancestors: lineage.ancestors & ~gone, own: lineage.own & ~gone };
      if ((left.ancestors | left.own) === 0n) this.#lineages.delete(key);
      else this.#lineages.update(key, encodeLineage(left));
    }
    return any;
  }

  #of(key: Uint8Array, start: bigint): Lineage | undefined {
    const bytes = this.#lineages.lookup(key);
    const lineage = bytes && decodeLineage(bytes);
    return lineage?.start === start ? lineage : undefined;
  }

  /** Its own bit, and those of the beginnings that it has: the kernel looks for the longest one only. */
  #bitsOf({ text, prefix, bit }: LineageText): bigint {
    let bits = bit;
    for (const other of this.#known.all())
      if (other.prefix && text.startsWith(other.text) && (!prefix || other.text !== text)) bits |= other.bit;
    return bits;
  }
}
