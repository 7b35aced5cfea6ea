"""The page of differences on purpose: every line names tests that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "explanation" / "differences.md").read_text("utf-8")
ROWS = [line.strip("|").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")][1:]
TEST = re.compile(r"`((?:tests|interop)/[\w/]+\.py)(?:::(\w+))?`")


def test_the_page_has_its_lines():
    assert len(ROWS) > 30
    assert {len(row) for row in ROWS} == {4}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip()[:60])
def test_a_difference_names_tests_that_are_there(row):
    named = TEST.findall(row[3])
    assert named, row[0]
    assert TEST.sub("", row[3]).strip(" ,") == ""
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        found = {node.name for node in ast.walk(tree) if isinstance(node, FUNCTIONS)}
        assert any(one.startswith("test_") for one in found), path
        assert not name or name in found, (path, name)


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
