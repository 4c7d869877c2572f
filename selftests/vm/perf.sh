#!/bin/bash
# Rill beside TCP: `make perf`.  Run on the host it boots the stock guest; there,
# with an argument, it lays a veth (MTU 1500, nothing impaired) between two
# namespaces and has `rill perf --vs tcp` measure both in turn over it.
set -eu
cd "$(dirname "$0")/../.."

in_guest() {
	. selftests/vm/guest.sh
	# shellcheck disable=SC2119 # no parameters for the module
	rill_load
	ip netns add a
	ip netns add b
	ip link add va netns a type veth peer name vb netns b
	for x in a:va:10.7.1.1/24 b:vb:10.7.1.2/24; do
		IFS=: read -r ns dev addr <<< "$x"
		ip -n "$ns" addr add "$addr" dev "$dev"
		ip -n "$ns" link set "$dev" up
		ip -n "$ns" link set lo up
	done
	ip netns exec b rill perf -s -p 5000 > /dev/null 2>&1 &
	for _ in $(seq 100); do
		! ip netns exec b grep -q ' 0A ' /proc/net/rill /proc/net/rill6 || break
		sleep 0.1
	done
	ip netns exec a rill perf -c 10.7.1.2 -p 5000 -t 2 --vs tcp
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
	exec selftests/vm/run.sh -k stock -t 300 -- "bash $PWD/selftests/vm/perf.sh guest"
fi
