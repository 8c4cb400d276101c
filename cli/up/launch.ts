import type { Mount } from "./mounts.ts";

/** Runs as the process's last step: gives up when the supervisor is gone already, so that the death signal cannot be missed. */
const PARENT_CHECK = `[ "$PPID" = "$1" ] || exit 77; shift; exec "$@"`;

/** Makes the private view of the file system, gives up every right, and becomes the program. */
const UNPRIVILEGED = `set -eu
supervisor=$1 uid=$2 gid=$3 stage=$4
shift 4
mkdir -p "$stage"
mount -t tmpfs -o mode=700,size=1m,nosuid,nodev tmpfs "$stage"
# First all that is to be seen is held aside, then what others may not enter is covered, then it is put back.
n=0 total=$1
shift
while [ $n -lt "$total" ]; do
	from=$2
	if [ -d "$from" ]; then mkdir "$stage/$n"; else : >"$stage/$n"; fi
	mount --bind -- "$from" "$stage/$n"
	eval "to_$n=\\$1 mode_$n=\\$3"
	shift 3
	n=$((n + 1))
done
covers=$1
shift
while [ "$covers" -gt 0 ]; do
	mount -t tmpfs -o mode=755,size=1m,nosuid,nodev tmpfs "$1"
	shift
	covers=$((covers - 1))
done
n=0
while [ $n -lt "$total" ]; do
	eval "to=\\$to_$n mode=\\$mode_$n"
	if [ -d "$stage/$n" ]; then mkdir -p -- "$to"; else mkdir -p -- "$(dirname -- "$to")"; [ -e "$to" ] || : >"$to"; fi
	mount --bind -- "$stage/$n" "$to"
	[ "$mode" = rw ] || mount -o remount,bind,ro,nosuid,nodev -- "$to"
	umount -- "$stage/$n"
	n=$((n + 1))
done
umount -- "$stage"
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all \\
	--no-new-privs --pdeathsig KILL sh -c '${PARENT_CHECK.replaceAll("'", `'\\''`)}' sh "$supervisor" "$@"
`;

/** A command that keeps root's rights and dies with the supervisor. */
export function privileged(command: readonly string[], supervisorPid: number): [string, ...string[]] {
  return ["setpriv", "--pdeathsig", "KILL", "sh", "-c", PARENT_CHECK, "sh", String(supervisorPid), ...command];
}

export interface Unprivileged {
  uid: number;
  gid: number;
  supervisorPid: number;
  /** An empty directory of root's, where the mounts are held while they are arranged. */
  stage: string;
  mounts: readonly Mount[];
  /** Directories that are covered by an empty one, so that what lies below can be reached and nothing else of it be seen. */
  covers: readonly string[];
}

/**
 * A command without root's rights: another uid and gid, no groups, no capabilities (the bounding set emptied), no new
 * privileges, and a mount namespace of its own in which `mounts` can be reached under their usual names. It dies with the
 * supervisor.
 */
export function unprivileged(command: readonly string[], how: Unprivileged): [string, ...string[]] {
  const mounts = how.mounts.flatMap(({ to, from, writable }) => [to, from, writable ? "rw" : "ro"]);
  return [
    "unshare",
    "--mount",
    "--propagation",
    "private",
    "sh",
    "-c",
    UNPRIVILEGED,
    "sh",
    String(how.supervisorPid),
    String(how.uid),
    String(how.gid),
    how.stage,
    String(how.mounts.length),
    ...mounts,
    String(how.covers.length),
    ...how.covers,
    ...command,
  ];
}
