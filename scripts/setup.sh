#!/usr/bin/env bash
# Make a virtual environment in $1 and put the locked packages and Deploybook itself into it.
# Compiles both ahead, so that every start is quick even where Python may not write bytecode.
# Uses uv where it is there, else venv with pip; on Debian, adds the venv package where it is missing.
set -euo pipefail
venv=${1:-.venv}
python=${PYTHON:-python3}
cd "$(dirname "$0")/.."

if command -v uv >/dev/null; then
    [ -x "$venv/bin/python" ] || uv venv --quiet --python "$python" "$venv"
    uv pip install --quiet --compile-bytecode --python "$venv/bin/python" -r requirements.lock
    uv pip install --quiet --compile-bytecode --python "$venv/bin/python" --no-deps --editable .
    "$venv/bin/python" -m compileall -q generator
    exit 0
fi
if [ ! -x "$venv/bin/pip" ]; then
    rm -rf "$venv"
    if ! "$python" -m venv "$venv" 2>/dev/null; then
        scripts/need.sh python3-venv
        rm -rf "$venv"
        "$python" -m venv "$venv"
    fi
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.lock
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --editable .
"$venv/bin/python" -m compileall -q generator
