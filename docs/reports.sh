#!/usr/bin/env bash
# The page of every shipped scenario, or of those named: its size, the CPU time
# that it took and the answer, as the table in docs/gallery.md. A page of 2 MB or
# more is a failure. The pages are left in the folder OUT.
set -euo pipefail
cd "$(dirname "$0")/.."

GO="${GO:-go}"
OUT="${OUT:-reports-out}"
most=2000000
mkdir -p bin "$OUT"
"$GO" build -trimpath -o bin/probesim ./cmd/probesim

names=("$@")
[ ${#names[@]} -gt 0 ] || mapfile -t names < <(bin/probesim scenarios | sed -n 's/^gallery://p')

failed=0
TIMEFORMAT='%U'
echo '| scenario | size, kB | CPU, s | answer |'
echo '|---|---|---|---|'
for name in "${names[@]}"; do
	page="$OUT/$name.html"
	rm -f "$page"
	{ time { bin/probesim report "gallery:$name" -o "$page" >"$OUT/$name.txt" 2>"$OUT/$name.err" || true; } 2>/dev/null; } 2>"$OUT/$name.time"
	size=$(stat -c %s "$page" 2>/dev/null || echo 0)
	printf '| `%s` | %d | %.0f | %s |\n' "$name" $((size / 1000)) "$(cat "$OUT/$name.time")" "$(head -1 "$OUT/$name.txt")"
	if [ "$size" -eq 0 ] || [ "$size" -ge "$most" ]; then
		echo "docs/reports.sh: $page has $size bytes, must have some and fewer than $most" >&2
		failed=1
	fi
done
exit "$failed"
