#!/bin/sh
# Print the Python to build the environment with: $PYTHON if set, else the best of 3.13, 3.12, 3.11 on this machine,
# pyenv's among them. A pyenv shim that only says "command not found" is no Python, so each candidate is run.
set -u
if [ -n "${PYTHON:-}" ]; then
  candidates=$PYTHON
else
  roots="${PYENV_ROOT:-} ${HOME:-}/.pyenv"
  pyenv=$(command -v pyenv 2>/dev/null || true)
  [ -n "$pyenv" ] && roots="$roots $(dirname "$(dirname "$pyenv")")"
  candidates=""
  for version in 3.13 3.12 3.11; do
    candidates="$candidates python$version"
    for root in $roots; do
      for found in "$root"/versions/$version.*/bin/python; do
        [ -x "$found" ] && candidates="$candidates $found"
      done
    done
  done
  candidates="$candidates python3 python"
fi
check='import sys, venv; print(sys.executable if (3, 11) <= sys.version_info[:2] <= (3, 13) else "")'
for candidate in $candidates; do
  found=$("$candidate" -c "$check" 2>/dev/null) || continue
  [ -n "$found" ] && { echo "$found"; exit 0; }
done
echo "no Python 3.11 to 3.13 with venv found; install one, or name it: make PYTHON=/path/to/python" >&2
exit 1
