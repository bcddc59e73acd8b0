#!/usr/bin/env bash
# GPU benchmark in stages of at most eight minutes each. Needs Python with torch; no network.
#
#   benchmarks/gpu/run.sh build       installs the package and runs the GPU tests
#   benchmarks/gpu/run.sh update      measures updates per second and GPU utilization
#   benchmarks/gpu/run.sh train       trains; resumes when called again
#   benchmarks/gpu/run.sh all         all stages
#   DEVICE=cpu SMOKE=1 benchmarks/gpu/run.sh all      smoke test on the CPU: two minutes, installs nothing
#
# OUT     folder of the results (docs/results/gpu), with summary.json. A stage that is done there is skipped.
# WORK    folder of the training run (runs/gpu), which `train` resumes.
# PYTHON  interpreter (python3). Missing packages are installed from wheels/ if that folder exists.
# COMMIT  commit hash to record if there is no git repository.
set -euo pipefail
cd "$(dirname "$0")/../.."

PYTHON=${PYTHON:-python3}
DEVICE=${DEVICE:-cuda}
OUT=${OUT:-docs/results/gpu}
WORK=${WORK:-runs/gpu}
STAGE_SECONDS=480

install() {
  local sources=(--no-build-isolation)
  if [[ -d wheels ]]; then sources+=(--no-index --find-links wheels); fi
  "$PYTHON" -m pip install --quiet "${sources[@]}" --editable ".[train]" hypothesis pytest py-cpuinfo stable-baselines3
}

runs() { "$PYTHON" -c "$1" 2>/dev/null; }

# Checked first, so that nothing is installed on a machine without a GPU.
if [[ $DEVICE == cuda ]] && ! runs 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  echo "$PYTHON has no torch with a GPU; smoke test without one: DEVICE=cpu SMOKE=1 $0 all" >&2
  exit 2
fi

stage() {
  if [[ $DEVICE == cuda ]] && { [[ $1 == build ]] || ! runs 'import apexline._core'; }; then install || return 1; fi
  timeout --signal=INT --kill-after=30 "$STAGE_SECONDS" \
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
    sed -n '2,13s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
