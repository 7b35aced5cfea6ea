"""Compile rocketmq-example of a release that isn't published: ``python -m interop.build_examples CHECKOUT``.

CHECKOUT is a folder with ``example/`` of the tag ``rocketmq-all-4.9.7`` of github.com/apache/rocketmq. What
the programs need besides RocketMQ (openmessaging, Jaeger) comes from Maven Central.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from interop.jars import example_classes, jar_folder

VERSION = "4.9.7"
TRACING = (
    "jaeger",
    "opentracing",
    "openmessaging-api",
    "libthrift",
    "okhttp",
    "okio",
    "kotlin",
)  # as 5.5.0 has them


def main() -> None:
    sources = [str(one) for one in Path(sys.argv[1], "example", "src", "main").rglob("*.java")]
    classes = example_classes(VERSION)
    shutil.rmtree(classes, ignore_errors=True)
    libraries = classes / "lib"
    libraries.mkdir(parents=True)
    for jar in jar_folder("5.5.0").glob("*.jar"):
        if jar.name.startswith(TRACING):
            shutil.copy(jar, libraries)
    wanted = f"org.apache.rocketmq:rocketmq-openmessaging:{VERSION}"
    subprocess.run(
        ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={wanted}", f"-DoutputDirectory={libraries}"],
        check=True, timeout=300,
    )  # fmt: skip
    path = f"{jar_folder(VERSION)}/*:{libraries}/*"
    subprocess.run(["javac", "-nowarn", "-cp", path, "-d", str(classes), *sources], check=True)
    (classes / "complete").touch()


if __name__ == "__main__":
    main()
