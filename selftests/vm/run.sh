#!/bin/bash
# run.sh - runs a command in a QEMU guest whose root is this machine's own /,
# read-only under a tmpfs: every program here runs there, as root, at the same
# paths, and nothing here changes.
#	run.sh [-k stock|debug] [-t SECONDS] [-m MEBIBYTES] [-c CPUS] [-o DIR] [-a ARGS] [-i] -- COMMAND...
#	-k  guest kernel, see kernel.sh (stock)
#	-t  time the command gets (600)
#	-o  directory that keeps the guest's log, status and whatever the command
#	    writes to $RILL_GUEST
#	-a  more kernel arguments, e.g. panic_on_warn=1
#	-i  the command gets this terminal
# In the guest: $RILL_KO the module built for its kernel (module.sh; or what it
# is in the environment here), $RILL_TOP
# this repository, tools/ in PATH; guest.sh holds rill_load and rill_unload.
# Exit status: the command's; 99 the kernel complained; 98 the module left
# something behind; 124 panic, hang or timeout; 125 no guest could be started.
# RILL_ACCEL=kvm|tcg overrides what a trial boot found.
set -eu
. "$(dirname "$0")/common.sh"

kernel=stock limit=600 mem=2048 cpus=2 out='' args='' mode=command
while getopts k:t:m:c:o:a:i opt; do
	case $opt in
	k) kernel=$OPTARG;; t) limit=$OPTARG;; m) mem=$OPTARG;; c) cpus=$OPTARG;;
	o) out=$OPTARG;; a) args=$OPTARG;; i) mode=shell;;
	*) exit 2;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { sed -n '2,19s/^# \{0,1\}//p' "$0" >&2; exit 2; }

apt_install "${VM_PACKAGES[@]}"
kdir=$("$VM/kernel.sh" "$kernel")
layer=$("$VM/layer.sh")
kver=$(cat "$kdir/kver")

work=$(mktemp -d "${TMPDIR:-/tmp}/rill-vm.XXXXXX")
trap 'rm -rf "$work"' EXIT
ctl=$work/ctl
mkdir "$ctl"
[ -z "$out" ] || { mkdir -p "$out"; ctl=$(realpath "$out"); rm -f "$ctl"/{rc,leak,dmesg,serial,kmemleak}; }

pack_initramfs() {
	local i=$work/initramfs n=10 f
	mkdir -p "$i"/{bin,m,proc,sys,dev,ro,rw,new}
	cp "$layer"/usr/bin/busybox "$i/bin/" 2>/dev/null || cp "$layer"/bin/busybox "$i/bin/"
	for f in sh mount insmod mkdir switch_root; do ln -s busybox "$i/bin/$f"; done
	cp "$VM/init.sh" "$i/init"; chmod +x "$i/init"
	# What reaches the 9p root, in the order of dependencies.  The debug kernel
	# has all of it built in.
	ln -sfn usr/lib "$work/lib"; ln -sfn "$kdir/root/usr" "$work/usr"
	for f in virtio_pci 9pnet_virtio 9p overlay virtio_console virtio_rng; do
		/sbin/modprobe -d "$work" -S "$kver" --show-depends $f
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r f; do
		n=$((n + 1)); cp "$f" "$i/m/$n-$(basename "$f")"
	done
	(cd "$i" && find . | "$i/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) > "$work/initramfs.gz"
}

# /dev/kvm may exist and guests still hang on it, so only a boot decides; the
# verdict holds until the host boots again.
accel() {
	local verdict
	[ -z "${RILL_ACCEL-}" ] || { echo "$RILL_ACCEL"; return; }
	if ! [ -r /dev/kvm ] || ! [ -w /dev/kvm ]; then echo tcg; return; fi
	verdict=$CACHE/accel-$(cat /proc/sys/kernel/random/boot_id)
	if [ ! -s "$verdict" ]; then
		say "trying a boot under KVM"
		rm -f "$CACHE"/accel-*
		if RILL_ACCEL=kvm timeout -k 2 30 "$VM/run.sh" -k "$kernel" -t 20 -- true >/dev/null 2>&1
		then echo kvm; else echo tcg; fi > "$verdict"
		say "guests will use $(cat "$verdict")"
	fi
	cat "$verdict"
}

share() {	# TAG DIRECTORY OPTIONS
	qemu+=(-fsdev "local,id=$1,path=$2,security_model=none,multidevs=remap$3"
		-device "virtio-9p-pci,fsdev=$1,mount_tag=$1")
}

pack_initramfs
cp "$VM/stage2.sh" "$ctl/"
printf '%s\n' "$*" > "$ctl/cmd"
read -r rows cols < <(stty size 2>/dev/null || echo 24 80)
cat > "$ctl/env" <<EOF
export RILL_TOP='$TOP' RILL_KO='${RILL_KO:-$TOP/build/$kernel/module/rill.ko}' RILL_GUEST=/run/rill
MODE=$mode LIMIT=$limit ROWS=$rows COLS=$cols TERM_HOST=${TERM:-dumb} DIR='$PWD'
EOF

how=$(accel)
cmdline="console=ttyS0 quiet loglevel=5 panic=-1 oops=panic nokaslr mitigations=off random.trust_cpu=on"
case $how in
kvm) cpu=host;;
# TCG executes rep movsb byte by byte; without ERMS, FSRM and rep_good (112) the
# kernel copies with plain loops, five times as fast.
*) cpu=max,-erms,-fsrm,-la57; cmdline+=" tsc=reliable clearcpuid=112";;
esac
# shellcheck disable=SC2054 # the commas are QEMU's
qemu=(qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none
	-machine "q35,accel=$how" -cpu "$cpu" -smp "$cpus" -m "$mem"
	-kernel "$kdir/vmlinuz" -initrd "$work/initramfs.gz" -append "$cmdline $args"
	-chardev "file,id=serial,path=$ctl/serial" -serial chardev:serial
	-chardev stdio,id=hvc,signal=off -device virtio-serial-pci -device virtconsole,chardev=hvc
	-device virtio-rng-pci)
share host / ,readonly=on
share ctl "$ctl" ''
share layer0 "$layer" ,readonly=on
share layer1 "$kdir/root" ,readonly=on

# Beyond the command's time: boot, unload, two kmemleak scans, power-off.
if [ "$mode" = shell ]; then
	"${qemu[@]}" || true
else
	timeout -k 5 $((limit + 120)) "${qemu[@]}" </dev/null || say "QEMU ended with status $?"
fi

# One pattern for everything by which the kernel says that something is wrong.
splat='BUG:|BUG [a-zA-Z_-]+ ?\(|WARNING:|Oops|general protection|KASAN|UBSAN|ODEBUG|possible (circular|recursive|irq)|suspicious RCU'
splat+='|inconsistent lock state|INFO: task .* blocked|detected stalls?|self-detected stall|soft lockup|refcount_t:|unreferenced object|waiting for .* to become free'
splat+='|leaked reference|Objects remaining|list_(add|del) corruption|usercopy: Kernel memory|unregister_netdevice'
if [ ! -s "$ctl/rc" ]; then
	say "the guest ($kernel, $how) died or hung; its console:"
	grep -aE -m 1 -A 60 "$splat" "$ctl/serial" >&2 || tail -40 "$ctl/serial" >&2
	exit 124
fi
status=$(cat "$ctl/rc")
if grep -haqE "$splat" "$ctl"/{serial,dmesg,kmemleak} 2>/dev/null; then
	say "the guest's kernel ($kernel) complained:"
	{ cat "$ctl/dmesg"; [ ! -s "$ctl/kmemleak" ] || cat "$ctl/kmemleak"; } |
		grep -aE -m 3 -A 40 "$splat" | head -120 >&2
	exit 99
fi
if [ -s "$ctl/leak" ]; then
	sed 's/^/rill: /' "$ctl/leak" >&2
	exit 98
fi
exit "$status"
