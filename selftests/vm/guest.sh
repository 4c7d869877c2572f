# shellcheck shell=bash
# Sourced in the guest.

# Loads the module under test, $RILL_KO, after the modules it leans on.
rill_load() {
	local deps
	deps=$(modinfo -F depends "$RILL_KO")
	# shellcheck disable=SC2086
	[ -z "$deps" ] || modprobe -a ${deps//,/ }
	insmod "$RILL_KO" "$@"
}

# Unloads it; fails when something still holds it after 20 seconds.  The last
# sockets of programs that ended finish in the background, hence the wait.
rill_unload() {
	local i
	[ -d /sys/module/rill ] || return 0
	for i in $(seq 100); do
		! rmmod rill 2>/dev/null || return 0
		sleep 0.2
	done
	echo "rill.ko is still held: refcount $(cat /sys/module/rill/refcnt) after $((i / 5)) s, with these programs left:" >&2
	ps --ppid 2 -p 2 --deselect -o pid,args >&2
	return 1
}
