#!/bin/bash
# conformance.sh [-q] - is module/CONFORMANCE.md true to the sources?  Every requirement
# of RFC 9293's appendix B is there once, says yes, re-mapped, n/a or no, and every
# test it names exists; where unit tests have run, each of those is in their logs and
# passed.  Says what is wrong, a line each, and in the end how much there is.  -q: the
# sources alone, and nothing said when they are right.
set -u
cd "$(dirname "$0")/../.." || exit
DOC=module/CONFORMANCE.md
named=0 failed=0 quiet=${1-}
bad() { failed=$((failed + 1)); echo "failed: $DOC: $*"; }

ids() {		# all there are, 119
	for i in $(seq 69); do echo "MUST-$i"; done
	for i in $(seq 31); do echo "SHLD-$i"; done
	for i in $(seq 18); do echo "MAY-$i"; done
	echo REC-1
}

rows() { grep -E '^\| (MUST|SHLD|MAY|REC)-[0-9]+ \|' "$DOC"; }

twice_or_never=$(diff <(ids | sort) <(rows | cut -d' ' -f2 | sort))
[ -z "$twice_or_never" ] || bad "ids: $twice_or_never"
while read -r row; do
	IFS='|' read -r _ id _ verdict how _ <<< "$row"
	case $verdict in
	' yes ' | ' no ' | ' re-mapped ' | ' n/a ') ;;
	*) bad "$id says '$verdict'" ;;
	esac
	[[ $how == *[a-z]* ]] || bad "$id: nothing shows it"
done < <(rows)

# The case must be in the sources.
in_sources() {	# KIND NAME
	local file fixture
	case $1 in
	unit) grep -qx "TEST($2)" selftests/unit/test_*.c ;;
	scen) [ -f "selftests/scen/$2.scen" ] ;;
	sim) grep -qE "(^|[^0-9.])$2: " selftests/sim/check.c ;;
	kself) IFS=. read -r file fixture name <<< "$2"
		grep -qE "^TEST_F(_TIMEOUT)?\(${fixture}, ${name}[,)]" "selftests/$file.c" ;;
	*) return 1 ;;
	esac
}

# And the unit tests that were run last printed its name.
ran() {		# KIND NAME
	[ "$quiet" = '' ] && [ "$1" = unit ] && ls build/unit/64/test_*.log >/dev/null 2>&1 || return 0
	grep -qx "ok $2" build/unit/64/test_*.log
}

while IFS=: read -r kind name; do
	if ! in_sources "$kind" "$name"; then bad "there is no $kind:$name"
	elif ! ran "$kind" "$name"; then bad "$kind:$name did not run, or failed"
	else named=$((named + 1))
	fi
done < <(rows | tr '`' '\n' | grep -E '^(unit|scen|sim|kself):' | sort -u)
[ -n "$quiet" ] || echo "$(rows | wc -l) requirements, shown by $named tests; $failed faults"
[ $failed = 0 ]
