#!/usr/bin/env bash
# Resolve pyproject.toml anew into requirements.lock: exact versions for every supported Python with the hashes of
# their files, no addresses. A package that the index no longer serves as it was when it was locked is not installed.
set -euo pipefail
cd "$(dirname "$0")/.."
uv pip compile pyproject.toml --all-extras --group dev --upgrade --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet --output-file requirements.lock
