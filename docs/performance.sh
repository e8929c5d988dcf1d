#!/usr/bin/env bash
# Writes the last section of docs/performance.md: what the CPU model costs, from
# its benchmarks, beside the bars it has to keep. Run by make performance.
set -euo pipefail
cd "$(dirname "$0")/.."

results=$("${GO:-go}" test -run '^$' -bench 'IdleProbe|IdleGap|LoadedSecond|StarvedProbe|Start' -benchmem -benchtime 2ms -count 60 ./model/cpu)

# least NAME UNIT: the least of the runs of a benchmark, as other work on the
# machine only adds to it.
least() {
	awk -v name="Benchmark$1" -v unit="$2" '
		{ sub(/-[0-9]+$/, "", $1) }
		$1 == name {
			for (i = 3; i < NF; i += 2)
				if ($(i + 1) == unit && (!seen || $i < least)) { least = $i; seen = 1 }
		}
		END { if (!seen) exit 1; print least }' <<<"$results"
}

# row WHAT NAME BAR: one line of the table; BAR in ns, or – for none.
row() {
	local ns allocations
	ns=$(least "$2" ns/op)
	allocations=$(least "$2" allocs/op)
	awk -v what="$1" -v name="$2" -v ns="$ns" -v bar="$3" -v allocations="$allocations" '
		function time(x) { return x < 1000 ? sprintf("%.0f ns", x) : x < 1e6 ? sprintf("%.1f µs", x / 1000) : sprintf("%.2f ms", x / 1e6) }
		BEGIN {
			kept = bar == "–" ? "–" : (ns <= bar ? "at most " time(bar) : "MISSED: at most " time(bar))
			printf "| %s | `%s` | %s | %s | %d |\n", what, name, time(ns), kept, allocations
		}'
}

{
	sed '/^## The CPU model$/,$d' docs/performance.md
	cat <<-'TEXT'
		## The CPU model

		Made by `make performance`: the least of sixty short runs of each benchmark of `model/cpu`,
		on one core. No test depends on these times; that nothing is allocated for an
		answer is a test (`TestAllocations`).

		| what | benchmark | time | bar | allocations |
		|---|---|---|---|---|
	TEXT
	row 'probe answered by an idle container, no limit' IdleProbe/unlimited 300
	row 'the same at 100m, never throttled, with interruptions' IdleProbe/unthrottled 300
	row 'the same after a gap of 1 s' IdleGap/1s 300
	row 'the same after a gap of 1 min' IdleGap/1m0s 300
	row 'the same after a gap of 1 h' IdleGap/1h0m0s 300
	row 'probe of 5 ms at 20m, throttled on most phases' IdleProbe/20m-5ms 300
	row 'probe of 20 ms at 20m, about ten refills' StarvedProbe/own –
	row 'the same within the quota of its pod' StarvedProbe/nested –
	row 'second of a container at 100m, jobs of 2 ms, 20 % of the quota' LoadedSecond/20%-1cpu 15000
	row 'the same, 40 %' LoadedSecond/40%-1cpu 15000
	row 'the same, 80 %' LoadedSecond/80%-1cpu 15000
	row 'the same, 120 %: always throttled' LoadedSecond/120%-1cpu 15000
	row 'the same, 80 % on 4 CPUs by 4 threads' LoadedSecond/80%-4cpu 15000
	row 'start of 9 CPU-seconds at 200m, about 45 s' Start –
	cat <<-'TEXT'

		An idle container costs the same whatever the time between two probes: nothing
		happens for periods that no probe sees. A loaded one costs in proportion to its jobs
		(C31): about as much for each job as for a probe, plus the refills that its threads
		wait for.
	TEXT
	printf '\nProcessor: %s\n' "$(sed -n 's/^cpu: //p' <<<"$results" | head -1)"
} >docs/performance.md.new
mv docs/performance.md.new docs/performance.md
