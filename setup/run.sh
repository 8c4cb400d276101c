#!/bin/sh
# What `npm start`, `npm test` and `npm run check` begin with. Sets up what is missing, then hands over:
#   sh setup/run.sh up [flags]   run the bus, the agent, the rules engine and the controller on this host
#   sh setup/run.sh test         check and test everything
#   sh setup/run.sh check        format, lint, types, generated files, Rego
#   sh setup/run.sh compose      test docker-compose.yml with a real Docker engine
#   sh setup/run.sh bench NAME   run one benchmark of test/bench
#   sh setup/run.sh guests       run the kernel tests on other kernels, in QEMU
#   sh setup/run.sh setup        set up for all of these and stop
# POSIX sh: it runs before there is anything else. The steps themselves are in main.mjs.
set -eu

repo=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$repo"
verb=${1:-up}
[ $# -eq 0 ] || shift
case $verb in
	up | test | check | compose | guests | bench | setup) ;;
	*)
		echo "setup: unknown verb \"$verb\": use up, test, check, compose, guests, bench or setup" >&2
		exit 2
		;;
esac

# The set-up puts a tool here only where the one on PATH does not serve, so this directory comes first.
PATH="$repo/.reeve/bin:$PATH:/usr/sbin:/sbin"
export PATH

if [ "$verb" != check ] && [ "$(id -u)" -ne 0 ]; then
	echo "setup: this needs root: to load eBPF programs, to make a cgroup, to install Debian packages." >&2
	case $verb in
		up) echo "       sudo npm start" >&2 ;;
		test) echo "       sudo npm test" >&2 ;;
		guests) echo "       sudo npm run test:guests" >&2 ;;
		*) echo "       sudo npm run $verb" >&2 ;;
	esac
	exit 1
fi

# Prints a Node that can run the set-up (18 or newer); fails when there is none.
find_node() {
	for candidate in "$repo/node_modules/.bin/node" node nodejs; do
		if "$candidate" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 18 ? 0 : 1)' 2>/dev/null; then
			echo "$candidate"
			return 0
		fi
	done
	return 1
}

install_node() {
	if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
		echo "setup: Node 18 or newer and npm are missing. Run: sudo apt-get install nodejs npm" >&2
		exit 1
	fi
	echo "setup: no Node 18 or newer here: installing Debian's nodejs and npm (a minute or two)"
	mkdir -p .reeve/log
	{
		apt-get update -q &&
			DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends nodejs npm
	} >.reeve/log/apt-node.log 2>&1 || {
		tail -n 15 .reeve/log/apt-node.log >&2
		echo "setup: could not install Node. Run: apt-get update && apt-get install nodejs npm" >&2
		exit 1
	}
}

mkdir -p .reeve
if command -v flock >/dev/null; then
	exec 9>.reeve/setup.lock
	if ! flock -n 9; then
		echo "setup: another set-up is at work in this tree; waiting for it"
		flock 9
	fi
fi

host_node=$(find_node) || {
	install_node
	host_node=$(find_node) || {
		echo "setup: the Node that apt-get installs here is older than 18: this needs Debian 12, Ubuntu 24.04 or newer" >&2
		exit 1
	}
}
"$host_node" setup/main.mjs "$verb" 9>&- || exit $?
exec 9>&-

node=$repo/node_modules/.bin/node
case $verb in
	up) exec "$node" cli/main.ts up "$@" ;;
	test)
		# Some tests run programs of this tree, and read files that they made, as other users.
		umask 022
		if setpriv --reuid 64999 --regid 64999 --clear-groups test -r "$repo/package.json" -a -x "$node"; then
			exec "$node" setup/test.ts "$@"
		fi
		copy=$(mktemp -d /var/lib/reeve-test.XXXXXX)
		trap 'rm -rf "$copy"' EXIT
		trap 'exit 130' INT TERM
		echo "test: only root can read $repo: testing a copy of it, $copy"
		tar --exclude=./.git -cf - . | tar -xf - -C "$copy"
		chmod -R a+rX "$copy"
		status=0
		(cd "$copy" && "$copy/node_modules/.bin/node" setup/test.ts "$@") || status=$?
		cp "$copy/.reeve/test-summary" .reeve/test-summary || true
		exit "$status"
		;;
	check) exec "$node" setup/check.ts "$@" ;;
	compose) exec "$node" test/compose/run.ts "$@" ;;
	guests) exec "$node" test/guests/run.ts "$@" ;;
	bench)
		name=${1:?"which benchmark? one of test/bench"}
		shift
		exec "$node" "test/bench/$name.ts" "$@"
		;;
esac
