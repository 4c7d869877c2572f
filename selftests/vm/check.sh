#!/bin/bash
# check.sh - `make check`: everything that proves Rill.  Each part's output is in
# build/log; the last line sums the parts up, the exit status is 1 when one failed.
set -u
. "$(dirname "$0")/common.sh"
cd "$TOP" || exit
mkdir -p build/log
passed=0 failed=0 skipped=0 start=$SECONDS

# part NAME LOG COMMAND...: a part that ends with "N passed, N failed[, N skipped]"
# counts by those numbers, any other as one.
part() {
	local name=$1 log=build/log/$2.log t=$SECONDS rc=0 p=0 f=0 s=0 sum; shift 2
	printf '== %s\n' "$name"
	"$@" 2>&1 </dev/null | tee "$log" | grep --line-buffered -E '^(ok|not ok) |^rill: ' | sed -u 's/^/   /'
	rc=${PIPESTATUS[0]}
	sum=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -1)
	if [ -n "$sum" ]; then
		read -r p _ f _ s _ <<< "$sum"
		s=${s:-0}
		[ "$rc" = 0 ] || [ "$f" -gt 0 ] || f=1
		[ $((p + f)) -gt 0 ] || { f=1; echo "   nothing was tested"; }
	elif [ "$rc" = 0 ]; then p=1
	else f=1
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	if [ "$f" -gt 0 ]; then
		grep -E '^(failed: |not ok )' "$log" | head -40
		printf '   %s, the end of its output:\n' "$log"
		tail -30 "$log" | sed 's/^/   | /'
	fi
	printf '   %s: %d passed, %d failed, %d skipped, %d s\n' "$name" "$p" "$f" "$s" $((SECONDS - t))
}

# The counted parts must bring their own numbers: a part that never ran is no pass.
counted() {
	local out=$1; shift
	"$@" | tee "$out" || return
	grep -qE '^[0-9]+ passed, [0-9]+ failed' "$out" || { echo "no line 'N passed, N failed' from: $*"; return 1; }
}

"$VM/deps.sh" check || { echo "0 passed, 1 failed, 0 skipped"; exit 1; }
# The debug kernel takes longer than all the rest.  Its tests are cut into parts that
# two workers take in turn: one from the start, on the second core, in a process group
# that dies with us; and this one when all else is done.
DEBUG_PARTS=6
debug_parts() {
	local i
	for i in $(seq $DEBUG_PARTS); do
		mkdir "build/log/debug-part-$i" 2>/dev/null || continue
		"$VM/kselftest.sh" -k debug -p "$i/$DEBUG_PARTS" > "build/log/debug-part-$i/log" 2>&1
	done
}
debug_worker() { nice "$VM/kernel.sh" debug && debug_parts; }
debug_sum() {	# what is left of it, and what became of all
	local i line p f s passed=0 failed=0 skipped=0
	debug_parts
	tail --pid=$debug -f /dev/null
	for i in $(seq $DEBUG_PARTS); do
		cat "build/log/debug-part-$i/log"
		line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "build/log/debug-part-$i/log" | tail -1)
		[ -n "$line" ] || { echo "failed: part $i ended without a count"; line='0 passed, 1 failed, 0'; }
		read -r p _ f _ s _ <<< "$line"
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ $failed = 0 ]
}
rm -rf build/log/debug-part-*
set -m
debug_worker >build/log/debug-kernel.log 2>&1 </dev/null &
debug=$!
set +m
trap 'kill -- -$debug 2>/dev/null' EXIT

part 'build, install, uninstall' install "$VM/install-test.sh"
part 'lint' lint "$VM/lint.sh"
part 'engine: unit tests' unit counted build/log/unit.sum make --no-print-directory unit
part 'engine: RFC 9293, requirement by requirement' conformance "$VM/conformance.sh"
part 'engine: models' model counted build/log/model.sum make --no-print-directory model
part 'engine: simulator' sim counted build/log/sim.sum make --no-print-directory sim
part 'engine: fuzzing' fuzz counted build/log/fuzz.sum make --no-print-directory fuzz
part 'demo' demo "$VM/demo-run.sh"
part 'kselftests, stock kernel' kselftests-stock "$VM/kselftest.sh" -k stock
part 'kselftests, debug kernel' kselftests-debug debug_sum

say "make check took $(((SECONDS - start) / 60)) min $(((SECONDS - start) % 60)) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
