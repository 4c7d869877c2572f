# shellcheck shell=bash disable=SC2034
# Debian packages, by what they are for.  GUEST's are unpacked into a layer of
# the guest's root and never installed here, so that no daemon starts.

# make: the module and the tools
BUILD_PACKAGES=(gcc make libc6-dev linux-libc-dev kmod)
# make demo, make shell: boot a guest
VM_PACKAGES=(qemu-system-x86 kmod xz-utils)
# make check: the debug kernel, the tests and the checkers
CHECK_PACKAGES=(bc bison flex libelf-dev libssl-dev rsync perl python3 g++ clang
	gcc-multilib sparse spin linux-source-6.1)
# in the guest: what the demo and the tests run
GUEST_PACKAGES=(redis-server redis-tools nginx-light curl iproute2 ethtool nftables
	procps python3 iputils-ping tcpdump socat iperf3 openssh-server openssh-client rsync caddy hey)
# in the guest's initramfs
INITRAMFS_PACKAGES=(busybox-static)
