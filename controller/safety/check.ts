import type { Selector } from "../../bus/types/selector.ts";
import { isWholeHost } from "../decision/scope.ts";
import type { Problem } from "../problems.ts";
import { guardedMatch } from "./could-match.ts";

/**
 * Why this selector could lock people out of a host, undefined when it cannot: it stops processes, nothing narrows it
 * below the whole host, and it could match a shell, interpreter, login, sshd or package manager. Mode monitor stops nothing.
 */
export function findLockout(selector: Pick<Selector, "action" | "mode" | "match" | "scope">): Problem | undefined {
  const stops = selector.action === "deny" || selector.action === "kill" || selector.action === "signal";
  if (!stops || selector.mode === "monitor" || !isWholeHost(selector.scope)) return undefined;
  const binary = guardedMatch(selector.match);
  if (binary === undefined) return undefined;
  return {
    field: "scope",
    message: `is the whole host and the selector could match ${binary}, which could lock people out`,
    allowed:
      "a scope of container, service, pod, tree or a cgroup below the root; process.binary predicates that leave out shells, " +
      "interpreters, logins, sshd and package managers; mode: monitor; or force: true",
  };
}
