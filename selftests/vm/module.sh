#!/bin/bash
# module.sh stock|debug [MAKE ARGUMENTS...] - builds the module for that guest
# kernel in build/stock or build/debug, from a copy of the sources, so that the
# builds for several kernels do not undo one another.  Prints the module's name.
set -eu
. "$(dirname "$0")/common.sh"

kernel=$1; shift
apt_install "${BUILD_PACKAGES[@]}" rsync
kdir=$("$VM/kernel.sh" "$kernel")
dir=$TOP/build/${RILL_BUILD:-$kernel}
mkdir -p "$dir"
exec 7>"$dir/lock"; flock 7
# What was made in the copy stays (P), what no longer exists in the sources goes.
rsync -a --delete -f 'P /lock' -f 'P *.o' -f 'P .*.cmd' -f '- *.o' -f '- *.ko' -f '- *.mod' -f '- *.mod.c' \
	-f '- .*.cmd' -f '- modules.order' -f '- Module.symvers' \
	"$TOP/Kbuild" "$TOP/module" "$TOP/uapi" "$dir/"
make -C "$kdir/build" M="$dir" "$@" modules >&2
echo "$dir/module/rill.ko"
