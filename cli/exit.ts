/** Exit codes of every verb; `reeve --help` documents them. */
export const EXIT = {
  ok: 0,
  /** It was tried and failed, or the answer is no (a check found errors, a test failed, doctor found a gap). */
  failed: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** The bus, or the part behind it that has to answer, cannot be reached. */
  unreachable: 3,
  /** The verb needs root. */
  root: 4,
  /** Nothing known under this id or name. */
  notFound: 5,
  /** Ended by Ctrl-C before it had an answer; a stream that is ended so has done its work and exits with 0. */
  interrupted: 130,
} as const;

export const EXIT_HELP = `Exit codes: 0 ok, 1 failed or the answer is no, 2 wrong command line or configuration, 3 bus or controller not
reachable, 4 needs root, 5 nothing known under that id, 130 interrupted.`;
