#!/bin/bash
# lint.sh - what can be said of the sources without running them, each check one
# line "ok" or "not ok"; ends with "N passed, N failed".
set -u
. "$(dirname "$0")/common.sh"
cd "$TOP" || exit
apt_install "${BUILD_PACKAGES[@]}" rsync sparse shellcheck g++ man-db

passed=0 failed=0
check() {	# NAME COMMAND...: a check passes with status 0 and no output
	local name=$1 out rc=0; shift
	out=$("$@" 2>&1) || rc=$?
	if [ $rc = 0 ] && [ -z "$out" ]; then
		passed=$((passed + 1)); echo "ok $name"
	else
		failed=$((failed + 1)); echo "not ok $name"; printf '%s\n' "${out:-exit status $rc}" | head -60
	fi
}

# The whole module anew; what gcc, sparse and modpost say of it.  The kernel's
# own headers are not ours to mend, so only lines about our files count.
warnings() {
	local log=$TOP/build/log/$1.log rc=0
	mkdir -p "$TOP/build/log"
	rm -rf "$TOP/build/$1"
	RILL_BUILD=$1 "$VM/module.sh" stock "${@:2}" >"$log" 2>&1 || rc=$?
	grep -E "(build/$1/(module|uapi)/.*|modpost: .*|^)(warning|error|WARNING|ERROR):" "$log"
	return $rc
}

header() {
	local lang
	for lang in c++ 'c -std=c90 -pedantic'; do
		# shellcheck disable=SC2086
		gcc -Wall -Wextra -Werror -fsyntax-only -Iuapi -x $lang - <<< '#include <linux/rill.h>' || return
	done
}

versions() { grep -rnE 'LINUX_VERSION_CODE|KERNEL_VERSION *\(' module --include='*.[ch]' | grep -v '^module/compat-include/'; true; }
scripts() { find .ci/run selftests \( -path .ci/run -o -name '*.sh' \) -print0 | xargs -0 shellcheck -x; }

manual() {
	local page said
	for page in tools/*.[1-9]; do
		said=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null) || return
		[ -z "$said" ] || { echo "$said"; return 1; }
	done
}

# Items of DIFFERENCES in rill(7), and those the tests name: the same.
differences() {
	diff <(sed -n '/^\.SH DIFFERENCES/,/^\.SH NOTES/s/^\.IP " *\([0-9]*\)\.".*/\1/p' tools/rill.7 | sort -u) \
	     <(grep -ohE 'differs\([^,]*, [0-9]+\)|\bitem [0-9]+' selftests/*.[ch] selftests/*.sh |
	       grep -oE '[0-9]+' | sort -u)
}

check 'the module builds in silence under W=1' warnings lint-w1 W=1
check 'sparse is silent' warnings lint-sparse C=1
check '<linux/rill.h> stands alone in C90 and C++' header
check 'kernel versions are compared in compat-include/ only' versions
check 'shellcheck is silent' scripts
check 'module/CONFORMANCE.md names tests that exist' "$VM/conformance.sh" -q
check 'the manual pages are silent under man --warnings' manual
check 'each difference in rill(7) has its test, each tested is there' differences
echo "$passed passed, $failed failed"
[ $failed = 0 ]
