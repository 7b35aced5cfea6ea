"""The page of the Admin API has every result that a verb may return, and its program runs."""

from __future__ import annotations

import dataclasses
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest
import trio

import rmqwire.admin
from rmqwire.admin.admin import Admin
from rmqwire.testing import cluster

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "admin-api.md").read_text("utf-8")
DOCUMENTED = re.findall(r"^::: (\S+)$", PAGE, re.MULTILINE)


def results():
    for module in pkgutil.iter_modules(rmqwire.admin.__path__, "rmqwire.admin."):
        for name, value in vars(import_module(module.name)).items():
            if dataclasses.is_dataclass(value) and value.__module__ == module.name:
                yield f"{module.name}.{name}"


def test_every_result_has_its_place():
    assert sorted(DOCUMENTED[2:]) == sorted(results())
    assert DOCUMENTED[:2] == ["rmqwire.admin.admin.Admin", "rmqwire.admin.admin.open_admin"]


@pytest.mark.parametrize("name", [name for name in dir(Admin) if not name.startswith("_")])
def test_every_method_says_what_it_does(name):
    assert (getattr(Admin, name).__doc__ or "").strip()


def test_the_program_of_the_page_runs(capsys):
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    with cluster() as rmq:
        exec(program.replace("127.0.0.1:9876", rmq.namesrv_addr), {"trio": trio})
    assert re.fullmatch(r"127\.0\.0\.1:\d+ \S.*\n", capsys.readouterr().out)
