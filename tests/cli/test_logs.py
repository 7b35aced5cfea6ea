"""What strangers can do to the log: one line each, not too long, not too many."""

import logging
from contextlib import suppress

import pytest

from rmqwire.cli.logs import (
    ACCEPTING,
    BURST,
    FORMAT,
    MAX_LINE,
    PERIOD_MS,
    LogFile,
    OneLineFormatter,
    RateLimit,
)


def record(text="topic %s not created", *args, exc_info=None):
    return logging.LogRecord("rmqwire.x", logging.WARNING, "", 0, text, args, exc_info)


@pytest.mark.parametrize(
    "text", ["a\nb", "a\r\n2026-01-01 INFO forged", "\x1b[2J", "\x00", "a\u2028b", "x" * 10_000]
)
def test_a_record_is_one_line(text):
    line = OneLineFormatter(FORMAT).format(record("topic %s", text))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert len(line) < MAX_LINE + 100


def test_good_text_stays_as_it_is_and_a_traceback_keeps_its_lines():
    assert OneLineFormatter("%(message)s").format(record("%s!", "größer 消息")) == "größer 消息!"
    try:
        int("odd")
    except ValueError as error:
        info = (ValueError, error, error.__traceback__)
    assert len(OneLineFormatter(FORMAT).format(record("failed", exc_info=info)).splitlines()) > 2


def test_a_flood_is_cut_and_counted():
    now = [0]
    limit = RateLimit(lambda: now[0])
    written = sum(limit.filter(record("topic %s not created", n)) for n in range(1_000_000 // 100))
    assert written == BURST
    assert limit.filter(record("another kind"))
    now[0] = PERIOD_MS
    late = record("topic %s not created", "100%d")
    assert limit.filter(late)
    assert late.getMessage() == "(9900 more lines like this were left out) topic 100%d not created"


def test_a_full_process_says_so_in_one_line():
    full = record("accept returned EMFILE", exc_info=(OSError, OSError(24, "Too many"), None))
    full.name = ACCEPTING
    assert RateLimit(lambda: 0).filter(full)
    assert len(OneLineFormatter(FORMAT).format(full).splitlines()) == 1


def test_a_log_file_on_a_full_disk_is_one_warning(capsys):
    handler = LogFile("/dev/full")
    for number in range(3):
        handler.handle(record("topic %s", number))
    with suppress(OSError):  # as logging does when the process ends
        handler.close()
    assert capsys.readouterr().err == (
        "warning: /dev/full: log lines are lost: No space left on device\n"
    )
