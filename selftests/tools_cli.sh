#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tools_cli.sh - the rill tool from the command line: what it says to wrong
# usage, and with the module loaded each subcommand at work, the stock ss and nstat
# on Rill's /proc files, and unmodified programs under rill run.
# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

# ---- usage ---------------------------------------------------------------

wrong() {	# ARGUMENT...: exit status 2, one line on stderr, nothing on stdout
	local rc
	"$RILL" "$@" > "$work/out" 2> "$work/err" < /dev/null
	rc=$?
	cat "$work/err"
	[ $rc = 2 ] && [ "$(wc -l < "$work/err")" = 1 ] && [ ! -s "$work/out" ] &&
		grep -q '^rill' "$work/err" && return 0
	echo "rill $*: status $rc, $(wc -l < "$work/err") lines, $(wc -c < "$work/out") bytes on stdout"
	return 1
}

wrong_each() {	# COMMAND...: lines of arguments on stdin
	local line args rc=0
	while read -r line; do
		read -ra args <<< "$line"
		wrong "$@" ${args[@]+"${args[@]}"} || rc=1
	done
	return $rc
}

usage_rill() { wrong && wrong nonsense && wrong --nonsense && wrong ''; }

usage_connect() {
	wrong connect && wrong connect '' && wrong connect h '' && wrong_each connect <<- 'E'
		h
		h 0
		h 65536
		h -1
		h 80x
		h no-such-service
		h 80 more
		-p
		-p 0 h 80
		-p x h 80
		-w x h 80
		-w 0 h 80
		-w nan h 80
		-w 1e99 h 80
		-4 -6 h 80
		--nonsense h 80
		-Z h 80
	E
}

usage_listen() {
	wrong_each listen <<- 'E'

		-p
		-p 65536
		-p x
		65536
		0.0.0.0 80x
		0.0.0.0 80 more
		-p 80 0.0.0.0 81
		-w -1 80
		-4 -6 80
		--nonsense 80
	E
}

usage_stat() {
	wrong_each stat <<- 'E'
		more
		--watch=0
		--watch=x
		--watch x
		--watch 1 2
		--counters -l
		--json=1
		--nonsense
	E
}

usage_perf() {
	wrong_each perf <<- 'E'

		-s -c h
		-s more
		-s -p 0
		-s -p 65536
		-c
		-1 -c h
		-c h -t 0
		-c h -t x
		-c h -P 0
		-c h -P 100000
		-c h -l 0
		-c h -l 9G
		-c h -l 1x
		-c h -i -1
		-c h --vs udp
		-c h --vs tcp --tcp
		-c h --rounds 0
		-c h --rr --conn
		-c h --rr -R
		-c h -R --bidir
	E
}

usage_run() { wrong run && wrong run -v && wrong run -x true && wrong run --nonsense true; }

usage_ping() {
	wrong_each ping <<- 'E'

		h
		h 0
		h 99999
		h 80 more
		-c 0 h 80
		-c x h 80
		-i -1 h 80
		-w 0 h 80
	E
}

help_each() {
	local c
	for c in '' run stat listen connect ping perf; do
		# shellcheck disable=SC2086 # the empty word is no argument
		"$RILL" $c --help > "$work/long" 2> "$work/err" || return
		"$RILL" $c -h > "$work/short" || return
		cmp "$work/long" "$work/short" || return
		[ ! -s "$work/err" ] || return
		grep "^Usage: rill $c" "$work/long" || return
	done
}

# One line and status 1, from every subcommand.
not_loaded() {
	local args rc
	while read -ra args; do
		"$RILL" "${args[@]}" > "$work/out" 2> "$work/err" < /dev/null
		rc=$?
		cat "$work/err"
		[ $rc = 1 ] && [ "$(wc -l < "$work/err")" = 1 ] &&
			grep -q 'module is not loaded' "$work/err" || return 1
	done <<- 'E'
		connect localhost 80
		listen 8000
		stat
		stat --counters
		perf -s
		perf -c localhost
		run true
		ping localhost 80
	E
}

# Not the kernel's business: 200 processes say the same on the fast one.
if [ -z "${RILL_TEST_QUICK:-}" ]; then
	check 'wrong usage: rill' usage_rill
	check 'wrong usage: rill connect' usage_connect
	check 'wrong usage: rill listen' usage_listen
	check 'wrong usage: rill stat' usage_stat
	check 'wrong usage: rill perf' usage_perf
	check 'wrong usage: rill run' usage_run
	check 'wrong usage: rill ping' usage_ping
fi
check 'help: -h and --help of every command' help_each
if [ -z "$module" ]; then
	check 'without the module: one line, status 1' not_loaded
else
	skip 'without the module: one line, status 1' 'the module is loaded'
fi

# ---- listen and connect --------------------------------------------------

# Both ways at once, each with its own end.
transfer() {	# HOST PORT OPTION...
	local host=$1 port=$2; shift 2
	background "${LIMIT[@]}" "$RILL" listen -N "$@" "$port" < "$work/b" > "$work/got_a"
	await_listener "$port" || return
	"${LIMIT[@]}" "$RILL" connect -N -w 60 "$@" "$host" "$port" < "$work/a" > "$work/got_b" || return
	wait "$bg" || return
	cmp "$work/a" "$work/got_a" && cmp "$work/b" "$work/got_b"
}

transfer_v4() { transfer 127.0.0.1 7001 -4; }
transfer_v6() { transfer ::1 7002 -6; }
transfer_dual() { transfer 127.0.0.1 7003; }

keep_listening() {
	local i
	background "$RILL" listen -k 7004 < /dev/null > "$work/got"
	await_listener 7004 || return
	for i in 1 2 3; do
		echo "message $i" | "${LIMIT[@]}" "$RILL" connect -N localhost 7004 || return
	done
	# the last connection's end is known to us before its text is on stdout
	for ((i = 0; i < WAIT * 20; i++)); do
		[ "$(wc -l < "$work/got")" = 3 ] && break
		sleep 0.05
	done
	printf 'message %s\n' 1 2 3 | cmp - "$work/got"
}

local_port() {
	background "${LIMIT[@]}" "$RILL" listen -v 7005 < /dev/null 2> "$work/log"
	await_listener 7005 || return
	"${LIMIT[@]}" "$RILL" connect -N -p 7055 127.0.0.1 7005 < /dev/null || return
	wait "$bg"
	cat "$work/log"
	grep -q 'connection from 127.0.0.1:7055 over rill' "$work/log"
}

refused() {
	"${LIMIT[@]}" "$RILL" connect localhost 7006 < /dev/null 2> "$work/err"
	[ $? = 1 ] || return
	cat "$work/err"
	[ "$(wc -l < "$work/err")" = 1 ] && grep -q 'Connection refused' "$work/err"
}

head -c 3000000 /dev/urandom > "$work/a"
head -c 2000000 /dev/urandom > "$work/b"
with_module 'listen and connect: both ways, IPv4' '' transfer_v4
with_module 'listen and connect: both ways, IPv6' '' transfer_v6
with_module 'listen and connect: IPv4 to a dual-stack listener' '' transfer_dual
with_module 'listen -k: one connection after another' '' keep_listening
with_module 'connect -p: the local port' '' local_port
with_module 'connect: refused is one line, status 1' '' refused

# ---- stat, and the stock tools on the same files -----------------------------

# A connection that stays: its ends' stdin is a pipe nobody writes to.
hold_connection() {	# PORT
	mkfifo "$work/idle$1" 2> /dev/null
	background "$RILL" listen -4 "$1" <> "$work/idle$1" > /dev/null
	holder=$bg
	await_listener "$1" || return
	background "$RILL" connect 127.0.0.1 "$1" <> "$work/idle$1" > /dev/null
	client=$bg
	local hex i
	hex=$(printf %04X "$1")
	for ((i = 0; i < WAIT * 20; i++)); do
		# accepted: the listener, which takes one connection only, is gone
		[ "$(grep -cE ":$hex .* 01 |:$hex 01 " /proc/net/rill)" = 2 ] &&
			! grep -qE ":$hex [0-9A-F]+:0000 0A " /proc/net/rill && return 0
		sleep 0.05
	done
	echo "no connection on port $1"
	cat /proc/net/rill
	return 1
}

drop_connection() { kill "$holder" "$client"; wait "$holder" "$client"; return 0; } 2> /dev/null

stat_table() {
	local rc=0
	hold_connection 7010 || return
	background "$RILL" listen 7011 < /dev/null
	await_listener 7011 || return
	"$RILL" stat || rc=1
	"$RILL" stat | grep -E "^ESTAB +0 +0 127.0.0.1:7010 .* rill/$holder$" || rc=1
	"$RILL" stat | grep -E "^ESTAB +0 +0 127.0.0.1:[0-9]+ +127.0.0.1:7010 .* rill/$client$" || rc=1
	"$RILL" stat | grep -E "^LISTEN +0 +1 \[::\]:7011 .* rill/$bg$" || rc=1
	[ "$("$RILL" stat -l | grep -c ESTAB)" = 0 ] || rc=1
	[ "$("$RILL" stat -4 | grep -c 7011)" = 0 ] || rc=1
	"$RILL" stat -i | grep -E '^ +rtt [0-9.]+/' || rc=1
	kill "$bg"
	drop_connection
	return $rc
}

stat_json() {
	local rc
	hold_connection 7012 || return
	"$RILL" stat -a -i --json > "$work/json"
	cat "$work/json"
	python3 - "$holder" "$work/json" <<- 'E'
		import json, sys
		rows = json.load(open(sys.argv[2]))["sockets"]
		mine = [r for r in rows if r.get("pid") == int(sys.argv[1]) and r["state"] == "ESTAB"]
		assert len(mine) == 1 and mine[0]["local"] == "127.0.0.1:7012", mine
		assert mine[0]["comm"] == "rill" and mine[0]["uid"] == 0, mine
		assert mine[0]["cwnd"] > 0 and "info" in mine[0], mine
	E
	rc=$?
	drop_connection
	return $rc
}

stat_watch() {
	timeout -s INT 2 "$RILL" stat --watch 0.2 > "$work/out"
	head -20 "$work/out"
	[ "$(grep -c '^State' "$work/out")" -ge 2 ]
}

stat_counters() {
	local before after
	before=$("$RILL" stat --counters -a | awk '{ s += $2 } END { print s + 0 }')
	transfer 127.0.0.1 7013 || return
	after=$("$RILL" stat --counters -a | awk '{ s += $2 } END { print s + 0 }')
	"$RILL" stat --counters
	echo "sum before $before, after $after"
	[ "$after" -gt "$before" ] || return
	"$RILL" stat --counters --json | python3 -c 'import json, sys; assert json.load(sys.stdin)["counters"]'
}

stock_ss() {
	local rc=0
	hold_connection 7014 || return
	PROC_NET_TCP=/proc/net/rill PROC_NET_TCP6=/proc/net/rill6 ss -tanpoie > "$work/ss" || rc=1
	cat "$work/ss"
	grep -E "^ESTAB .*127.0.0.1:7014 .*\"rill\",pid=$holder,.* cwnd:[0-9]+" "$work/ss" || rc=1
	drop_connection
	return $rc
}

stock_nstat() {
	PROC_NET_SNMP=/proc/net/rill_snmp PROC_NET_NETSTAT=/dev/null PROC_NET_SNMP6=/dev/null \
		nstat -asz > "$work/nstat" || return
	cat "$work/nstat"
	[ "$(grep -c '^Rill' "$work/nstat")" = "$("$RILL" stat --counters -a | wc -l)" ]
}

with_module 'stat: the table with its processes' '' stat_table
with_module 'stat --json' python3 stat_json
with_module 'stat --watch' '' stat_watch
with_module 'stat --counters: a transfer is counted' python3 stat_counters
with_module 'stock ss reads /proc/net/rill' ss stock_ss
with_module 'stock nstat reads /proc/net/rill_snmp' nstat stock_nstat

# ---- ping and perf -------------------------------------------------------

ping_listener() {
	background "$RILL" listen -k 7020 < /dev/null > /dev/null
	await_listener 7020 || return
	"${LIMIT[@]}" "$RILL" ping -c 3 -i 0 127.0.0.1 7020 > "$work/out" || { cat "$work/out"; return 1; }
	cat "$work/out"
	kill "$bg"
	grep -q '3 tried, 3 connected' "$work/out"
}

ping_nobody() {
	"${LIMIT[@]}" "$RILL" ping -c 2 -i 0 127.0.0.1 7021 2> "$work/err"
	[ $? = 1 ] && [ "$(wc -l < "$work/err")" = 1 ]
}

# Each kind of test against one server; it ends by itself with -1.
perf_kinds() {
	local args rc=0
	background "$RILL" perf -s -p 7022
	await_listener 7022 || return
	while read -ra args; do
		"${LIMIT[@]}" "$RILL" perf -c 127.0.0.1 -p 7022 -t 0.5 --json "${args[@]}" > "$work/json" || rc=1
		cat "$work/json"
		python3 -c 'import json, sys
r = json.load(sys.stdin)
moved = [r[d]["bytes"] for d in ("up", "down") if d in r]
assert r["transport"] == "rill"
assert all(moved) if moved else r.get("round_trips", r.get("connections", 0)) > 0' < "$work/json" || rc=1
	done <<- 'E'
		-P 2
		-R
		--bidir
		--rr
		--conn
	E
	kill "$bg"
	return $rc
}

perf_vs() {
	background "$RILL" perf -s -1 -p 7023
	await_listener 7023 || return
	"${LIMIT[@]}" "$RILL" perf -c localhost -p 7023 --vs tcp -t 0.3 --rounds 2 > "$work/out" || return
	cat "$work/out"
	[ "$(grep -c '^  median' "$work/out")" = 3 ] && wait "$bg"
}

with_module 'ping: three handshakes' '' ping_listener
with_module 'ping: nobody there is status 1' '' ping_nobody
with_module 'perf: every kind of test' python3 perf_kinds
with_module 'perf --vs tcp: three tables, and the server of -1 ends' '' perf_vs

# ---- run -----------------------------------------------------------------

# What becomes of the program does not hang on Rill: without the module, TCP stands
# in for it.
[ -n "$module" ] || export RILL_FAMILY=2

run_status() {
	local rc=0
	expect() {	# STATUS ARGUMENT...
		local want=$1 got; shift
		"$RILL" run "$@" > /dev/null 2> "$work/err"; got=$?
		[ $got = "$want" ] || { echo "rill run $*: status $got, not $want"; cat "$work/err"; rc=1; }
	}
	expect 0 true
	expect 42 sh -c 'exit 42'
	expect 42 -- sh -c 'exit 42'
	expect 127 no-such-program
	[ "$(wc -l < "$work/err")" = 1 ] || rc=1
	expect 126 "$work"
	expect 137 sh -c 'kill -9 $$'
	return $rc
}

run_signal() {
	# shellcheck disable=SC2016 # for the inner shell
	background "$RILL" run sh -c 'trap "exit 33" TERM; echo up > "$0"; while :; do sleep 0.1; done' "$work/up"
	local i
	for ((i = 0; i < WAIT * 20; i++)); do [ -s "$work/up" ] && break; sleep 0.05; done
	kill -TERM "$bg"
	wait "$bg"
	[ $? = 33 ]
}

run_nested() {
	"$RILL" run "$RILL" run true 2> "$work/err"
	[ $? = 1 ] || return
	cat "$work/err"
	[ "$(wc -l < "$work/err")" = 1 ] && grep -q 'listener is already there' "$work/err"
}

# The pipe ends although a process of the program lives on.
run_daemon() {
	local out
	# shellcheck disable=SC2016 # for the inner shell
	out=$("${LIMIT[@]}" "$RILL" run sh -c 'sleep 300 > /dev/null 2>&1 < /dev/null & echo $!')
	kill "$out"
}

check 'run: the exit status is the program'\''s' run_status
check 'run: a signal reaches the program' run_signal
check 'run: one inside another is one line, status 1' run_nested
check 'run: a daemon does not hold its starter' run_daemon

# The server's listening line in Rill's table says that it is over Rill.
fetch_from() {	# PORT CLIENT...: the client's stdout is the file
	local port=$1; shift
	await_listener "$port" || { cat "$work/log"; return 1; }
	"${LIMIT[@]}" "$RILL" run -v "$@" > "$work/got" 2> "$work/client"
	cat "$work/client"
	cmp "$work/web/file" "$work/got" && grep -q 'IPv4 socket over Rill' "$work/client"
}

mkdir "$work/web"
cp "$work/a" "$work/web/file"
chmod -R a+rX "$work"

run_dynamic() {
	background "$RILL" run -v python3 -m http.server --bind 127.0.0.1 --directory "$work/web" 7030 \
		> "$work/log" 2>&1
	fetch_from 7030 curl -sS http://127.0.0.1:7030/file
	local rc=$?
	kill "$bg"
	return $rc
}

run_static() {
	background "$RILL" run -v busybox httpd -f -p 127.0.0.1:7031 -h "$work/web" > "$work/log" 2>&1
	fetch_from 7031 busybox wget -q -O - http://127.0.0.1:7031/file
	local rc=$?
	kill "$bg"
	return $rc
}

# no_new_privs is the price of not being root.
run_nobody() {
	background setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$RILL" run -v busybox httpd -f -p 127.0.0.1:7032 -h "$work/web" > "$work/log" 2>&1
	fetch_from 7032 busybox wget -q -O - http://127.0.0.1:7032/file
	local rc=$?
	"$RILL" stat --json | grep '7032' | grep '"uid":65534' || rc=1
	kill "$bg"
	return $rc
}

# The program changes user and namespace below rill run; its sockets follow.
run_user() {
	background "$RILL" run setpriv --reuid 65534 --regid 65534 --clear-groups \
		busybox httpd -f -p 127.0.0.1:7033 -h "$work/web" > "$work/log" 2>&1
	await_listener 7033 || return
	"$RILL" stat --json | grep '7033' | grep '"uid":65534'
	local rc=$?
	kill "$bg"
	return $rc
}

run_netns() {
	background "$RILL" run unshare -n busybox httpd -f -p 0.0.0.0:7034 -h "$work/web" > "$work/log" 2>&1
	await_listener 7034 "$bg" || return
	! grep -E ':1B7A [0-9A-F]+:0000 0A ' /proc/net/rill /proc/net/rill6
	local rc=$?
	kill "$bg"
	return $rc
}

run_userns() {
	background setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$RILL" run unshare -rn busybox httpd -f -p 0.0.0.0:7035 -h "$work/web" > "$work/log" 2>&1
	await_listener 7035 "$bg"
	local rc=$?
	cat "$work/log"
	kill "$bg"
	return $rc
}

# Family 200, which no kernel has, is refused as a sandbox refuses AF_RILL.
run_inet() {
	local say='import socket as s, sys
f = s.socket(int(sys.argv[1]))
print(f.getsockopt(1, 39), f.getsockopt(1, 38))' got
	got=$("$RILL" run --inet python3 -c "$say" 2; "$RILL" run --inet python3 -c "$say" 10
		RILL_FAMILY=200 "$RILL" run python3 -c "$say" 2)
	echo "$got"
	[ "$got" = "2 257
10 257
2 257" ]
}

with_module 'run: sockets of the internet families' python3 run_inet
with_module 'run: dynamic programs, python3 and curl' 'python3 curl' run_dynamic
with_module 'run: static programs, busybox httpd and wget' busybox run_static
with_module 'run: without privileges' 'busybox setpriv' run_nobody
with_module 'run: a program that changes its user' 'busybox setpriv' run_user
with_module 'run: a program in a network namespace of its own' 'busybox unshare' run_netns
with_module 'run: a program in user and network namespaces of its own' 'busybox setpriv unshare' run_userns

finish
