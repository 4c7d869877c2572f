#!/bin/bash
# coverage.sh [-q] - how much of module/core the unit tests, the scenarios and the
# simulator (SEEDS seeds from SEED on) execute: lines and MC/DC for each file, then
# every line that nothing executed.  -q: without that list.  Fails below LINES
# percent of the lines.  The profile stays in build/coverage, for llvm-cov-19 show.
set -eu
. "$(dirname "$0")/../vm/common.sh"
cd "$TOP"
apt_install "${BUILD_PACKAGES[@]}" clang-19 llvm-19

OUT=$TOP/build/coverage
SHIM=selftests/unit/shim
SEED=${SEED:-1} SEEDS=${SEEDS:-2000} LINES=${LINES:-100}
FLAGS=(-std=gnu11 -O1 -g -w -fprofile-instr-generate -fcoverage-mapping -fcoverage-mcdc
	-I"$SHIM" -Imodule/core -Iselftests/unit -I"$OUT")
programs=()

# program NAME SOURCE...: the sources alone, linked with the one build of the engine.
program() {
	local name=$1; shift
	clang-19 "${FLAGS[@]}" -o "$OUT/$name" "$@" "$OUT"/core/*.o -lm
	programs+=("$OUT/$name")
}

run() {		# NAME ARGUMENT...: what it says goes to its log
	local name=$1; shift
	LLVM_PROFILE_FILE=$OUT/$name.profraw "$OUT/$name" "$@" >"$OUT/$name.log" 2>&1 || {
		tail -5 "$OUT/$name.log"
		die "$name failed: build/coverage/$name.log"
	}
}

mkdir -p "$OUT/core"
rm -f "$OUT"/*.profraw "$OUT"/core/*
for c in module/core/*.c "$SHIM/siphash.c"; do
	clang-19 "${FLAGS[@]}" -c -o "$OUT/core/$(basename "$c" .c).o" "$c"
done
for t in selftests/unit/test_*.c; do
	name=$(basename "$t" .c)
	program "$name" "$t" selftests/unit/runner.c selftests/unit/duo.c
	run "$name"
done
make -s -C selftests/scen "$TOP/build/scen/mib_names.h" OUT="$TOP/build/scen" >/dev/null
FLAGS+=(-I"$TOP/build/scen")
program scen selftests/scen/*.c selftests/unit/duo.c
run scen selftests/scen/*/*.scen
program sim selftests/sim/*.c
run sim --seed "$SEED" --seeds "$SEEDS"

llvm-profdata-19 merge -o "$OUT/all.profdata" "$OUT"/*.profraw
objects=("${programs[0]}" "${programs[@]:1}")
for i in "${!objects[@]}"; do [ "$i" = 0 ] || objects[i]=-object=${objects[i]}; done
llvm-cov-19 export -summary-only -instr-profile="$OUT/all.profdata" "${objects[@]}" \
	-sources module/core/* >"$OUT/summary.json"
[ "${1-}" = -q ] || llvm-cov-19 show -instr-profile="$OUT/all.profdata" "${objects[@]}" \
	-sources module/core/*.[ch] 2>/dev/null >"$OUT/show.txt"
exec python3 selftests/coverage/table.py "$OUT/summary.json" "$LINES" \
	"$([ "${1-}" = -q ] || echo "$OUT/show.txt")"
