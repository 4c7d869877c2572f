# shellcheck shell=bash
# lib.sh - sourced by the test scripts: the rill tool ($RILL, else the one beside this
# directory or in PATH), a network namespace of the script's own with lo up, a
# directory $work that goes at the end, and TAP lines.  Nothing waits for a fixed
# time: a listener is awaited in /proc/net/rill, at most WAIT seconds.

set -u
dir=$(cd "$(dirname "$0")" && pwd)
RILL=${RILL:-}
[ -n "$RILL" ] || { [ -x "$dir/../tools/rill" ] && RILL=$dir/../tools/rill; }
RILL=${RILL:-$(command -v rill)}
[ -x "$RILL" ] || { echo "1..0 # SKIP no rill tool, build tools/ first"; exit 4; }
export RILL

module=
[ ! -d /sys/module/rill ] || module=1
if [ -n "$module" ] && [ -z "${RILL_TEST_NETNS:-}" ] && [ "$(id -u)" = 0 ]; then
	export RILL_TEST_NETNS=1
	exec unshare -n -- "$0" "$@"
fi
[ -z "${RILL_TEST_NETNS:-}" ] || ip link set lo up || exit 1

WAIT=120	# an emulated debug kernel starts python3 in tens of seconds
# shellcheck disable=SC2034 # for the scripts
LIMIT=(timeout 300)
work=$(mktemp -d)
pids=
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	local p
	for p in $pids; do kill "$p" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT

n=0 failed=0
report() {	# STATUS NAME
	n=$((n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $n $2"
	else
		echo "not ok $n $2"
		failed=$((failed + 1))
	fi
}

skip() { n=$((n + 1)); echo "ok $n $1 # SKIP $2"; }

# A test is a function; what it prints is shown when it fails.
check() {	# NAME FUNCTION ARGUMENT...
	local name=$1 rc; shift
	"$@" > "$work/said" 2>&1
	rc=$?
	[ "$rc" = 0 ] || sed 's/^/# /' "$work/said"
	report "$rc" "$name"
}

# The rest need the module, or a program that may not be there.
with_module() {	# NAME PROGRAMS FUNCTION
	local p
	[ -n "$module" ] || { skip "$1" "the module is not loaded"; return; }
	[ "$(id -u)" = 0 ] || { skip "$1" "not root"; return; }
	for p in $2; do
		command -v "$p" > /dev/null || { skip "$1" "no $p"; return; }
	done
	check "$1" "$3"
}

background() {	# the pid comes back in $bg
	"$@" <&0 &	# said, since the shell would give it /dev/null
	bg=$!
	pids="$pids $bg"
}

# A line of state 0A at the port, in the namespace of process PID (ours).
await_listener() {	# PORT [PID]
	local hex i tables=("/proc/${2:-self}/net/rill" "/proc/${2:-self}/net/rill6")
	hex=$(printf %04X "$1")
	for ((i = 0; i < WAIT * 20; i++)); do
		! grep -qE ":$hex [0-9A-F]+:0000 0A " "${tables[@]}" || return 0
		sleep 0.05
	done
	echo "nothing listens on port $1"
	cat "${tables[@]}"
	return 1
}

# The last line of a script: the plan, and its status.
finish() { echo "1..$n"; [ $failed = 0 ]; }
