"""`make lock`: write requirements.txt and requirements-dev.txt from pyproject.toml.

Both pin every package and every hash for each supported Python by markers. requirements.txt is what the Function needs;
requirements-dev.txt is all that one machine needs, with the same versions. Pins are kept unless `--upgrade` is given.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
OLDEST_PYTHON = "3.11"
COMPILE = (
    "pip",
    "compile",
    "--universal",
    f"--python-version={OLDEST_PYTHON}",
    "--generate-hashes",
    "--custom-compile-command=make lock",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--quiet",
    "pyproject.toml",
)
FUNCTION = ("--output-file=requirements.txt",)
DEVELOPMENT = ("--extra=local", "--group=dev", "--constraints=requirements.txt", "--output-file=requirements-dev.txt")


def find_uv() -> str | None:
    """Return where uv is: beside this interpreter or on the path."""
    return shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


def main() -> int:
    """Compile both files; the second is held to the versions of the first."""
    parser = argparse.ArgumentParser(description="Write the requirement files from pyproject.toml.")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions instead of keeping the pins")
    newest = ("--upgrade",) if parser.parse_args().upgrade else ()
    uv = find_uv()
    if uv is None:
        print("uv is needed to write the requirement files: pip install uv", file=sys.stderr)
        return 2
    for destination in (FUNCTION, DEVELOPMENT):
        done = subprocess.run(
            [uv, *COMPILE, *destination, *newest], cwd=REPOSITORY, check=False, stdout=subprocess.DEVNULL
        )
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
