#!/bin/sh
# Print the Python to build the environment with: $PYTHON if set (a path, a command, or a version such as 3.11), else
# the best of 3.13, 3.12, 3.11 on this machine, pyenv's among them. A pyenv shim that only says "command not found" is
# no Python, so each candidate is run.
SUPPORTED='3.13 3.12 3.11'

# Print "version path" of what $1 runs where that is a standard (not free-threaded) CPython.
probe() {
  "$1" -c '
import sys, sysconfig
if sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
    print("%d.%d" % sys.version_info[:2], sys.executable)
' 2>/dev/null
}

# Whether the Python $1 can fill an environment: by ensurepip (not in Debian's python3 alone) or by a pip of its own.
can_install() {
  "$1" -c 'import venv, ensurepip' 2>/dev/null || "$1" -c 'import venv, pip' 2>/dev/null
}

is_supported() {
  case " $SUPPORTED " in
    *" $1 "*) true ;;
    *) false ;;
  esac
}

# pyenv's folder may be known by a variable, by where pyenv or its shims are on the path, or by the home directory.
pyenv_roots() {
  printf '%s\n' "${PYENV_ROOT:-}"
  printf '%s\n' "$PATH" | tr ':' '\n' | sed -n -e 's|/shims/*$||p' -e 's|/bin/*$||p'
  printf '%s\n' "${HOME:-}/.pyenv"
}

# Print every program that may be Python $1, best first.
candidates() {
  command -v "python$1"
  pyenv_roots | while read -r root; do
    [ -n "$root" ] && ls -d "$root/versions/$1"*/bin/python 2>/dev/null | sort -r
  done
  command -v python3
  command -v python
}

# Print the first Python $1 that can fill an environment.
find_version() {
  candidates "$1" | (
    while read -r candidate; do
      found=$(probe "$candidate") || continue
      [ "${found%% *}" = "$1" ] && can_install "${found#* }" && echo "${found#* }" && exit 0
    done
    exit 1
  )
}

refuse() {
  echo "$1" >&2
  exit 2
}

wanted=${PYTHON:-}
if [ -z "$wanted" ]; then
  for version in $SUPPORTED; do
    find_version "$version" && exit 0
  done
  refuse "no Python of $SUPPORTED with pip found; install one (Debian: python3-venv too), or name it: make PYTHON=/path"
fi

# A version; and a command such as python3.13 that is only a shim, while pyenv has that version.
version=${wanted#python}
if is_supported "$version" && { [ "$wanted" = "$version" ] || [ -z "$(probe "$wanted")" ]; }; then
  find_version "$version" || refuse "no Python $version with pip found"
  exit 0
fi

found=$(probe "$wanted") || refuse "$wanted does not run"
is_supported "${found%% *}" || refuse "$wanted is no standard CPython of one of these versions: $SUPPORTED"
can_install "${found#* }" || refuse "$wanted can make no environments; on Debian install its venv package (python3-venv)"
echo "${found#* }"
