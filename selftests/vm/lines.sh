#!/bin/bash
# Rill beside TCP over impaired lines: `make lines`.  Run on the host it boots the
# stock guest; there, with an argument, it lays a veth between two namespaces, puts
# netem on both ends, and has `rill perf --vs tcp --bulk` send over each line with
# the same congestion control on both, by turns.  Delays are each way.
set -eu
cd "$(dirname "$0")/../.."

# At 100 Mbit/s and 40 ms 333 packets of 1,500 bytes are one bandwidth-delay product.
lines=(
	'20 ms, 0.1 % loss|delay 10ms loss 0.1% limit 20000'
	'20 ms, 1 % loss|delay 10ms loss 1% limit 20000'
	'20 ms, 5 % loss|delay 10ms loss 5% limit 20000'
	'20 ms, reordering|delay 10ms reorder 75% 50% limit 20000'
	'20 ms, jitter|delay 10ms 3ms limit 20000'
	'100 Mbit/s, 40 ms, 1/4 BDP|delay 20ms rate 100mbit limit 83'
	'100 Mbit/s, 40 ms, 1 BDP|delay 20ms rate 100mbit limit 333'
	'100 Mbit/s, 40 ms, 4 BDP|delay 20ms rate 100mbit limit 1333'
)

impair() {	# NETEM...
	local ns
	for ns in a b; do
		ip netns exec $ns tc qdisc replace dev veth root netem "$@"
	done
}

in_guest() {
	local ns n=0 cc line
	. selftests/vm/guest.sh
	# shellcheck disable=SC2119 # no parameters for the module
	rill_load
	modprobe -a tcp_bbr sch_netem
	ip netns add a
	ip netns add b
	ip link add veth netns a type veth peer name veth netns b
	for ns in a b; do
		n=$((n + 1))
		ip -n $ns addr add 10.7.1.$n/24 dev veth
		ip -n $ns link set veth up
		ip -n $ns link set lo up
		# netem would drop whole trains of 64 KiB; without offloads it drops packets.
		ip netns exec $ns ethtool -K veth tso off gso off gro off
	done
	ip netns exec b rill perf -s -p 5000 > /dev/null 2>&1 &
	for _ in $(seq 100); do
		! ip netns exec b grep -q ' 0A ' /proc/net/rill /proc/net/rill6 || break
		sleep 0.1
	done
	for cc in cubic bbr; do
		for ns in a b; do
			ip netns exec $ns sysctl -qw net.ipv4.tcp_congestion_control=$cc
			ip netns exec $ns sysctl -qw net.rill.congestion_control=$cc
		done
		for line in "${lines[@]}"; do
			# shellcheck disable=SC2086
			impair ${line#*|}
			printf '%s, %s: ' "$cc" "${line%|*}"
			ip netns exec a rill perf -c 10.7.1.2 -p 5000 --vs tcp --bulk \
				-t "${SECS:-4}" --rounds "${ROUNDS:-3}" | sed -n 's/ *median */rill, tcp, ratio: /p'
		done
	done
	kill %1
	ip netns del a
	ip netns del b
	rill_unload
}

if [ $# -gt 0 ]; then
	in_guest
else
	selftests/vm/module.sh stock > /dev/null
	make -s -C tools > /dev/null
	exec selftests/vm/run.sh -k stock -t "${LIMIT:-1200}" -- \
		"SECS=${SECS:-} ROUNDS=${ROUNDS:-} bash $PWD/selftests/vm/lines.sh guest"
fi
