import type { PivotRootEvent } from "../../../bus/generated/events.ts";
import { quote } from "../../events/json.ts";
import type { PivotRootRecord } from "../../generated/records.ts";
import { path } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { triple } from "../rungs.ts";
import { string } from "../wire.ts";
import { withError } from "./shared/calls.ts";

export default defineKind<PivotRootRecord, PivotRootEvent>({
  kind: "pivot_root",
  doc: "A process changed the root of its mount namespace.",
  fields: { new_root: { type: string, from: "path" }, put_old: { type: string, from: "other" } },
  result: "0, or the error as a negative number; null where the end of the call is not seen",
  own: { new_root: path(0) },
  rungs: [
    ...triple("pivot_root", {
      deny: "denies with EPERM before the root is changed",
      see: "observes every call that the process may do",
    }),
    {
      ...{ name: "sys_enter", programs: ["pivot_root_sys_enter"], actions: ["kill", "signal", "post", "noPost"] },
      ...{ waits: true, worth: "observes all calls and what became of them; paths as the calls name them" },
    },
  ],
  members: (record) => `"new_root":${quote(record.path)},"put_old":${quote(record.other)}`,
  example: { new_root: "/srv/root", put_old: "/srv/root/old", result: 0 },
  show: {
    ...{ emoji: "🪵", verb: "pivot" },
    detail: ({ new_root, put_old, result }) => withError(`${new_root} ${put_old}`, result),
  },
});
