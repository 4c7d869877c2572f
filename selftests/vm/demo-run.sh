#!/bin/bash
# demo-run.sh - `make demo`: installs what it needs, builds, and runs demo.sh in
# the guest.
set -eu
. "$(dirname "$0")/common.sh"

say "1/4 what this machine lacks"
"$VM/deps.sh"
"$VM/kernel.sh" stock >/dev/null
"$VM/layer.sh" >/dev/null
say "2/4 building the module for Debian's kernel $(cat "$("$VM/kernel.sh" stock)/kver"), and the tools"
mkdir -p "$TOP/build/log"
log=$TOP/build/log/demo-build.log
{ "$VM/module.sh" stock && make -C "$TOP/tools"; } >"$log" 2>&1 || { tail -20 "$log" >&2; die "the build failed: $log"; }
say "3/4 booting the guest"
"$VM/run.sh" -t 420 -o "$TOP/build/guest-demo" -- "exec bash $VM/demo.sh"
say "4/4 the guest's kernel log is clean, and nothing of Rill stayed behind"
