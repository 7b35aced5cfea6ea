"""The switch of the native lane."""

import sys
from types import SimpleNamespace

import pytest

from rmqwire.codec.native import MODULE, SWITCH, VERSION, is_native, module_fault
from rmqwire.errors import ConfigError


def test_without_the_module_the_python_lane_runs_unless_the_native_one_is_wanted(monkeypatch):
    monkeypatch.setitem(sys.modules, MODULE, None)
    assert "can't be imported" in module_fault()
    monkeypatch.delenv(SWITCH, raising=False)
    assert not is_native()
    monkeypatch.setenv(SWITCH, "native")
    with pytest.raises(ConfigError, match="can't be imported"):
        is_native()


@pytest.mark.parametrize(
    ("wanted", "native"), [("", True), ("auto", True), ("native", True), ("python", False)]
)
def test_with_the_module_the_switch_decides(monkeypatch, wanted, native):
    monkeypatch.setitem(sys.modules, MODULE, SimpleNamespace(VERSION=VERSION))
    monkeypatch.setenv(SWITCH, wanted)
    assert is_native() is native


def test_a_module_of_another_version_is_not_used(monkeypatch):
    monkeypatch.setitem(sys.modules, MODULE, SimpleNamespace(VERSION=VERSION - 1))
    monkeypatch.setenv(SWITCH, "auto")
    assert not is_native()
