#!/usr/bin/env bash
# Writes the tables of docs/performance.md, each between its marks, from the
# benchmarks of make bench, and the picture of the growth. Run by make performance
# (probes, growth and cpu) and make splitting (splitting).
set -euo pipefail
cd "$(dirname "$0")/.."
go=${GO:-go}
doc=docs/performance.md

# replace NAME: puts what comes on standard input between the marks of a table.
replace() {
	cat >"$doc.table"
	awk -v name="$1" -v table="$doc.table" '
		$0 == "<!-- end of " name " -->" { while ((getline line < table) > 0) print line; inside = 0 }
		!inside { print }
		$0 == "<!-- " name ": made by docs/performance.sh -->" { inside = 1; found = 1 }
		END { exit inside || !found }' "$doc" >"$doc.new"
	rm "$doc.table"
	mv "$doc.new" "$doc"
}

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

processor() { printf '\nProcessor: %s\n' "$(sed -n 's/^cpu: //p' <<<"$results" | head -1)"; }

# probe WHAT NAME BAR: one line of the table of probes. BAR is how many times as
# cheap as the event engine it has to be, negative: how many times as dear, or –.
probe() {
	awk -v what="$1" -v name="$2" -v ns="$(least "Probe/$2" cpu-ns/probe)" -v events="$events" -v drawing="$drawing" -v bar="$3" '
		function ratio(x) { return x < 20 ? sprintf("%.1f", x) : sprintf("%.0f", x) }
		BEGIN {
			against = ns == events ? "1" : ns < events ? "1/" ratio(events / ns) : ratio(ns / events) " ×"
			kept = "–"
			if (name == "events") kept = (events <= 4 * drawing ? "" : "MISSED: ") "at most 4 × a draw: " ratio(events / drawing) " ×"
			else if (bar != "–" && bar > 0) kept = (events >= bar * ns ? "" : "MISSED: ") "at most 1/" bar
			else if (bar != "–") kept = (ns >= -bar * events ? "" : "MISSED: ") "at least " (-bar) " ×"
			printf "| %s | `Probe/%s` | %s | %s | %s |\n", what, name, ns < 1 ? sprintf("%.3f", ns) : ratio(ns), against, kept
		}'
}

probes() {
	results=$("$go" test ./sim -run '^$' -bench '^BenchmarkProbe$' -benchtime 0.1s -count 12
		"$go" test ./sim -run '^$' -bench '^BenchmarkPodYears$' -benchtime 1x)
	events=$(least Probe/events cpu-ns/probe)
	drawing=$(least Probe/lognormal cpu-ns/probe)
	{
		printf '| | benchmark | CPU ns a probe | against the event engine | bar |\n|---|---|---|---|---|\n'
		probe 'drawing one lognormal' lognormal –
		probe 'the event engine' events –
		probe '`container/heap` and closures' heap_and_closures -5
		probe 'skip-ahead, failures of 1e-3 a probe' skip-ahead_at_1e-3 150
		probe 'skip-ahead, the pod above (failures of 6e-4 a probe, in runs)' skip-ahead 150
		awk -v s="$(least PodYears cpu-s/10000-pod-years)" -v probes="$(least PodYears probes)" -v ns="$(least PodYears cpu-ns/probe)" -v events="$events" 'BEGIN {
			printf "| 10,000 pod-years of the pod above, skipping ahead: %.1f thousand million probes in %.1f CPU-seconds | `PodYears` | %.3f | 1/%.0f | %sin less than 20 s |\n", probes / 1e9, s, ns, events / ns, s < 20 ? "" : "MISSED: " }'
		processor
	} | replace probes
	{
		printf '| CPU limit | event engine, CPU ns a probe | skipping ahead | |\n|---|---|---|---|\n'
		for limit in 100m 250m 1000m; do
			awk -v limit="$limit" -v events="$(least "Probe/shared_at_$limit" cpu-ns/probe)" -v skipping="$(least "Probe/shared_at_$limit,_skip-ahead" cpu-ns/probe)" 'BEGIN {
				printf "| %s | %.0f | %.0f | 1/%.1f |\n", limit, events, skipping, events / skipping }'
		done
		processor
	} | replace thinning
}

# lives WHAT LENGTH NUMBER HOW: one line of the table of growth.
lives() {
	awk -v what="$1" -v days="$2" -v number="$3" -v how="$4" -v ms="$(least "Growth/$2d/$3" cpu-ms/run)" -v kib="$(least "Growth/$2d/$3" KiB-heap)" '
		function three(x) { return x < 100 ? sprintf("%.3g", x) : grouped(x) }
		function grouped(x, s) { s = sprintf("%d", x); while (match(s, /^[0-9]+[0-9][0-9][0-9]($|,)/)) { n = index(s, ","); if (!n) n = length(s) + 1; s = substr(s, 1, n - 4) "," substr(s, n - 3) } return s }
		BEGIN { printf "| %s of %s | %s | %s | %s | %s | %.2f MiB |\n", grouped(number), what, how, grouped(days * number), grouped(ms), three(1e3 * ms / (days * number)), kib / 1024 }'
}

growth() {
	results=$(PROBESIM_GROWTH_PLOT="$PWD/docs/images/growth.svg" "$go" test ./sim/estimate -run '^$' -bench '^BenchmarkGrowth$' -benchtime 1x)
	{
		printf '| lives | simulated | pod-days | CPU ms | CPU µs a pod-day | heap in use at the end |\n|---|---|---|---|---|---|\n'
		for length in 2 20 200; do lives "$length d" "$length" 16 'event by event'; done
		for number in 160 1600; do lives '2 d' 2 "$number" 'event by event'; done
		lives '2 years' 732 16 'skipping ahead'
		lives '20 years' 7320 16 'skipping ahead'
		lives '100 years' 36600 16 'skipping ahead'
		for number in 160 1600; do lives '2 years' 732 "$number" 'skipping ahead'; done
		processor
	} | replace growth
}

# answer WHAT NAME BAR: one line of the table of the CPU model; BAR in ns, or – for
# none.
answer() {
	awk -v what="$1" -v name="$2" -v ns="$(least "$2" ns/op)" -v bar="$3" -v allocations="$(least "$2" allocs/op)" '
		function time(x) { return x < 1000 ? sprintf("%.0f ns", x) : x < 1e6 ? sprintf("%.1f µs", x / 1000) : sprintf("%.2f ms", x / 1e6) }
		BEGIN {
			kept = bar == "–" ? "–" : (ns <= bar ? "" : "MISSED: ") "at most " time(bar)
			printf "| %s | `%s` | %s | %s | %d |\n", what, name, time(ns), kept, allocations
		}'
}

cpu() {
	results=$("$go" test -run '^$' -bench 'IdleProbe|IdleGap|LoadedSecond|StarvedProbe|Start' -benchmem -benchtime 2ms -count 60 ./model/cpu)
	{
		printf '| what | benchmark | time | bar | allocations |\n|---|---|---|---|---|\n'
		answer 'probe answered by an idle container, no limit' IdleProbe/unlimited 300
		answer 'the same at 100m, never throttled, with interruptions' IdleProbe/unthrottled 300
		answer 'the same after a gap of 1 s' IdleGap/1s 300
		answer 'the same after a gap of 1 min' IdleGap/1m0s 300
		answer 'the same after a gap of 1 h' IdleGap/1h0m0s 300
		answer 'probe of 5 ms at 20m, throttled on most phases' IdleProbe/20m-5ms 300
		answer 'probe of 20 ms at 20m, about ten refills' StarvedProbe/own –
		answer 'the same within the quota of its pod' StarvedProbe/nested –
		answer 'second of a container at 100m, jobs of 2 ms, 20 % of the quota' LoadedSecond/20%-1cpu 15000
		answer 'the same, 40 %' LoadedSecond/40%-1cpu 15000
		answer 'the same, 80 %' LoadedSecond/80%-1cpu 15000
		answer 'the same, 120 %: always throttled' LoadedSecond/120%-1cpu 15000
		answer 'the same, 80 % on 4 CPUs by 4 threads' LoadedSecond/80%-4cpu 15000
		answer 'start of 9 CPU-seconds at 200m, about 45 s' Start –
		processor
	} | replace cpu
}

# splitting runs the study of splitting against the exact chain: twenty minutes of CPU for
# 200 seeds.
splitting() {
	results=$("$go" test ./sim/estimate -run '^TestSplitting$' -count=1 -timeout 0 -v -args -splitting-seeds "${SPLITTING_SEEDS:-200}" | tee /dev/stderr)
	{
		printf '| cause, kills a probe | seeds | 95 %% intervals that cover | bias (standard errors) | relative error of one | gain |\n|---|---|---|---|---|---|\n'
		sed -nE 's/^.*_test\.go:[0-9]+: ([a-z]+) [^:]*: ([^ ]+) kills per probe, ([0-9]+) seeds: covered ([0-9.]+), bias ([^ ]+) standard errors \(([^ ]+) %\), relative error of one ([^,]+), gain (.*)$/\1 \2 \3 \4 \5 \6 \7 \8/p' <<<"$results" |
			awk '{ printf "| %s, %s | %d | %.0f | %s %% (%s) | %s | %s |\n", $1, $2, $3, $3 * $4, $6, $5, $7, $8 }'
	} | replace splitting
}

for section in "$@"; do "$section"; done
