# Reads what run_kselftest.sh prints and ends with "N passed, N failed, N skipped".
# A program that prints TAP of its own counts by its cases, any other as one.
# 6.1's runner exits 0 whatever happened, so everything is decided here: a case
# or program that is not ok, a plan that was not met, a run without a plan.
# Lists the failures on "failed: " lines, after a line for each program with the
# seconds that kselftest.sh notes behind its end.
function fail(what) { failed++; print "failed: " what }

/^1\.\.[0-9]+/ { plan = substr($1, 4); planned = 1; next }

# Cases: the runner puts "# " before everything a program prints.  The plan may
# come first or last; a plan of none is a program that skips itself.
/^# 1\.\.0/ { next }
/^# 1\.\.[0-9]+/ { inner_plan = substr($2, 4); inner = 1; next }
/^# ok [0-9]+.*# *SKIP/ { seen++; inner_skipped++; next }
/^# ok [0-9]+/ { seen++; inner_passed++; next }
/^# not ok [0-9]+/ { seen++; bad[++nbad] = substr($0, 3); next }

/^(ok|not ok) [0-9]+ selftests: / {
	programs++
	name = $0; sub(/^(not )?ok [0-9]+ selftests: /, "", name)
	passed += inner_passed; skipped += inner_skipped
	whole = name; sub(/ #.*/, "", name)
	sum = name ": " inner_passed + 0 " passed, " nbad + 0 " failed, " inner_skipped + 0 " skipped"
	for (i = 1; i <= nbad; i++) fail(name ": " bad[i])
	if (/^not ok/ && !nbad) fail(whole)
	else if (inner && seen != inner_plan) fail(name ": " seen " of " inner_plan " cases reported")
	else if (/# SKIP/ && !inner) skipped++
	else if (!inner) passed++
	inner = inner_plan = inner_passed = inner_skipped = nbad = seen = 0
	next
}

/^# took [0-9]+ s$/ { print sum ", " $3 " s"; next }

END {
	if (!planned || plan == 0) fail("no test was run")
	else if (programs != plan) fail(programs + 0 " of " plan " test programs reported: the run was cut short")
	printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
	exit failed != 0
}
