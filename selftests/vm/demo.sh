#!/bin/bash
# demo.sh - in the guest: programs that know nothing of Rill talk over AF_RILL
# between two hosts (network namespaces) over a bad line.
#
#	  srv                                    cli
#	  redis-server, nginx                    redis-benchmark, curl
#	  10.7.0.1  veth ---- 5 ms, 1 % loss, each way ---- veth  10.7.0.2
set -eu -o pipefail
. "$(dirname "$0")/guest.sh"

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() { echo "demo: $*" >&2; exit 1; }
# Not for what runs in the background: its process id would be a subshell's.
srv() { ip netns exec srv "$@"; }
cli() { ip netns exec cli "$@"; }

# The hexadecimal port of a Rill listener, as /proc/net/tcp would show it.
wait_listener() {	# PORT PROCESS NAME LOG
	local i hex
	hex=$(printf ':%04X' "$1")
	for i in $(seq 150); do
		# shellcheck disable=SC2016
		srv awk -v p="$hex" '$2 ~ p "$" && $4 == "0A" { found = 1 } END { exit !found }' \
			/proc/net/rill /proc/net/rill6 2>/dev/null && return
		kill -0 "$2" 2>/dev/null || break
		sleep 0.2
	done
	tail -5 "$4" >&2
	fail "$3 does not listen on AF_RILL"
}

title "The module, and two hosts joined by a line of 5 ms and 1 % loss each way"
# shellcheck disable=SC2119
rill_load || fail "the module does not load"
echo "rill.ko is loaded, AF_RILL is family $(cat /sys/module/rill/parameters/family)"
ip netns add srv
ip netns add cli
ip link add veth netns srv type veth peer name veth netns cli
n=0
for ns in srv cli; do
	n=$((n + 1))
	ip -n $ns link set lo up
	ip -n $ns addr add 10.7.0.$n/24 dev veth
	ip -n $ns link set veth up
	# netem would drop whole trains of 64 KiB; without offloads it drops packets.
	ip netns exec $ns ethtool -K veth tso off gso off gro off
	ip netns exec $ns tc qdisc add dev veth root netem delay 5ms loss 1% limit 10000
	echo "$ns has 10.7.0.$n: $(ip netns exec $ns tc qdisc show dev veth)"
done

title "redis: rill run redis-server, rill run redis-benchmark"
mkdir -p /tmp/demo/www
cd /tmp/demo
ip netns exec srv rill run -v redis-server --bind 10.7.0.1 --port 6379 --protected-mode no --save '' \
	--daemonize no >redis.log 2>&1 </dev/null &
redis=$!
wait_listener 6379 $redis redis-server redis.log
ip netns exec cli rill run redis-benchmark -h 10.7.0.1 -p 6379 -q -c 20 -n 4000 -t set,get,lpush,lrange_100 \
	>bench.log 2>&1 </dev/null &
bench=$!
sleep 4
kill -0 $bench 2>/dev/null || { cat bench.log; fail "redis-benchmark ended early"; }
echo "while it runs, rill stat on the client:"
cli rill stat | head -12
echo "and TCP connections there: $(cli ss -Htan | wc -l)"
wait $bench || { tail -5 bench.log; fail "redis-benchmark failed"; }
tr '\r' '\n' < bench.log | grep 'requests per second' || fail "redis-benchmark printed no result"
kill $redis
wait $redis || true

title "nginx: a file to curl, both under rill run"
cp "$(gcc -print-prog-name=cc1)" www/file
cat > nginx.conf <<'N'
daemon off;
master_process off;
pid /tmp/demo/nginx.pid;
error_log stderr;
events { }
http {
	access_log off;
	sendfile on;
	client_body_temp_path /tmp/demo/body;
	proxy_temp_path /tmp/demo/proxy;
	fastcgi_temp_path /tmp/demo/fastcgi;
	uwsgi_temp_path /tmp/demo/uwsgi;
	scgi_temp_path /tmp/demo/scgi;
	server { listen 10.7.0.1:80; root /tmp/demo/www; }
}
N
ip netns exec srv rill run nginx -c /tmp/demo/nginx.conf >nginx.log 2>&1 </dev/null &
nginx=$!
wait_listener 80 $nginx nginx nginx.log
ip netns exec cli rill run curl -sS -o got --max-time 300 -w '%{size_download} bytes in %{time_total} s\n' \
	http://10.7.0.1/file 2>curl.log &
curl=$!
sleep 2
echo "while it runs, rill stat on the server:"
srv rill stat
wait $curl || { cat curl.log nginx.log; fail "curl failed"; }
want=$(sha256sum < www/file)
[ "$(sha256sum < got)" = "$want" ] || fail "what curl got is not the file"
echo "sha256 of both: ${want%% *}"
kill $nginx
wait $nginx || true

title "What was counted on the server: nstat on /proc/net/rill_snmp"
srv env PROC_NET_SNMP=/proc/net/rill_snmp PROC_NET_NETSTAT=/dev/null PROC_NET_SNMP6=/dev/null nstat -as |
	grep -v '^#' | awk '{ printf "  %-28s %s\n", $1, $2 }'

title "rmmod"
ip netns del srv
ip netns del cli
rill_unload || fail "the module cannot be unloaded"
! grep -i '^rill' /proc/slabinfo || fail "memory stayed behind"
echo "rill.ko is gone, and so is all of its memory"
