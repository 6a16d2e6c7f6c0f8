#!/usr/bin/env bash
# Resolve pyproject.toml anew into requirements.lock: exact versions for every supported Python, no addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
uv pip compile pyproject.toml --all-extras --group dev --upgrade --universal --python-version 3.11 \
    --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock
