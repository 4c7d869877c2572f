# shellcheck shell=bash
# The guest's process 1 once its root is mounted: runs the command that run.sh
# left in /run/rill, takes the module out again, and leaves there the status
# (rc), what was found wrong with the unload (leak), the kernel's log (dmesg) and
# what kmemleak found.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LANG=C.UTF-8 TERM=dumb
# The guest is emulated more often than not: tests widen what they say of time.
export KSFT_MACHINE_SLOW=yes
ctl=/run/rill
# shellcheck source=/dev/null
. $ctl/env		# RILL_TOP RILL_KO RILL_GUEST, MODE, LIMIT, ROWS, COLS, DIR

mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
chmod 1777 /dev/shm
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for i in fd: fd/0:stdin fd/1:stdout fd/2:stderr; do ln -sfn "/proc/self/${i%:*}" "/dev/${i#*:}"; done
ln -sfn /proc/self/fd /dev/fd
hostname rill
ip link set lo up
PATH=$RILL_TOP/tools:$PATH
cd "$DIR" 2>/dev/null || cd /
kmemleak=/sys/kernel/debug/kmemleak
[ ! -e $kmemleak ] || echo clear > $kmemleak

exec 3<>/dev/hvc0	# held open: the terminal forgets its settings at the last close
if [ "$MODE" = shell ]; then
	export TERM=$TERM_HOST
	stty rows "$ROWS" cols "$COLS" <&3
	setsid -c bash $ctl/cmd </dev/hvc0 >/dev/hvc0 2>&1
	rc=$?
else
	stty raw -echo <&3
	timeout -k 5 "$LIMIT" bash $ctl/cmd </dev/null >/dev/hvc0 2>&1
	rc=$?
	if [ $rc = 124 ] || [ $rc = 137 ]; then
		echo "run.sh: the command did not end within $LIMIT s" >/dev/hvc0
		echo w > /proc/sysrq-trigger	# the blocked tasks, into the log
	fi
fi

# Whatever the command left running or configured goes, then the module must.
kill -9 -1
cd /
ip -all netns delete 2>/dev/null
if [ -d /sys/module/rill ]; then
	for _ in $(seq 100); do rmmod rill 2>/dev/null && break; sleep 0.2; done
	[ ! -d /sys/module/rill ] ||
		echo "rill.ko cannot be unloaded: refcount $(cat /sys/module/rill/refcnt) with no program left" > $ctl/leak
fi
[ -d /sys/module/rill ] || grep -i '^rill' /proc/slabinfo | sed 's/^/slab cache left after rmmod: /' >> $ctl/leak
if [ -e $kmemleak ]; then
	# An object counts once it is 5 seconds old and two scans did not reach it.
	echo scan > $kmemleak; sleep 6; echo scan > $kmemleak
	cat $kmemleak > $ctl/kmemleak
fi
dmesg > $ctl/dmesg
echo $rc > $ctl/rc
sync
echo o > /proc/sysrq-trigger
sleep 10
