"""The programs of the pages about sending, run against a name server and broker of ours."""

import re
from pathlib import Path

import pytest
import trio

from tests.consumer.test_end_to_end import cluster

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
TEXT = "".join(
    (PAGES / f"{name}.md").read_text("utf-8") for name in ("send-many", "trace-messages")
)
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
NAMES = re.findall(r"^async def (\w+)\(", "\n".join(PROGRAMS), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
async def test_a_program_of_the_page_runs_to_its_end(tmp_path, name, capsys):
    space = {}
    if name == "spanned":
        pytest.importorskip("opentelemetry.trace")
    for program in PROGRAMS:
        if name == "spanned" or "otel" not in program:
            exec(program, space)
    async with cluster(tmp_path) as namesrv:
        space["NAMESRV"] = namesrv
        with trio.fail_after(30):
            await space[name]()
    assert "Error" not in capsys.readouterr().out


def test_the_pages_have_a_program_for_each_way():
    assert NAMES == ["many", "soon", "together", "ordered", "traced", "spanned", "hooked"]
