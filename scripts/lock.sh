#!/bin/sh
# Write requirements.txt (what the Function needs) and requirements-dev.txt (everything), pinned and hashed for every
# supported Python by markers. Needs `uv` on the PATH (`pip install uv`). `make lock` runs this.
set -eu
cd "$(dirname "$0")/.."
compile() {
  output=$1
  title=$2
  shift 2
  printf '# %s Written by `make lock` from pyproject.toml.\n' "$title" > "$output.new"
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links "$@" pyproject.toml >> "$output.new"
  mv "$output.new" "$output"
}
compile requirements.txt "What the Function needs."
compile requirements-dev.txt "Everything: the Function, the command line, the tests." --extra local --group dev
