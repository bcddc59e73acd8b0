#!/usr/bin/env bash
# What is measured on a GPU, in stages of at most eight minutes each. Needs Python with torch; no network.
#
#   benchmarks/gpu/run.sh build           installs, and runs the tests that need a GPU
#   benchmarks/gpu/run.sh update          updates a second, and how busy the GPU is
#   benchmarks/gpu/run.sh train           learns to drive; call it again to go on
#   benchmarks/gpu/run.sh all
#   DEVICE=cpu SMOKE=1 benchmarks/gpu/run.sh all      the same in two minutes at tiny sizes, to see that it runs;
#                                     installs nothing
#
# OUT     results (docs/results/gpu): summary.json and what it speaks of. A stage that is done there is skipped.
# WORK    the run folder with its replay (runs/gpu), which training goes on from.
# PYTHON  python3. Packages that it lacks are taken from wheels/, where there is such a folder.
# COMMIT  what is measured, where there is no git to ask.
set -euo pipefail
cd "$(dirname "$0")/../.."

PYTHON=${PYTHON:-python3}
DEVICE=${DEVICE:-cuda}
OUT=${OUT:-docs/results/gpu}
WORK=${WORK:-runs/gpu}
SECONDS_A_STAGE=480

install() {
  local sources=(--no-build-isolation)
  if [[ -d wheels ]]; then sources+=(--no-index --find-links wheels); fi
  "$PYTHON" -m pip install --quiet "${sources[@]}" --editable ".[train]" hypothesis pytest py-cpuinfo stable-baselines3
}

holds() { "$PYTHON" -c "$1" 2>/dev/null; }

# Nothing is installed on a machine that cannot measure anyway.
if [[ $DEVICE == cuda ]] && ! holds 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  echo "$PYTHON has no torch that sees a GPU; to try the stages without one: DEVICE=cpu SMOKE=1 $0 all" >&2
  exit 2
fi

stage() {
  if [[ $DEVICE == cuda ]] && { [[ $1 == build ]] || ! holds 'import apexline._core'; }; then install || return 1; fi
  timeout --signal=INT --kill-after=30 "$SECONDS_A_STAGE" \
    "$PYTHON" -m benchmarks.gpu.stages "$1" --device "$DEVICE" --out "$OUT" --work "$WORK" ${SMOKE:+--smoke}
}

case ${1:-} in
  build | update | train) stage "$1" ;;
  all)
    failed=()
    for name in build update train; do stage "$name" || failed+=("$name"); done
    if ((${#failed[@]})); then
      echo "failed: ${failed[*]}" >&2
      exit 1
    fi
    ;;
  *)
    sed -n '2,15s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
