#!/bin/bash
# install-test.sh - make, make install and make uninstall, with the guest's
# kernel as the target: everything lands under DESTDIR and nothing stays.
set -eu
. "$(dirname "$0")/common.sh"
kdir=$("$VM/kernel.sh" stock)
kver=$(cat "$kdir/kver")
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
args=(-C "$TOP" KDIR="$(readlink -f "$kdir/build")" DESTDIR="$dest" PREFIX=/usr)

make "${args[@]}"
make "${args[@]}" install
find "$dest" -type f
test -s "$dest/lib/modules/$kver/updates/rill.ko"
test -x "$dest/usr/bin/rill"
test -s "$dest/usr/include/linux/rill.h"
make "${args[@]}" uninstall
left=$(find "$dest" -type f -o -type l)
[ -z "$left" ] || { echo "make uninstall left $left"; exit 1; }
make -C "$TOP" help
