import type { OwnField } from "./define.ts";
import { NETWORK_CONNECT } from "./network-connect.ts";

/** Fields of the hooks that are no kind of agent/hooks/kinds. Of an exec all that is matched is the process. */
export const BASE_FIELDS: Readonly<Record<string, Readonly<Record<string, OwnField>>>> = {
  process_exec: {},
  network_connect: NETWORK_CONNECT,
};
