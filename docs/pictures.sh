#!/usr/bin/env bash
# The pictures of README.md and docs/gallery.md into the folder OUT; those of
# docs/validation.md and docs/performance.md come from their own commands. Named
# ones alone: docs/pictures.sh life rollout.
set -euo pipefail
cd "$(dirname "$0")/.."

GO="${GO:-go}"
OUT="${OUT:-docs/images}"
mkdir -p bin "$OUT"
"$GO" build -trimpath -o bin/probesim ./cmd/probesim

# draw NAME ARGUMENTS...: a chart without the data beside it, if it was named.
wanted=" ${*:-life front cascade rollout} "
draw() {
	case "$wanted" in *" $1 "*) ;; *) return ;; esac
	bin/probesim plot "${@:2}" -o "$OUT/$1.svg"
	rm "$OUT/$1.csv"
}

draw life gallery:ingress-controller
draw front gallery:ingress-controller --chart front --replications 4
draw cascade gallery:slow-queries --chart cascade --replications 16
draw rollout gallery:rollout-deadline --chart rollout
