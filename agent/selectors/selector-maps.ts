import { BpfMap } from "../kernel/map.ts";
import type { SharedMaps } from "../kernel/shared-maps.ts";
import { SelectorError } from "./errors.ts";

const NAMES = {
  root: "match_root",
  headers: "match_headers",
  values: "match_values",
  prefixes: "match_prefixes",
  nodes: "match_nodes",
  bitmaps: "match_bitmaps",
  classes: "match_classes",
  words: "match_words",
  texts: "match_texts",
  parts: "match_parts",
  pools: "match_pools",
  counters: "selector_counters",
  counts: "match_counts",
  seen: "match_seen",
  states: "processes",
  trees: "process_trees",
  cgroups: "cgroup_marks",
  lineages: "process_lineages",
  lineageTexts: "lineage_texts",
} as const;

/** The matcher's maps, by descriptors of its own. */
export type SelectorMaps = Record<keyof typeof NAMES, BpfMap>;

/** @throws SelectorError `tables` when the programs that make the maps are not loaded. */
export function openSelectorMaps(shared: SharedMaps): SelectorMaps {
  const open = (name: string): BpfMap => {
    const fd = shared.fd(name);
    if (fd === undefined)
      throw new SelectorError("tables", `map ${name} is not there: load the programs before the selectors`);
    return BpfMap.fromFd(fd);
  };
  const maps: Partial<Record<keyof typeof NAMES, BpfMap>> = {};
  for (const key of Object.keys(NAMES) as (keyof typeof NAMES)[]) maps[key] = open(NAMES[key]);
  return maps as SelectorMaps;
}

export function closeSelectorMaps(maps: SelectorMaps): void {
  for (const map of Object.values(maps)) map.close();
}
