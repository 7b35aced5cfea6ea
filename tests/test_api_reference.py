"""The page of the client API has every name of the package, and nothing that isn't there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import rmqwire
from rmqwire.errors import RmqError

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "api.md"
DOCUMENTED = re.findall(r"^::: (\S+)$", PAGE.read_text("utf-8"), re.MULTILINE)
EXPORTED = {
    f"{home}.{name}"
    for name, home in rmqwire._HOME.items()
    if not (isinstance(value := getattr(rmqwire, name), type) and issubclass(value, RmqError))
}


def test_every_exported_name_has_its_place():
    assert set(DOCUMENTED) >= EXPORTED
    assert len(DOCUMENTED) == len(set(DOCUMENTED))


@pytest.mark.parametrize("path", DOCUMENTED)
def test_what_the_page_names_is_there_and_says_what_it_is(path):
    module, _, name = path.rpartition(".")
    if module == "rmqwire.otel":
        pytest.importorskip("opentelemetry.trace")
    value = getattr(import_module(module), name)
    assert (value.__doc__ or "").strip()
