#!/bin/bash
# layer.sh - makes the directory with the programs that the guest has and this
# machine lacks (packages.sh), and prints its name.
set -eu
. "$(dirname "$0")/common.sh"

# busybox is wanted as a file whatever is installed; the others only if missing.
key=$(printf '%s\n' "${GUEST_PACKAGES[@]}" "${INITRAMFS_PACKAGES[@]}" | sha256sum | cut -c1-12)
dir=$CACHE/layer-$key
cache_lock layer
if [ ! -e "$dir/done" ]; then
	need_space "$CACHE" 500
	say "downloading the guest's programs"
	rm -rf "$dir" "$dir.deb"
	apt_fetch "$dir.deb" "${GUEST_PACKAGES[@]}"
	(cd "$dir.deb" && quiet_apt "${APT[@]}" download "${INITRAMFS_PACKAGES[@]}") ||
		die "apt could not download ${INITRAMFS_PACKAGES[*]}: see $CACHE/apt.log"
	unpack "$dir/root" "$dir.deb"/*.deb
	rm -rf "$dir.deb"
	touch "$dir/done"
fi
echo "$dir/root"
