"""Log lines a peer can cause: printable, short, few."""

import itertools
import logging

from hypothesis import given
from hypothesis import strategies as st

from rmqwire.remoting.limited_log import LimitedLog, printable


@given(st.text(max_size=400))
def test_printable_has_no_control_characters_and_is_short(text):
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) <= 259


def test_plain_text_stays():
    assert printable("topic-1 größer") == "topic-1 größer"
    assert printable("a\nb\x1b[0m") == "a\\nb\\x1b[0m"
    assert printable("x" * 300) == "x" * 256 + "..."


def test_a_million_events_are_few_lines(caplog):
    clock = itertools.chain(range(0, 10_000, 2), [10_000]).__next__
    notices = LimitedLog(logging.getLogger("t"), clock, burst=5, period_ms=1000)
    with caplog.at_level(logging.INFO, "t"):
        for _ in range(5000):
            notices.warning("bad", "bad frame of %s", "peer")
        notices.info("other", "another event")
    texts = [record.getMessage() for record in caplog.records]
    assert texts.count("bad frame of peer") == 50
    assert "495 more lines of 'bad' were left out" in texts
    assert texts[-1] == "another event"


def test_what_was_left_out_is_told_at_its_own_level_and_hides_nothing_graver(caplog):
    times = itertools.chain([0] * 4, [0], itertools.repeat(1000)).__next__
    notices = LimitedLog(logging.getLogger("t"), times, burst=1, period_ms=1000)
    with caplog.at_level(logging.INFO, "t"):
        for _ in range(4):
            notices.info("refused", "no route")
        notices.warning("refused", "no memory")
        notices.info("refused", "no route")
        notices.warning("refused", "no memory")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "no route"),
        ("WARNING", "no memory"),
        ("INFO", "3 more lines of 'refused' were left out"),
        ("INFO", "no route"),
        ("WARNING", "no memory"),
    ]
