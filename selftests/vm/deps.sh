#!/bin/bash
# deps.sh [check] - installs what building needs, or what `make check` needs.
set -eu
. "$(dirname "$0")/common.sh"

apt_install "${BUILD_PACKAGES[@]}"
# Any headers do for building; the guest's own come with kernel.sh.
ls -d /lib/modules/*/build >/dev/null 2>&1 || apt_install linux-headers-amd64
[ "${1-}" != check ] || apt_install "${VM_PACKAGES[@]}" "${CHECK_PACKAGES[@]}"
