"""The programs of the page about consuming, run against a name server and broker of ours."""

import re
from pathlib import Path

import pytest
import trio

from rmqwire.consumer.working import acks
from tests.consumer.test_end_to_end import cluster

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "consume.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
NAMES = re.findall(r"^async def (\w+)\(", "\n".join(PROGRAMS), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
async def test_a_program_of_the_page_runs_to_its_end(tmp_path, name, monkeypatch):
    monkeypatch.setattr(acks, "POP_DELAYS_S", (1,))  # instead of ten
    space = {"trio": trio}
    for program in PROGRAMS:
        exec(program, space)
    done = trio.Event()
    with_path = name in {"everywhere", "once"}
    arguments = (done, str(tmp_path / "kept")) if with_path else (done,)
    settings = {"defaultMessageRequestMode": "POP"} if name == "popped" else {}
    async with cluster(tmp_path, **settings) as namesrv:
        space["NAMESRV"] = namesrv
        with trio.fail_after(40):
            await space[name](*arguments)
    assert done.is_set()


def test_the_page_has_a_program_for_each_way():
    assert NAMES == [
        "shared",
        "looped",
        "batches",
        "once",
        "in_order",
        "everywhere",
        "popped",
        "asked",
        "by_hand",
        "scheduled",
        "looked_up",
        "answered",
    ]
