"""The jars of one RocketMQ release from Maven Central, kept in a cache outside the tree."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHMARK_VERSIONS = {"5.5.0"}  # releases whose rocketmq-example is published


def cache_dir() -> Path:
    base = os.environ.get("RMQWIRE_CACHE") or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "rmqwire-interop"


def missing_tools() -> str | None:
    """Say in one line what keeps Java programs from running here, or None."""
    missing = [tool for tool in ("java", "javac", "mvn") if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)} (a JDK and Maven are needed)" if missing else None


@contextmanager
def alone_in_cache() -> Iterator[None]:
    """Fill the cache, and Maven's own, from one process at a time."""
    cache_dir().mkdir(parents=True, exist_ok=True)
    with (cache_dir() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def jar_folder(version: str) -> Path:
    """Return the folder with all jars of ``version``, downloading once."""
    home = cache_dir() / version
    folder = home / "jars"
    with alone_in_cache():
        if not (home / "complete").exists():
            profile = ["-Pbenchmark"] if version in BENCHMARK_VERSIONS else []
            download(HERE / "pom.xml", folder, *profile, f"-Drocketmq.version={version}")
            (home / "complete").touch()
    return folder


def proxy_class_path(version: str) -> str:
    """Return the class path of Apache's proxy of ``version``, downloading once."""
    home = cache_dir() / f"proxy-{version}"
    with alone_in_cache():
        if not (home / "complete").exists():
            download(HERE / "pom.xml", home, "-Pproxy", f"-Drocketmq.version={version}")
            (home / "complete").touch()
    return f"{home}/*"


def class_path(version: str) -> str:
    """Return the class path of ``version`` with our own Java programs compiled, downloading once."""
    classes = cache_dir() / version / "classes"
    jars = jar_folder(version)
    with alone_in_cache():
        compile_java(HERE / "java", jars, classes)
    return f"{classes}{os.pathsep}{jars}/*"


def example_class_path(version: str) -> str | None:
    """Return the class path with the programs of rocketmq-example, None where they are not.

    Those of 4.9.7 are not published: ``python -m interop.build_examples`` compiles them from a checkout.
    """
    if version in BENCHMARK_VERSIONS:
        return class_path(version)
    classes = example_classes(version)
    if not (classes / "complete").exists():
        return None
    return os.pathsep.join([str(classes), class_path(version), f"{classes}/lib/*"])


def example_classes(version: str) -> Path:
    """Return the folder of rocketmq-example where it isn't published as a jar."""
    return cache_dir() / version / "examples"


def download(pom: Path, folder: Path, *options: str) -> None:
    """Copy what ``pom`` depends on to ``folder``."""
    command = [
        "mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", *options,
        "-DincludeScope=runtime", f"-DoutputDirectory={folder}",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=900)


def compile_java(folder: Path, jars: Path, classes: Path) -> None:
    """Compile the programs in ``folder`` where one of them is newer than ``classes``."""
    sources = sorted(folder.glob("*.java"))
    newest = max(source.stat().st_mtime for source in sources)
    stamp = classes / "stamp"
    if stamp.exists() and stamp.stat().st_mtime >= newest:
        return
    classes.mkdir(parents=True, exist_ok=True)
    command = ["javac", "-nowarn", "-cp", f"{jars}/*", "-d", str(classes), *map(str, sources)]
    subprocess.run(command, check=True, timeout=300)
    stamp.touch()
