"""The public surface: what a program may import from the package itself."""

import subprocess
import sys
from importlib import import_module

import pytest

import rmqwire
from rmqwire import ConsumeStatus, Message, Producer, PushConsumer, SendResult

EVERY_ROOM_STAYS_OUT = "import sys, rmqwire; print([m for m in sys.modules if m.startswith('rmqwire.') or m == 'trio'])"


def test_every_exported_name_is_there():
    assert sorted(rmqwire.__all__) == sorted(rmqwire._HOME)
    for name in rmqwire.__all__:
        assert getattr(rmqwire, name) is getattr(import_module(rmqwire._HOME[name]), name)


def test_dir_names_the_exports():
    assert set(rmqwire.__all__) <= set(dir(rmqwire))


def test_another_name_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'Consumer'"):
        _ = rmqwire.Consumer


def test_import_is_light():
    out = subprocess.run(
        [sys.executable, "-c", EVERY_ROOM_STAYS_OUT], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


def test_import_from_package():
    assert Message("T", b"x").topic == "T"
    assert {Producer.__name__, PushConsumer.__name__} == {"Producer", "PushConsumer"}
    assert ConsumeStatus.CONSUME_SUCCESS.name == "CONSUME_SUCCESS"
    assert SendResult.__doc__
