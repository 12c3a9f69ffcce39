"""Builds wheel and sdist of a commit reproducibly, and signs their checksums.

    python deploy/release/build_release.py OUT [--sign-key ~/.ssh/release]

What is built is what is committed, unpacked from git, with the time of the commit as SOURCE_DATE_EPOCH: whoever builds the same commit with
the same hatchling gets the same bytes, and SHA256SUMS shows it. The console in the wheel is built with npm, from its lock file.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "lgsp-release"
SUMS = "SHA256SUMS"


def unpack(commit: str, folder: Path) -> str:
    """Unpack a commit into a folder, and return its time in seconds since 1970."""
    archive = folder.with_suffix(".tar")
    subprocess.run(["git", "archive", "--output", archive, commit], cwd=ROOT, check=True)
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    shown = subprocess.run(["git", "show", "-s", "--format=%ct", commit], cwd=ROOT, check=True, capture_output=True)
    return shown.stdout.decode().strip()


def build(source: Path, epoch: str, out: Path) -> list[Path]:
    """Build wheel and sdist of an unpacked commit.

    Args:
        epoch: the time that is written into them, in seconds since 1970.
        out: an empty folder.
    """
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch, "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(out)]
    subprocess.run(command, cwd=source, env=environment, check=True, stdout=subprocess.DEVNULL)
    return sorted(out.iterdir())


def checksums(files: list[Path]) -> str:
    """Return the checksums as `sha256sum --check` reads them."""
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="an empty folder for wheel, sdist and SHA256SUMS")
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("--sign-key", type=Path, help="an SSH key that signs SHA256SUMS; none leaves it unsigned")
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        sys.exit(f"{out} is not empty; name an empty folder")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "lgsp"
        epoch = unpack(options.commit, source)
        files = build(source, epoch, out)
    sums = out / SUMS
    sums.write_text(checksums(files))
    if options.sign_key:
        sign = ["ssh-keygen", "-Y", "sign", "-f", str(options.sign_key), "-n", NAMESPACE, str(sums)]
        subprocess.run(sign, check=True, capture_output=True)
    sys.stdout.write(sums.read_text())


if __name__ == "__main__":
    main()
