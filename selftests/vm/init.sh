#!/bin/sh
# The guest's first process, run by busybox from the initramfs that run.sh packs.
# Mounts the root: a tmpfs over the layers over the host's own /, which comes by
# 9p and read-only, so that every program of the host runs here and nothing the
# guest does reaches the host.  Then hands over to stage2.sh.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for f in /m/*.ko; do [ ! -e "$f" ] || insmod "$f"; done

P=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o ro,$P,cache=loose host /ro || { echo "init: no root over 9p"; exit 1; }
# An overlay refuses a lower layer that lies inside another: each is a mount.
layers=
for i in 0 1 2 3; do
	mkdir -p /layer$i
	mount -t 9p -o ro,$P,cache=loose layer$i /layer$i 2>/dev/null && layers=$layers/layer$i:
done
mount -t tmpfs -o size=75% rw /rw
mkdir /rw/up /rw/work
mount -t overlay -o lowerdir=$layers/ro,upperdir=/rw/up,workdir=/rw/work root /new
for d in proc sys dev; do mount --move /$d /new/$d; done
mount -t tmpfs run /new/run
mkdir -p /new/run/rill /new/run/lock
mount -t 9p -o $P ctl /new/run/rill
exec switch_root /new /bin/bash /run/rill/stage2.sh
