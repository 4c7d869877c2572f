#!/bin/bash
# model.sh - Spin looks at every state of conn.pml and life.pml, in the sizes below;
# then each property's own fault is put in, and must be found: a model that notices
# nothing proves nothing.  Ends with "N passed, N failed".  BROKEN=0 leaves faults out.
set -u
. "$(dirname "$0")/../vm/common.sh"
cd "$TOP/selftests/model" || exit
apt_install "${BUILD_PACKAGES[@]}" spin
OUT=$TOP/build/model
mkdir -p "$OUT"
passed=0 failed=0
result() {	# VERDICT NAME [WHY]
	if [ "$1" = ok ]; then passed=$((passed + 1)); echo "ok $2"
	else failed=$((failed + 1)); echo "failed: $2: $3"
	fi
}

# The states and events of the code, as Promela.
make_table() {
	gcc -Wall -I../unit/shim -I../../module/core -o "$OUT/table" table.c \
		../../module/core/fsm.c && "$OUT/table" >"$OUT/fsm.pml"
}
make_table || { echo '0 passed, 1 failed'; exit 1; }

opt=-O1
# verify FILE DEFINES [LTL]: 0 when no error was found, 1 when one was, 2 when not all
# states were seen.  What it says is in $OUT/log, states in $states.
verify() {
	local cflags=("$opt" -w -DCOLLAPSE -DVECTORSZ=2048) run=(-m400000 -w22)
	if [ -n "${3-}" ]; then cflags+=(-DNFAIR=3); run+=(-a -f -N "$3")
	else cflags+=(-DSAFETY -DNOCLAIM)
	fi
	(	cd "$OUT" || exit
		rm -f -- *.trail
		# shellcheck disable=SC2086
		spin -a $2 "$1" && gcc "${cflags[@]}" -o pan pan.c && ./pan "${run[@]}"
	) >"$OUT/log" 2>&1 </dev/null
	states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' "$OUT/log")
	grep -q 'errors: 0' "$OUT/log" && ! grep -q 'max search depth too small\|out of memory' "$OUT/log" && return 0
	grep -q 'errors: 1' "$OUT/log" && return 1
	return 2
}

holds() {	# NAME FILE DEFINES [LTL]
	cp "$2" "$OUT/$2"
	if verify "$2" "$3" "${4-}"; then result ok "$1: $states states"
	else result bad "$1" "$(grep -m3 -E '^pan:|error' "$OUT/log" | tr '\n' ' '); build/model/$2.trail"
	fi
}

# broken NAME FILE DEFINES LTL FROM TO: with the text FROM replaced by TO, which is a
# fault, the model must find an error.
broken() {
	[ "${BROKEN-1}" = 1 ] || return 0
	python3 - "$2" "$OUT/$2" "$5" "$6" <<-'END' || { result bad "$1" 'the text is not there'; return; }
	import sys
	text = open(sys.argv[1], encoding='utf-8').read()
	sys.exit(sys.argv[3] not in text or not open(sys.argv[2], 'w').write(text.replace(*sys.argv[3:5])))
	END
	verify "$2" "$3" "$4"
	if [ $? = 1 ]; then result ok "found: $1"; else result bad "$1" 'not found'; fi
}

ONE='-DATTEMPTS=1 -DERAS=4' TWO='-DATTEMPTS=2 -DERAS=1 -DNO_FATE' SMALL='-DATTEMPTS=1 -DERAS=2'
LIVE='-DATTEMPTS=1 -DERAS=1 -DNO_FATE -DLIVE'
holds 'conn: one connection, three minutes or restarts' conn.pml "$ONE"
holds 'conn: two connections, one behind the other' conn.pml "$TWO"
holds 'conn: nothing waits for ever' conn.pml '-DATTEMPTS=1 -DERAS=1 -DCALM'
for ltl in opening_ends client_ends_closed server_ends_closed; do
	holds "conn: $ltl" conn.pml "$LIVE" $ltl
done
holds 'life: a child and its listener' life.pml ''

opt=-O0
broken 'P_ONCE: a tombstone that guards nothing' conn.pml "$SMALL" '' '(sera[c] == era -> GUARDS : 0)' '0'
broken 'P_ONCE: a cookie that outlives its tombstone' conn.pml "$SMALL" '' 'e == era && listening ->' 'listening ->'
broken 'P_ASKED: a server for each SYN' conn.pml "$SMALL" '' 'listening -> n_synack[era] = n_synack[era] | 1 << c' \
	'listening -> n_echo[era] = n_echo[era] | 1 << c'
broken 'P_AGREE: FIN without what comes before it' conn.pml "$SMALL" '' 'sgot[c] == (BYTE | FIN) && (' 'sgot[c] & FIN && ('
broken 'P_ACKED: an acknowledgement of what did not come' conn.pml "$SMALL" '' 'n_s2c[c] = n_s2c[c] | 1 << 4 * sgot[c]' \
	'n_s2c[c] = n_s2c[c] | 1 << 4 * (sgot[c] | BYTE)'
broken 'P_PEACE: STRAY believed before the server exists' conn.pml "$SMALL" '' ':: !confirmed -> n_echo' \
	':: !confirmed -> n_cprobe = n_cprobe | 1 << (cur - 1); n_echo'
broken 'P_LEGAL: the FIN counts as acknowledged with the byte before it' conn.pml "$SMALL" '' \
	':: a == (BYTE | FIN) && cacked' ':: a & BYTE && cacked'
broken 'P_REST: a FIN that is sent once, and lost' conn.pml '-DATTEMPTS=1 -DERAS=1 -DCALM' '' \
	':: SENT_FIN(sst[c]) -> n_s2c' ':: SENT_FIN(sst[c]) && 0 -> n_s2c'
broken 'opening_ends: no SYN timer' conn.pml "$LIVE" opening_ends \
	'cst == SYN_SENT -> move(cst, EV_ABORT)' '0 -> move(cst, EV_ABORT)'
broken 'client_ends_closed: no orphan timer' conn.pml "$LIVE" client_ends_closed \
	'SYNCED(cst) -> disturbed = 1' 'SYNCED(cst) && !corphan -> disturbed = 1'
broken 'server_ends_closed: no orphan timer' conn.pml "$LIVE" server_ends_closed \
	'SYNCED(sst[c]) -> disturbed = 1' 'SYNCED(sst[c]) && !sorphan[c] -> disturbed = 1'
broken 'L1: memory given back before readers have left' life.pml '' '' 'gone && !readers' 'gone'
broken 'L2: a reader that does not ask whether it lives' life.pml '' '' 'ok = refs > 0; refs = refs + ok' 'ok = 1; refs++'
broken 'L3: a listener that forgets who waits for data' life.pml '' '' 'where == DEFER_Q || where == ACCEPT_Q ->' 'where == ACCEPT_Q ->'
broken 'L3: a backlog that is not counted down' life.pml '' '' ':: else -> backlog--' ':: else'
broken 'L3: a child added to a closed queue' life.pml '' '' 'room = open;' 'room = 1;'
broken 'L4: the parent is forgotten after the end' life.pml '' '' ':: isopen -> forget(); orphan = 1' ':: isopen -> orphan = 1'
broken 'L5: accept_lock before the socket lock' life.pml '' '' 'ndeferred = 0;
	RELEASE(alock);' 'ndeferred = 0;
	ACQUIRE(lock); RELEASE(lock);
	RELEASE(alock);'
echo "$passed passed, $failed failed"
[ $failed = 0 ]
