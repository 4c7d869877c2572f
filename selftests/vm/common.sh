# shellcheck shell=bash
# Sourced by the scripts of this directory: where things are, how they are said,
# and how Debian packages are had.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
VM=$TOP/selftests/vm
. "$VM/packages.sh"
# What is downloaded or takes minutes to build outlives the clone: kernels, the
# kselftest framework, packages for the guest.  Safe to delete at any time.
CACHE=${RILL_CACHE:-${XDG_CACHE_HOME:-${HOME:-$TOP/build}/.cache}/rill}
mkdir -p "$CACHE" "$TOP/build" 2>/dev/null || { echo "rill: cannot write to $CACHE and $TOP/build" >&2; exit 125; }

say() { printf 'rill: %s\n' "$*" >&2; }
die() { say "$*"; exit 125; }

# The package mirrors of a long-lived machine image may be past their date.
APT=(apt-get -q -o Acquire::Check-Valid-Until=false -o DPkg::Lock::Timeout=300)

need_debian() {
	local ID='' VERSION_ID=''
	# shellcheck source=/dev/null
	[ ! -r /etc/os-release ] || . /etc/os-release
	[ "$ID:$VERSION_ID" = debian:12 ] || die "this needs Debian 12 (found ${ID:-unknown} ${VERSION_ID:-})"
	[ "$(dpkg --print-architecture)" = amd64 ] || die "this needs an amd64 machine"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"
	elif command -v sudo >/dev/null; then sudo "$@"
	else die "root or sudo is needed for: $*"
	fi
}

# Package lists of today: with old ones apt asks for files that the mirror has
# replaced.  Without root or network the lists that are there have to do.
fresh_lists() {
	[ -z "$(find "$CACHE/apt-lists" -mmin -1440 2>/dev/null)" ] || return 0
	say "fetching Debian's package lists"
	if (as_root "${APT[@]}" update) >"$CACHE/apt.log" 2>&1 </dev/null; then touch "$CACHE/apt-lists"
	else say "apt-get update failed, trying with the lists that are here: see $CACHE/apt.log"
	fi
}

# Runs a command of apt; its errors when it fails, else nothing.
quiet_apt() {
	fresh_lists
	"$@" >>"$CACHE/apt.log" 2>&1 && return
	grep -E '^(E|W):' "$CACHE/apt.log" | tail -3 >&2
	return 1
}

need_space() {	# DIRECTORY MEBIBYTES
	local free
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] || die "$1 needs $2 MiB of free disk, $free are left"
}

installed() { [ "$(dpkg-query -Wf '${db:Status-Abbrev}' "$1" 2>/dev/null)" = 'ii ' ]; }

# Installs what is missing of the named packages on this machine.
apt_install() {
	local p missing=()
	for p in "$@"; do installed "$p" || missing+=("$p"); done
	[ ${#missing[@]} -gt 0 ] || return 0
	need_debian
	say "installing ${missing[*]}"
	need_space /var 1500
	quiet_apt as_root env DEBIAN_FRONTEND=noninteractive "${APT[@]}" install -y \
		--no-install-recommends "${missing[@]}" </dev/null ||
		die "apt could not install ${missing[*]}: see $CACHE/apt.log"
}

# apt_fetch DIR PACKAGE...: downloads into DIR what this machine lacks to run
# the packages, their dependencies included, and installs nothing.
apt_fetch() {
	local dir=$1; shift
	need_debian
	mkdir -p "$dir/partial"
	quiet_apt "${APT[@]}" -o Debug::NoLocking=1 -o Dir::Cache::archives="$dir" \
		-y --no-install-recommends --download-only install "$@" </dev/null ||
		die "apt could not download $*: see $CACHE/apt.log"
}

# unpack DIR DEB...: as dpkg would on a merged-/usr system, so that no real
# /bin or /lib hides the guest's links when DIR becomes a layer of its root.
unpack() {
	local dir=$1 deb l; shift
	mkdir -p "$dir/usr"
	for l in bin sbin lib lib64; do mkdir -p "$dir/usr/$l"; ln -sfn "usr/$l" "$dir/$l"; done
	for deb in "$@"; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x --no-same-owner --keep-directory-symlink -C "$dir"
	done
	rm -f "$dir"/{bin,sbin,lib,lib64}
}

# One builder at a time in the cache; others wait and then find the result.
cache_lock() {
	exec 9>"$CACHE/$1.lock"
	flock -n 9 || { say "waiting for another run that prepares $1"; flock 9; }
}
