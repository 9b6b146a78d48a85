#!/bin/sh
# Make the environment $1 (`.venv`) with everything pinned in requirements-dev.txt, and this project in it. Quick when
# nothing changed; one that is broken or of another Python is made anew.
set -eu
cd "$(dirname "$0")/.."
environment=$1
python=$(sh scripts/python.sh)
version=$("$python" -c 'import platform; print(platform.python_version())')
echo "Python $version ($python)"
wanted="$version $(cat requirements-dev.txt pyproject.toml scripts/environment.sh | cksum)"
[ -f "$environment/made-of" ] && [ "$(cat "$environment/made-of")" = "$wanted" ] \
  && "$environment/bin/python" -c 'import token_meter' 2>/dev/null && exit 0
echo "setting up $environment (a minute or two, once)"
rm -rf "$environment"
mkdir -p "$environment"
log="$environment/setup.log"
fail() {
  tail -n 20 "$log" >&2
  echo "setting up $environment failed; the whole log is $log" >&2
  exit 1
}
"$python" -m venv "$environment" > "$log" 2>&1 || {
  echo "this Python cannot make environments; on Debian install its venv package (python3-venv)" >&2
  fail
}
pip() { "$environment/bin/python" -m pip --disable-pip-version-check install --quiet "$@" >> "$log" 2>&1 || fail; }
pip --require-hashes -r requirements-dev.txt
pip --no-deps --no-build-isolation --editable .
printf '%s\n' "$wanted" > "$environment/made-of"
