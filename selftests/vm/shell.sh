#!/bin/bash
# shell.sh [-k stock|debug] - a prompt in the guest, with the module loaded.
set -eu
. "$(dirname "$0")/common.sh"

kernel=stock
while getopts k: opt; do case $opt in k) kernel=$OPTARG;; *) exit 2;; esac; done
"$VM/deps.sh"
ko=$("$VM/module.sh" "$kernel")
make -s -C "$TOP/tools" >&2
say "$ko, guest kernel $kernel; leave with exit"
status=0
"$VM/run.sh" -k "$kernel" -i -- ". $VM/guest.sh; rill_load; exec bash -i" || status=$?
# The last command typed is nobody's business; what run.sh found wrong is.
[ $status -lt 98 ] || exit $status
