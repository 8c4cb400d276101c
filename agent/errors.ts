/**
 * Why the agent cannot run. Stable: `locked` (another agent has this kernel), `cgroup` (its own cgroup cannot be made, or
 * that of the setting is not there), `hooks` (nothing can be attached), `rights` (not root).
 */
export type AgentErrorCode = "locked" | "cgroup" | "hooks" | "rights";

export class AgentError extends Error {
  readonly code: AgentErrorCode;

  constructor(code: AgentErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "AgentError";
    this.code = code;
  }
}
