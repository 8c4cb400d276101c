import { ACTION_NUMBER, MODE_NUMBER, type NormalSelector } from "./normalize.ts";

/** enum match_kind. */
export const KIND = { decide: 0, monitor: 1, post: 2 } as const;
export type Kind = (typeof KIND)[keyof typeof KIND];

/** What a selector is for: to decide, to tell what it would have decided, or to say whether an event is posted. */
export function kindOf({ action, mode }: Pick<NormalSelector, "action" | "mode">): Kind {
  if (action <= ACTION_NUMBER.noPost) return KIND.post;
  return mode === MODE_NUMBER.enforce ? KIND.decide : KIND.monitor;
}

/** Bits of a score: what decides between selectors is the priority, then the stronger action, then the lower place. */
const PLACES = 0x7fff;

/** score_of in bpf/include/match_scan.h: the higher decides. Below 2^53. */
export function scoreOf({ priority, action }: Pick<NormalSelector, "action" | "priority">, place: number): number {
  return (priority + 0x8000_0000) * 2 ** 18 + action * 2 ** 15 + (PLACES - place);
}
