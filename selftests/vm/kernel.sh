#!/bin/bash
# kernel.sh stock|debug - prepares a guest kernel in the cache and prints its
# directory, which holds
#	kver		its release
#	vmlinuz		the image to boot
#	root/		a layer of the guest's root with /lib/modules/KVER
#	build		what a module for it is built against (KDIR)
# stock is Debian's newest kernel for this release, unpacked, not installed.
# debug is built from Debian's linux-source with debug.config.
set -eu
. "$(dirname "$0")/common.sh"

# The release that linux-image-amd64 stands for today.
stock_release() { apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: linux-image-\([0-9].*-amd64\)$/\1/p'; }

stock() {
	local kver dir
	kver=$(stock_release)
	if [ -z "$kver" ] || [ ! -e "$CACHE/stock-$kver/done" ]; then
		need_debian
		fresh_lists
		kver=$(stock_release)
		[ -n "$kver" ] || die "apt knows no linux-image-amd64: no network? see $CACHE/apt.log"
	fi
	dir=$CACHE/stock-$kver
	cache_lock kernel-stock
	apt_install "linux-headers-$kver" kmod
	if [ ! -e "$dir/done" ]; then
		need_space "$CACHE" 800
		say "downloading Debian's kernel $kver"
		rm -rf "$dir"; mkdir -p "$dir/deb"
		(cd "$dir/deb" && quiet_apt "${APT[@]}" download "linux-image-$kver") ||
			die "apt could not download linux-image-$kver: see $CACHE/apt.log"
		unpack "$dir/root" "$dir"/deb/*.deb
		mv "$dir/root/boot/vmlinuz-$kver" "$dir/vmlinuz"
		rm -rf "$dir/deb" "$dir/root/boot" "$dir/root/usr/share"
		ln -s usr/lib "$dir/root/lib"		# where depmod and modprobe -d look
		/sbin/depmod -b "$dir/root" "$kver"
		rm "$dir/root/lib"
		ln -s "/lib/modules/$kver/build" "$dir/build"
		echo "$kver" > "$dir/kver"
		touch "$dir/done"
	fi
	echo "$dir"
}

debug() {
	local src key dir
	apt_install "${BUILD_PACKAGES[@]}" "${CHECK_PACKAGES[@]}"
	src=$(dpkg-query -Wf '${Version}' linux-source-6.1)
	key=$({ echo "$src"; cat "$VM/debug.config"; gcc --version; } | sha256sum | cut -c1-12)
	dir=$CACHE/debug-$key
	cache_lock kernel-debug
	if [ ! -e "$dir/done" ]; then
		need_space "$CACHE" 5000
		say "building the debug kernel ($src), about 5 minutes; log: $dir/log"
		rm -rf "$dir"; mkdir -p "$dir/build"
		build_debug "$dir" >"$dir/log" 2>&1 || { tail -20 "$dir/log" >&2; die "the debug kernel did not build: $dir/log"; }
		touch "$dir/done"
	fi
	echo "$dir"
}

build_debug() {
	local dir=$1 line
	tar -xJf /usr/src/linux-source-6.1.tar.xz -C "$dir/build" --strip-components=1
	cd "$dir/build"
	make tinyconfig
	cat "$VM/debug.config" >> .config
	make olddefconfig
	grep '^CONFIG' "$VM/debug.config" | while read -r line; do
		grep -qxF "$line" .config || { echo "olddefconfig dropped $line"; return 1; }
	done
	make -j"$(nproc)" KBUILD_BUILD_USER=rill KBUILD_BUILD_HOST=rill
	make INSTALL_MOD_PATH="$dir/root/usr" modules_install
	make -s kernelrelease > "$dir/kver"
	rm -f "$dir"/root/usr/lib/modules/*/{build,source}
	mv arch/x86/boot/bzImage "$dir/vmlinuz"
	# A module needs headers, scripts and Module.symvers, not a gigabyte of objects.
	find . \( -name '*.o' -o -name '*.a' -o -name '*.cmd' \) -not -path './scripts/*' \
		-not -path './tools/*' -delete
	rm -rf vmlinux* drivers fs sound Documentation
}

case ${1-} in
stock|debug) "$1";;
*) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2;;
esac
