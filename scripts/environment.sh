#!/bin/sh
# Make the environment $1 (`.venv`) with everything pinned in requirements-dev.txt, and this project in it. Quick when
# nothing changed; one that is half made, moved or of another Python is made anew: what it was made of is written last.
set -eu
cd "$(dirname "$0")/.."
environment=$1
log="$environment/setup.log"
python=$(sh scripts/python.sh)
version=$("$python" -c 'import platform; print(platform.python_version())')
echo "Python $version ($python)"

fail() {
  tail -n 20 "$log" >&2
  echo "setting up $environment failed; the whole log is $log" >&2
  exit 1
}

# A folder of somebody's that is no environment stays as it is.
remove() {
  case $environment in
    .venv | .venv-*) ;;
    *)
      if [ -e "$environment" ] && [ ! -e "$environment/pyvenv.cfg" ]; then
        echo "$environment is no Python environment; it stays as it is" >&2
        exit 2
      fi
      ;;
  esac
  rm -rf "$environment"
}

# Without ensurepip (Debian's python3 alone) the interpreter's own pip installs into the environment.
make_venv() {
  without=$("$python" -c 'import ensurepip' 2>/dev/null || echo --without-pip)
  "$python" -m venv $without "$environment" >"$log" 2>&1 || fail
}

pip_install() {
  if "$environment/bin/python" -c 'import pip' 2>/dev/null; then
    "$environment/bin/python" -m pip --disable-pip-version-check install "$@" >>"$log" 2>&1 || fail
  else
    "$python" -m pip --disable-pip-version-check --python "$environment/bin/python" install "$@" >>"$log" 2>&1 || fail
  fi
}

# Whether file $1 in the environment says $2.
says() {
  [ "$(cat "$environment/$1" 2>/dev/null)" = "$2" ]
}

made_of="$version $python $(pwd) $(cksum <requirements-dev.txt)"
installed_from=$(cat pyproject.toml token_meter/version.py | cksum)

if ! says made-of "$made_of" || ! "$environment/bin/python" -c '' 2>/dev/null; then
  echo "setting up $environment (a minute or two, once)"
  remove
  mkdir -p "$environment"
  make_venv
  pip_install --require-hashes --requirement requirements-dev.txt
  printf '%s\n' "$made_of" >"$environment/made-of"
fi

if ! says installed-from "$installed_from" || [ ! -x "$environment/bin/token-meter" ]; then
  pip_install --no-deps --no-build-isolation --editable .
  printf '%s\n' "$installed_from" >"$environment/installed-from"
fi
