"""Write ``codec/codes.py``, ``codec/mq_version.py`` and ``broker_errors.py`` of ``src/rmqwire``.

Names and numbers are those of the recorded protocol tables, the texts of errors stand in
``tools/error_texts.toml``.

Usage: ``python tools/gen_codes.py`` (``--check`` only compares, exit 1 when they differ).
"""

from __future__ import annotations

import argparse
import builtins
import json
import re
import sys
import textwrap
import tomllib
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TABLES = ROOT / "tests" / "data" / "protocol"
TEXTS = ROOT / "tools" / "error_texts.toml"
PACKAGE = ROOT / "src" / "rmqwire"
CODEC = PACKAGE / "codec"
LINE = 100  # as long as a line may be

CODES_HEAD = '''"""Numbers of the remoting protocol under RocketMQ's names. Written by ``tools/gen_codes.py``.

RocketMQ: ``RequestCode``, ``ResponseCode`` with ``RemotingSysResponseCode``, ``LanguageCode``,
``SerializeType``. The comment behind a code names the release that alone knows it.

The enums are for reading and configuration. On the hot path compare plain ints and use the dicts
at the end of the module: making an enum member costs ten times a dict look-up.
"""

from __future__ import annotations

from enum import IntEnum

from rmqwire.codec.mq_version import version_name

RESPONSE_FLAG = 1  # bit 0 of the flag word (Java RPC_TYPE)
ONEWAY_FLAG = 2  # bit 1 of the flag word (Java RPC_ONEWAY)
'''

CODES_TAIL = '''
REQUEST_NAMES: dict[int, str] = {code.value: code.name for code in RequestCode}
RESPONSE_NAMES: dict[int, str] = {code.value: code.name for code in ResponseCode}
LANGUAGE_NAMES: dict[int, str] = {code.value: code.name for code in LanguageCode}
LANGUAGE_CODES: dict[str, int] = {code.name: code.value for code in LanguageCode}


def request_name(code: int) -> str:
    """Return the name of a request code for logs; an unknown code is its number."""
    return REQUEST_NAMES.get(code) or str(code)


def response_name(code: int) -> str:
    """Return the name of a response code for logs; an unknown code is its number."""
    return RESPONSE_NAMES.get(code) or str(code)


__all__ = [
    "LANGUAGE_CODES",
    "LANGUAGE_NAMES",
    "ONEWAY_FLAG",
    "REQUEST_NAMES",
    "RESPONSE_FLAG",
    "RESPONSE_NAMES",
    "LanguageCode",
    "RequestCode",
    "ResponseCode",
    "SerializeType",
    "request_name",
    "response_name",
    "version_name",
]
'''

ERRORS_HEAD = '''"""One class for each response code. Written by ``tools/gen_codes.py``.

RocketMQ: ``ResponseCode`` with ``RemotingSysResponseCode``, thrown as ``MQBrokerException``. What to do
about each is said in docs/reference/errors.md; the texts stand in ``tools/error_texts.toml``.
"""

from __future__ import annotations

from rmqwire.errors import BrokerError


def broker_error(code: int, remark: str | None = None, addr: str = "") -> BrokerError:
    """Make the error of an answer: the class of its code, or a plain BrokerError.

    Args:
        code: the response code.
        remark: the server's own words.
        addr: ``host:port`` of the server.
    """
    return BrokerError.by_code.get(code, BrokerError)(code, remark, addr)
'''

VERSION_HEAD = '''"""Ordinals of RocketMQ releases, as every command carries one. Written by ``tools/gen_codes.py``.

RocketMQ: ``MQVersion``. Within a series a patch release adds 2; the SNAPSHOT before a release is
one less than it.
"""

from __future__ import annotations

'''

VERSION_TAIL = '''

def _names() -> dict[int, str]:
    releases = {ordinal: name for name, ordinal in EARLY_RELEASES.items()}
    for (major, minor, patch), first, count in SERIES:
        for step in range(count):
            releases[first + 2 * step] = f"V{major}_{minor}_{patch + step}"
    snapshots = {
        ordinal - 1: f"{name}_SNAPSHOT"
        for ordinal, name in releases.items()
        if ordinal - 1 not in releases
    }
    snapshots[0] = "V3_0_0_SNAPSHOT"
    return snapshots | releases


VERSION_NAMES: dict[int, str] = _names()


def version_name(ordinal: int) -> str:
    """Return the name of a release, ``V5_5_0`` for 513 (Java ``MQVersion.getVersionDesc``).

    Numbers above the table are ``HIGHER_VERSION``, negative ones their decimal text.
    """
    if ordinal >= HIGHER_VERSION:
        return "HIGHER_VERSION"
    return VERSION_NAMES.get(ordinal) or str(ordinal)
'''


def load(name: str) -> Any:
    """Read one of the recorded tables."""
    return json.loads((TABLES / name).read_text("utf-8"))


def enum_source(name: str, doc: str, rows: list[tuple[str, int, str]]) -> str:
    """Return the source of one IntEnum; each row is (member, value, comment)."""
    lines = [f"\n\nclass {name}(IntEnum):", f'    """{doc}"""', ""]
    lines += [
        f"    {member} = {value}" + (f"  # {note}" if note else "") for member, value, note in rows
    ]
    return "\n".join(lines) + "\n"


def code_rows(table: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    """Return the rows of an enum by value; where releases disagree on a number the newer name leads."""
    ordered = sorted(table, key=lambda row: (row["value"], "5.5.0" not in row["in"]))
    rows = []
    for _, same in groupby(ordered, key=lambda row: row["value"]):
        for index, row in enumerate(same):
            note = f"{row['in'][0]} only" if len(row["in"]) == 1 else ""
            rows.append((row["name"], row["value"], note + (", the same number" if index else "")))
    return rows


def codes_source() -> str:
    """Return the text of ``codes.py``."""
    constants = load("constants.json")
    languages = constants["LanguageCode"]
    language_rows = [
        (name, value, "" if name in languages["4.9.7"] else "5.5.0 only")
        for name, value in languages["5.5.0"]["__field_code"].items()
    ]
    serialize = constants["SerializeType"]["both"]["__field_code"]
    return "".join(
        [
            CODES_HEAD,
            enum_source(
                "RequestCode",
                "What a request asks for.",
                code_rows(load("request_codes.json")["codes"]),
            ),
            enum_source(
                "ResponseCode",
                "What an answer says.",
                code_rows(load("response_codes.json")["codes"]),
            ),
            enum_source(
                "LanguageCode",
                "The language of a peer: its byte in a ROCKETMQ header.",
                language_rows,
            ),
            enum_source(
                "SerializeType",
                "How a header is written: the high byte of the header length word.",
                [(name, value, "") for name, value in serialize.items()],
            ),
            "\n",
            CODES_TAIL,
        ]
    )


def class_name(code_name: str) -> str:
    """Return the name of a code's class: TopicNotExist, and BrokerSystemError, for Python has one."""
    name = "".join(part.capitalize() for part in code_name.split("_"))
    return f"Broker{name}" if hasattr(builtins, name) else name


def class_source(name: str, code: int, text: dict[str, Any]) -> str:
    """Return the source of one class."""
    summary, _, rest = text["cause"].partition(". ")
    doc = [f'    """{summary.removesuffix(".")}.']
    if rest:
        doc += ["", *textwrap.wrap(rest, LINE, initial_indent="    ", subsequent_indent="    ")]
        doc.append("    ")
    doc[-1] += '"""'
    if max(map(len, doc)) > LINE:
        raise ValueError(f"{TEXTS.name}: {name}: the first sentence doesn't fit into a line")
    lines = [f"\n\nclass {name}(BrokerError, code={code}):", *doc]
    if text.get("maybe_stored"):
        lines += ["", "    maybe_stored = True"]
    return "\n".join(lines) + "\n"


def errors_source() -> str:
    """Return the text of ``broker_errors.py``: a class for each number but SUCCESS.

    Raises:
        ValueError: a code has no text, or a text no code.
    """
    texts = tomllib.loads(TEXTS.read_text("utf-8"))["code"]
    rows = code_rows(load("response_codes.json")["codes"])
    leading = {name: code for name, code, note in rows if code and "same number" not in note}
    if leading.keys() != texts.keys():
        raise ValueError(f"{TEXTS.name}: {sorted(leading.keys() ^ texts.keys())}")
    classes = [class_source(class_name(name), code, texts[name]) for name, code in leading.items()]
    return ERRORS_HEAD + "".join(classes)


def version_source() -> str:
    """Return the text of ``mq_version.py``: regular series as (series, first ordinal, count)."""
    ordinals: dict[str, int] = load("constants.json")["MQVersion$Version"]["both"]
    early: dict[str, int] = {}
    series: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for name, ordinal in ordinals.items():
        match = re.fullmatch(r"V(\d+)_(\d+)_(\d+)", name)
        if match:
            series.setdefault((int(match[1]), int(match[2])), []).append((int(match[3]), ordinal))
        elif name != "HIGHER_VERSION":
            early[name] = ordinal
    lines = [f"HIGHER_VERSION = {ordinals['HIGHER_VERSION']}", "EARLY_RELEASES = {"]
    lines += [f'    "{name}": {ordinal},' for name, ordinal in early.items()]
    lines += [
        "}",
        "# (major, minor, patch) and ordinal of the first release, number of releases",
        "SERIES = (",
    ]
    for (major, minor), releases in series.items():
        patch, ordinal = min(releases)
        lines.append(f"    (({major}, {minor}, {patch}), {ordinal}, {len(releases)}),")
    return VERSION_HEAD + "\n".join([*lines, ")"]) + "\n" + VERSION_TAIL


def sources() -> dict[Path, str]:
    """Return every file this generator owns with its text."""
    return {
        CODEC / "codes.py": codes_source(),
        CODEC / "mq_version.py": version_source(),
        PACKAGE / "broker_errors.py": errors_source(),
    }


def main() -> int:
    """Write the files, or compare them with ``--check``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = 0
    for path, text in sources().items():
        if check:
            stale += path.read_text("utf-8") != text
        else:
            path.write_text(text, "utf-8")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
