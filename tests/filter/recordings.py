"""What rocketmq-filter said, recorded: by hand (``sql92.json``) and drawn (``random-*.json.gz``)."""

from __future__ import annotations

import gzip
import json
import tarfile
from functools import cache
from typing import Any

from tests.support.golden import GOLDEN

FOLDER = GOLDEN / "filter"


@cache
def chosen() -> dict[str, Any]:
    """Return 299 chosen expressions with the verdicts of 5.5.0 on 7 property sets."""
    return json.loads((FOLDER / "sql92.json").read_text())


@cache
def drawn(version: str) -> dict[str, Any]:
    """Return 1,000 drawn expressions, half of them with a mistake, with verdicts on 200 sets.

    ``rows`` are (expression, refused or compiled, text, a character per set), ``errors`` are the
    exceptions that characters from U+0100 stand for, ``bits`` are those of names in bloom filters.
    """
    return json.loads(gzip.decompress((FOLDER / f"random-{version}.json.gz").read_bytes()))


@cache
def store(version: str) -> dict[str, bytes]:
    """Return the files, by name, of a Java store whose topic T was filtered by a group.

    Of its 30 messages the last 20 have bit maps: ``enableCalcFilterBitMap`` was set, and group g1
    subscribed by ``n > 3 AND TAGS = 'TagA'`` before them.
    """
    with tarfile.open(FOLDER / f"store-{version}.tar.gz") as tar:
        return {one.name: tar.extractfile(one).read() for one in tar.getmembers() if one.isfile()}
