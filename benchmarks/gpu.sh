#!/usr/bin/env bash
# What is measured on a GPU, in stages of at most eight minutes each. Needs Python with torch; no network.
#
#   benchmarks/gpu.sh build           installs, and runs the tests that need a GPU
#   benchmarks/gpu.sh update          updates a second, and how busy the GPU is
#   benchmarks/gpu.sh train           learns to drive; call it again to go on
#   benchmarks/gpu.sh all
#   DEVICE=cpu SMOKE=1 benchmarks/gpu.sh all      the same in two minutes at tiny sizes, to see that it runs
#
# OUT     results (docs/results/gpu): summary.json and what it speaks of. A stage that is done there is skipped.
# WORK    the run folder with its replay (runs/gpu), which training goes on from.
# PYTHON  python3. Packages that it lacks are taken from wheels/, where there is such a folder.
# COMMIT  what is measured, where there is no git to ask.
set -euo pipefail
cd "$(dirname "$0")/.."

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

is_installed() { "$PYTHON" -c 'import apexline._core' 2>/dev/null; }

stage() {
  if [[ $1 == build && -z ${SMOKE:-} ]] || ! is_installed; then install || return 1; fi
  timeout --signal=INT --kill-after=30 "$SECONDS_A_STAGE" \
    "$PYTHON" benchmarks/gpu.py "$1" --device "$DEVICE" --out "$OUT" --work "$WORK" ${SMOKE:+--smoke}
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
    sed -n '2,14s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
