#!/bin/sh
# Write requirements.txt (what the Function needs) and requirements-dev.txt (everything, at the same versions), pinned
# and hashed for every supported Python by markers. Pins are kept unless `--upgrade` is given. `make lock` runs this and
# has `uv` on the path.
set -eu
cd "$(dirname "$0")/.."
upgrade=${1:-}
compile() {
  output=$1
  title=$2
  shift 2
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links $upgrade "$@" --output-file "$output" pyproject.toml >/dev/null
  { echo "# $title Written by \`make lock\` from pyproject.toml." && cat "$output"; } >"$output.new"
  mv "$output.new" "$output"
}
compile requirements.txt "What the Function needs."
compile requirements-dev.txt "Everything: the Function, the command line, the tests." \
  --extra local --group dev --constraints requirements.txt
