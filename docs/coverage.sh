#!/usr/bin/env bash
# Writes the table of the coverage study (S10), sim/estimate/testdata/coverage.txt,
# and puts it into docs/validation.md. Run by make coverage.
set -euo pipefail
cd "$(dirname "$0")/.."

table=sim/estimate/testdata/coverage.txt
mkdir -p "$(dirname "$table")"
study() { # PACKAGE TEST
	"${GO:-go}" test "$1" -count=1 -timeout 0 -v -run "^$2\$" -args -seeds "${SEEDS:-2000}" |
		sed -n 's/^ *[a-z_]*_test\.go:[0-9]*: //p'
}
{
	study ./sim/estimate TestCoverage
	echo
	study ./sim/stats TestCoverageOfFewEvents
	echo
} >"$table.new"
echo "The code is that of commit $(git rev-parse --short HEAD)." >>"$table.new"
mv "$table.new" "$table"
awk -v table="$table" '
	/^## / { inside = ($0 == "## Coverage of the intervals") }
	!inside || !fenced { print }
	inside && /^```/ {
		if (fenced) { print; fenced = 0 }
		else { while ((getline line < table) > 0) print line; fenced = 1 }
	}
' docs/validation.md >docs/validation.md.new
mv docs/validation.md.new docs/validation.md
