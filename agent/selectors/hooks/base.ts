import type { OwnField } from "./define.ts";

/** Fields of the hook that is no kind of agent/hooks/kinds: of an exec all that is matched is the process. */
export const BASE_FIELDS: Readonly<Record<string, Readonly<Record<string, OwnField>>>> = {
  process_exec: {},
};
