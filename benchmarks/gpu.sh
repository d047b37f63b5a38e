#!/usr/bin/env bash
# All that only a GPU can show, in at most eight minutes of a modern one: are the figures those of the CPU, and how fast
# is it. No network, no data but what it makes. Writes one JSON file and one table, named after the hardware, to
# results/hardware (or --output FOLDER). With "--device cpu --tiny" it is tried without a GPU, in about two minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${PYTHON:-python}" benchmarks/gpu.py "$@"
