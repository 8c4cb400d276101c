import type { UserfaultfdEvent } from "../../../bus/generated/events.ts";
import type { UserfaultfdRecord } from "../../generated/records.ts";
import { flags } from "../../selectors/hooks/define.ts";
import { defineKind } from "../define-kind.ts";
import { list, string } from "../wire.ts";
import { bitNames, decidedCalls, RESULT_FD, withError } from "./shared/calls.ts";

/** linux/userfaultfd.h and fcntl.h. */
const FLAGS = { UFFD_USER_MODE_ONLY: 1, O_NONBLOCK: 0o4000, O_CLOEXEC: 0o2000000 };

export default defineKind<UserfaultfdRecord, UserfaultfdEvent>({
  kind: "userfaultfd",
  doc: "A process asked to handle page faults itself.",
  fields: { flags: { type: list(string), from: "flags" } },
  result: RESULT_FD,
  own: { flags: flags(0, FLAGS) },
  rungs: decidedCalls({
    deciders: ["userfaultfd"],
    tellers: ["userfaultfd_sys_exit"],
    deny: "denies with EPERM before the descriptor is made; observes all calls",
    see: "observes all calls and what became of them",
  }),
  members: (record) => `"flags":${JSON.stringify(bitNames(record.flags, FLAGS))}`,
  example: { flags: ["UFFD_USER_MODE_ONLY"], result: 3 },
  show: { emoji: "🩹", verb: "uffd", detail: (event) => withError(event.flags.join(","), event.result) },
});
