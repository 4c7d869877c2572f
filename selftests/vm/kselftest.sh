#!/bin/bash
# kselftest.sh [-k stock|debug] [-p N/M] [TEST...] - builds the kselftests, runs all of
# them, the Nth of M parts, or those named in the guest, and ends with "N passed, N
# failed, N skipped".  A complaint of the guest's kernel is a failure like any other.
# The output stays in build/log/kselftest-KERNEL.log, the guest's log in
# build/guest-KERNEL/; of a part in -KERNEL-N.
set -eu -o pipefail
. "$(dirname "$0")/common.sh"

kernel=stock part=1/1 name=
while getopts k:p: opt; do
	case $opt in
	k) kernel=$OPTARG;;
	p) part=$OPTARG name=-${OPTARG%/*};;
	*) exit 2;;
	esac
done
name=$kernel$name
shift $((OPTIND - 1))

apt_install "${BUILD_PACKAGES[@]}" rsync perl linux-source-6.1

# The framework: the kernel's own files, taken out of Debian's source package.
framework() {
	local dir
	dir=$CACHE/kselftest-$(dpkg-query -Wf '${Version}' linux-source-6.1)
	cache_lock kselftest
	if [ ! -e "$dir/done" ]; then
		say "unpacking the kselftest framework"
		rm -rf "$dir"; mkdir -p "$dir"
		tar -xJf /usr/src/linux-source-6.1.tar.xz -C "$dir" --strip-components=1 --wildcards \
			'linux-source-6.1/tools/testing/selftests/Makefile' \
			'linux-source-6.1/tools/testing/selftests/lib.mk' \
			'linux-source-6.1/tools/testing/selftests/kselftest*' \
			'linux-source-6.1/tools/testing/selftests/run_kselftest.sh' \
			'linux-source-6.1/scripts/subarch.include'
		touch "$dir/done"
	fi
	exec 9>&-
	cp -rp "$dir/." "$build/tree/"
}

build=$TOP/build/kselftest
selftests=$build/tree/tools/testing/selftests
mkdir -p "$build/tree" "$TOP/build/log"
exec 8>"$build/lock"; flock 8	# the runs of one clone share its directories
framework
ln -sfn "$TOP/selftests" "$selftests/rill"
rm -rf "$build/installed"
make -s -C "$selftests" TARGETS=rill FORCE_TARGETS=1 O="$build/objects" KSFT="$selftests" \
	KSFT_INSTALL_PATH="$build/installed" install >&2
# Its filter reads and writes byte by byte, half of the time that a case takes here.
printf '#!/bin/sh\nexec sed -u "s/^/# /"\n' > "$build/installed/kselftest/prefix.pl"
make -s -C "$TOP/tools" >&2
ko=$("$VM/module.sh" "$kernel")
[ -e "$ko" ] || die "no module at $ko"
# What the guest reads is this run's own: the next build may start meanwhile, and
# other runs may go on beside it.
run=$(mktemp -d "$build/run-$name.XXXXXX")
trap 'rm -rf "$run"' EXIT
cp -a "$build/installed/." "$run/"
cp "$ko" "$run/rill.ko"
mkdir "$run/guest"
exec 8>&-

# What TCP does is the oracle of the stock run; the debug kernel, several times
# slower, looks at Rill alone, moves less, and is spared whole programs unless one
# asks for them by name.
only=:
[ "$kernel" != debug ] || only='export RILL_ONLY=rill RILL_TEST_MB=1 RILL_TEST_QUICK=1'
[ $# = 0 ] || only=${only/ RILL_TEST_QUICK=1/}

# shellcheck disable=SC2046 # names of tests
[ $# -gt 0 ] || set -- $(sed 's/^rill://' "$run/kselftest-list.txt" |
	awk -v n="${part%/*}" -v m="${part#*/}" 'NR % m == n - 1')
run_args=
for test; do
	grep -qx "rill:$test" "$run/kselftest-list.txt" || test=$test.sh
	grep -qx "rill:$test" "$run/kselftest-list.txt" || {
		say "no test ${test%.sh}; there are: $(sed 's/^rill://' "$run/kselftest-list.txt" | tr '\n' ' ')"
		exit 2
	}
	run_args="$run_args -t rill:$test"
done

# What the runner does not say: how long each program took.
clock() {
	local line t=$SECONDS
	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in
		'# selftests: '*) t=$SECONDS;;
		'ok '*' selftests: '* | 'not ok '*' selftests: '*) echo "# took $((SECONDS - t)) s";;
		esac
	done
}

log=$TOP/build/log/kselftest-$name.log
result=$run/result
rc=0
RILL_KO=$run/rill.ko "$VM/run.sh" -k "$kernel" -t "${LIMIT:-2400}" -o "$run/guest" -- \
	". $VM/guest.sh; $only; rill_load || exit; $run/run_kselftest.sh $run_args; rill_unload" \
	| clock | tee "$run/log" || rc=$?
rm -rf "$TOP/build/guest-$name"
mv "$run/guest" "$TOP/build/guest-$name"
cp "$run/log" "$log"
awk -f "$VM/tap.awk" "$run/log" > "$result" || true
case $rc in
0) extra='';;
99) extra="the $kernel guest's kernel complained, see build/guest-$name/dmesg";;
98) extra="the module left something behind in the $kernel guest";;
124) extra="the $kernel guest died or hung";;
*) extra="the module could not be loaded or unloaded on $kernel (status $rc)";;
esac
if [ -n "$extra" ]; then
	awk -v extra="$extra" '/ passed, / { print "failed: " extra; $3++ } { print }' "$result" > "$result.new"
	mv "$result.new" "$result"
fi
cat "$result"
! grep -q '^failed: ' "$result"
