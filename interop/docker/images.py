"""Make stand-ins for the images that docker-compose.yml names, where nothing can be pulled.

``python -m interop.docker.images``, as root, with a running Docker engine and ``debootstrap``:

- ``apache/rocketmq:5.5.0`` and ``:4.9.7``: the jars of Maven Central under Debian's Java 17, laid out
  and started as the official images are. Another Java and other scripts: what runs on it has been
  run on RocketMQ's own classes, not on the official images.
- ``python:TAG``, the base of rmqwire's own image: Debian's Python 3.11.

Each has the label ``io.rmqwire.stand-in`` that says so. An image of that name without the label was
pulled and stays as it is.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from interop.jars import jar_folder, missing_tools
from interop.peer import make_home

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
RELEASES = ("5.5.0", "4.9.7")
DEBIAN = "bookworm"
BASE = f"rmqwire-stand-in/debian:{DEBIAN}"
LABEL = "io.rmqwire.stand-in"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def missing() -> str | None:
    """Return in one line what keeps the images from being made here, or None."""
    if os.geteuid() != 0:
        return "debootstrap needs root"
    absent = [tool for tool in ("docker", "debootstrap", "tar") if shutil.which(tool) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    if not CERTIFICATES.exists():
        return f"{CERTIFICATES} is missing (Debian's ca-certificates)"
    if _docker("info", quiet=True) != 0:
        return "no Docker engine answers"
    return missing_tools()


def python_base() -> str:
    """Return ``python:TAG`` without a digest: what rmqwire's Dockerfile is built on."""
    text = (REPOSITORY / "Dockerfile").read_text()
    found = re.search(r"^ARG PYTHON_IMAGE=(python:[^@\s]+)", text, re.MULTILINE)
    assert found is not None, "the Dockerfile names no base"
    return found[1]


def make_debian() -> None:
    """Make the base of all of them from Debian's own packages, once."""
    if _docker("image", "inspect", BASE, quiet=True) == 0:
        return
    with tempfile.TemporaryDirectory(prefix="rmqwire-debian-") as folder:
        root = Path(folder) / "root"
        subprocess.run(["debootstrap", "--variant=minbase", DEBIAN, str(root)], check=True)
        shutil.rmtree(root / "var/cache/apt/archives")
        archive = Path(folder) / "root.tar"
        subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
        subprocess.run(["docker", "import", str(archive), BASE], check=True)


def make_rocketmq(version: str) -> None:
    """Make ``apache/rocketmq:VERSION``."""
    with tempfile.TemporaryDirectory(prefix="rmqwire-rocketmq-") as folder:
        context = Path(folder)
        shutil.copytree(HERE / "rocketmq", context, dirs_exist_ok=True)
        make_home(context)
        shutil.copytree(jar_folder(version), context / "lib")
        _build(f"apache/rocketmq:{version}", context, f"VERSION={version}")


def make_python(name: str) -> None:
    """Make the base of rmqwire's own image."""
    with tempfile.TemporaryDirectory(prefix="rmqwire-python-") as folder:
        context = Path(folder)
        shutil.copytree(HERE / "python", context, dirs_exist_ok=True)
        shutil.copy(CERTIFICATES, context)
        _build(name, context, f"NAME={name}")


def _build(image: str, context: Path, argument: str) -> None:
    if _was_pulled(image):
        print(f"{image}: there already and no stand-in: left as it is")
        return
    command = ["docker", "build", "--network", "host", "--tag", image]
    for pair in (f"BASE={BASE}", argument):
        command += ["--build-arg", pair]
    subprocess.run([*command, str(context)], check=True)
    print(f"{image}: made")


def _was_pulled(image: str) -> bool:
    """Return whether there is an image of that name that isn't ours."""
    look = f'{{{{index .Config.Labels "{LABEL}"}}}}'
    command = ["docker", "image", "inspect", "--format", look, image]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and not answer.stdout.strip()


def _docker(*words: str, quiet: bool = False) -> int:
    return subprocess.run(["docker", *words], capture_output=quiet, check=False).returncode


def main() -> int:
    """Make all images, or those of the releases that are named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("releases", nargs="*", default=RELEASES, help="default: both")
    releases = parser.parse_args().releases
    reason = missing()
    if reason is not None:
        print(f"no images made: {reason}", file=sys.stderr)
        return 2
    base = python_base()
    make_debian()
    make_python(base)
    for version in releases:
        make_rocketmq(version)
    print(f"rmqwire's own image on this base: PYTHON_IMAGE={base} docker compose ...")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
