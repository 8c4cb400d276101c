import type { Mount } from "./mounts.ts";

/** Runs as the process's last step: gives up when the supervisor is gone already, so that the death signal cannot be missed. */
const PARENT_CHECK = `[ "$PPID" = "$1" ] || exit 77; shift; exec "$@"`;

/**
 * Arranges the private view of the file system and gives up every right. Arguments: supervisor's pid, uid, gid, stage, number
 * of steps, three words a step (`cover DIR -`, `ro TO FROM` or `rw TO FROM`), the command. What is to be seen is first held
 * aside in the stage, because a cover may hide where it comes from.
 */
const UNPRIVILEGED = `set -eu
umask 022
supervisor=$1 uid=$2 gid=$3 stage=$4 steps=$5
shift 5
mkdir -p "$stage"
mount -t tmpfs -o mode=700,size=1m,nosuid,nodev tmpfs "$stage"
n=0
while [ $n -lt "$steps" ]; do
	if [ "$1" != cover ]; then
		if [ -d "$3" ]; then mkdir "$stage/$n"; else : >"$stage/$n"; fi
		mount --bind -- "$3" "$stage/$n"
	fi
	eval "what_$n=\\$1 to_$n=\\$2"
	shift 3
	n=$((n + 1))
done
n=0
while [ $n -lt "$steps" ]; do
	eval "what=\\$what_$n to=\\$to_$n"
	if [ "$what" = cover ]; then
		mount -t tmpfs -o mode=755,size=1m,nosuid,nodev tmpfs "$to"
	else
		if [ -d "$stage/$n" ]; then mkdir -p -- "$to"; elif ! [ -e "$to" ]; then mkdir -p -- "$(dirname -- "$to")" && : >"$to"; fi
		mount --bind -- "$stage/$n" "$to"
		[ "$what" = rw ] || mount -o remount,bind,ro,nosuid,nodev -- "$to"
		umount -- "$stage/$n"
	fi
	n=$((n + 1))
done
umount -- "$stage"
exec setpriv --reuid "$uid" --regid "$gid" --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all \\
	--no-new-privs --pdeathsig KILL sh -c '${PARENT_CHECK}' sh "$supervisor" "$@"
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
  /** Directories that are covered by an empty one: what is not mounted below cannot be seen. */
  covers: readonly string[];
}

/**
 * A command without root's rights: another uid and gid, no groups, no capabilities (the bounding set emptied), no new
 * privileges, and a mount namespace of its own in which `mounts` can be reached under their usual names. It dies with the
 * supervisor.
 */
export function unprivileged(command: readonly string[], how: Unprivileged): [string, ...string[]] {
  const steps: { to: string; words: string[] }[] = [
    ...how.covers.map((dir) => ({ to: dir, words: ["cover", dir, "-"] })),
    ...how.mounts.map(({ to, from, writable }) => ({ to, words: [writable ? "rw" : "ro", to, from] })),
  ];
  // Parents before what lies in them; the sort is stable, so a cover comes before a mount on the same place.
  steps.sort((a, b) => (a.to < b.to ? -1 : a.to > b.to ? 1 : 0));
  const { supervisorPid, uid, gid, stage } = how;
  return [
    ...(["unshare", "--mount", "--propagation", "private", "sh", "-c", UNPRIVILEGED, "sh"] as const),
    ...[supervisorPid, uid, gid].map(String),
    stage,
    String(steps.length),
    ...steps.flatMap((step) => step.words),
    ...command,
  ];
}
