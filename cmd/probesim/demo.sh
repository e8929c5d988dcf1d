#!/usr/bin/env bash
# The main job on a published incident, as `make demo` runs it from the top of
# the checkout: what the probes do now, what to set instead, the patch, charts.
set -euo pipefail

scenario=scenarios/gallery/ingress-controller/scenario.yaml
out=demo-out
mkdir -p "$out"

# show FILE COMMAND...: runs a command, keeps all of its output in FILE, and
# prints it up to the notes. Status 1 is an answer: "no".
show() {
	local file=$1 status=0
	shift
	printf '\n$ probesim %s\n\n' "$*"
	bin/probesim "$@" >"$out/$file" || status=$?
	sed '/^Notes/,$d' "$out/$file"
	[ "$status" -le 1 ]
}

show estimates.txt run "$scenario" --replications 4
show recommendation.txt recommend "$scenario"

printf '\n$ probesim recommend %s -o patch\n\n' "$scenario"
bin/probesim recommend "$scenario" -o patch | tee "$out/patch.yaml"

show life.txt plot "$scenario" -o "$out/life.svg"
show hang.txt plot "$scenario" --hang 5m -o "$out/hang.svg"
show startup.txt plot "$scenario" --chart startup -o "$out/startup.svg"
show front.txt plot "$scenario" --chart front -o "$out/front.svg"

# The two figures of the article on probes that the advice of lint comes from (A32):
# liveness that takes longer than readiness, and a starved container that is killed.
show patient.txt plot gallery:rollout-deadline --hang 30m -o "$out/patient.svg"
show starved.txt plot gallery:starved-20m -o "$out/starved.svg"

cat <<END

Written to $out/:
  estimates.txt        the estimates in full, with notes on how each was made
  recommendation.txt   the recommendation in full
  patch.yaml           kubectl patch deployment nginx-ingress-controller -n ingress-nginx --patch-file $out/patch.yaml
  life.svg             why a healthy container was killed
  hang.svg             what happens when it really hangs
  startup.svg          the startup against the time the probes give it
  front.svg            detection time against false kills: the settings to choose from
  patient.svg          a hung pod is out of the endpoints long before it is killed: liveness takes longer
  starved.svg          a container starved of CPU is killed although it is healthy
END
