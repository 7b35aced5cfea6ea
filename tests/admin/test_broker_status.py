"""brokerStatus prints what mqadmin prints."""

from __future__ import annotations

import pytest

from rmqwire.admin.broker_status import figures_of, status_lines
from rmqwire.codec.bodies import KVTable
from rmqwire.errors import BadBody


def test_the_lines_are_mqadmin_s():
    """The formats %-32s: %s of one broker and %-24s %-32s: %s of many, in the keys' order."""
    figures = figures_of(KVTable(table={"putTps": "1.0 2.0 3.0", "bootTimestamp": "17"}).encode())
    assert list(status_lines(figures)) == [
        "bootTimestamp                   : 17",
        "putTps                          : 1.0 2.0 3.0",
    ]
    assert next(status_lines(figures, "127.0.0.1:10911")) == (
        "127.0.0.1:10911          bootTimestamp                   : 17"
    )


def test_what_is_no_answer_is_told():
    assert figures_of(b"{}") == {}
    with pytest.raises(BadBody):
        figures_of(b"[")
