#!/bin/sh
# Install what the tests run in Node (Azurite, Microsoft's KQL parser) as tests/node/package-lock.json pins it. Quick when
# nothing changed. Without Node the tests that need it are skipped and say so.
set -eu
cd "$(dirname "$0")/../tests/node"
if ! command -v npm >/dev/null 2>&1; then
  echo "no npm here: tests that need Node will be skipped"
  exit 0
fi
pinned=$(cksum <package-lock.json)
[ "$(cat node_modules/.pinned 2>/dev/null)" = "$pinned" ] && exit 0
echo "installing the tests' Node packages (half a minute, once)"
npm ci --ignore-scripts --no-audit --no-fund --silent
printf '%s\n' "$pinned" >node_modules/.pinned
