import type { HookTables } from "./hook-tables.ts";
import { encodeHeader, type HeaderFields, partShape, SIZES, u32, writeFirstFrame } from "./layout.ts";
import type { SelectorMaps } from "./selector-maps.ts";
import { arrayShape, TableMap } from "./table-map.ts";

/** What stands beside the tables of a hook and is another with each installation: changed while the root does not name it. */
export class Slot {
  readonly number: number;
  readonly #maps: SelectorMaps;
  readonly #frames: TableMap<HookTables>;

  constructor(number: number, maps: SelectorMaps) {
    this.number = number;
    this.#maps = maps;
    const shape = { ...arrayShape("parts", SIZES.match_frame, partShape(1).frames), growth: 1 };
    this.#frames = new TableMap(maps.parts, number, shape, (keys, k, values, v, tables) => {
      keys.writeUInt32LE(0, k);
      writeFirstFrame(values, v, tables);
    });
  }

  fill(tables: HookTables, header: HeaderFields): void {
    const { frames } = partShape(tables.words);
    this.#frames.hold([tables], frames, () => [tables], false);
    this.#maps.headers.update(u32(this.number), encodeHeader(tables, header));
    const pool = Buffer.alloc(SIZES.match_pool);
    // the first part is there
    pool.writeUInt32LE(1, 4);
    this.#maps.pools.update(u32(this.number), pool);
  }

  /** Gives back a large map. */
  shrink(): void {
    this.#frames.shrink();
  }

  maps(): TableMap<unknown>[] {
    return [this.#frames as TableMap<unknown>];
  }

  close(): void {
    this.#frames.close();
  }
}
