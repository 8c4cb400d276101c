#!/bin/sh
# `npm run test:clone`: both commands, as a newcomer would use them, from a clean clone of the committed tree in a
# temporary directory that only root can read. Ends with "N passed, N failed". Takes as long as `npm test` and a set-up.
set -eu

repo=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
if [ "$(id -u)" -ne 0 ]; then
	echo "test:clone: this needs root: sudo npm run test:clone" >&2
	exit 1
fi
work=$(mktemp -d /root/reeve-clone.XXXXXX)
instance=clone$$
started=
passed=0
failed=0

clean() {
	if [ -n "$started" ] && kill -0 "$started" 2>/dev/null; then
		kill -TERM "-$started"
		wait "$started" || true
	fi
	rm -rf "$work" "/tmp/$instance" "/var/lib/reeve-$instance" "/run/reeve-$instance"
}
trap clean EXIT
trap 'exit 130' INT TERM

say() {
	if [ "$1" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
	echo "$1 $2"
}

# Waits until the file holds the pattern: wait_for FILE PATTERN SECONDS
wait_for() {
	left=$(($3 * 5))
	while [ "$left" -gt 0 ]; do
		grep -q "$2" "$1" 2>/dev/null && return 0
		sleep 0.2
		left=$((left - 1))
	done
	return 1
}

umask 077
git clone -q "file://$repo" "$work/reeve"
cd "$work/reeve"

# No tool of this tree may help the clone.
PATH=$(echo "$PATH" | tr ':' '\n' | grep -v "^$repo" | paste -sd: -)
export PATH

# In a process group of its own, as a terminal would have it: Ctrl-C goes to all of the group.
setsid npm start -- --instance "$instance" >"$work/start.log" 2>&1 &
started=$!
if wait_for "$work/start.log" "reeve is running" 600; then say ok "npm start runs"; else
	say FAIL "npm start does not come up"
	cat "$work/start.log"
fi
cp /bin/true "/tmp/$instance"
"/tmp/$instance"
if wait_for "$work/start.log" "exec-from-tmp" 10; then say ok "a binary run from /tmp is an alert"; else
	say FAIL "no alert for a binary run from /tmp"
	tail -n 40 "$work/start.log"
fi
kill -INT "-$started"
# npm itself says 130 after a Ctrl-C, whatever its script says.
if wait "$started" || [ $? -eq 130 ]; then say ok "Ctrl-C ends it"; else say FAIL "Ctrl-C: exit code $?"; fi
if pgrep -f "[-]-instance $instance" >/dev/null; then say FAIL "a process is left"; else say ok "no process is left"; fi
started=

if npm test >"$work/test.log" 2>&1; then say ok "npm test: $(grep -E '^[0-9]+ passed' "$work/test.log" | tail -n 1)"; else
	say FAIL "npm test"
	tail -n 400 "$work/test.log"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
