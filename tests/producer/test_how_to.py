"""The programs of the pages about sending and what comes of it, run against servers of ours."""

import re
from pathlib import Path

import pytest
import trio

from rmqwire import testing
from tests.consumer.test_end_to_end import cluster

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "how-to"
FILES = (
    "send-many",
    "trace-messages",
    "deliver-later",
    "filter-messages",
    "transactions",
    "control-access",
)
TEXT = "".join((PAGES / f"{name}.md").read_text("utf-8") for name in FILES)
SETTINGS = {
    "recalled": {"recallMessageEnable": "true"},
    "by_a_condition": {"enablePropertyFilter": "true"},
}
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
    done = trio.Event()
    arguments = {"by_tags": (done,), "by_a_condition": (done,)}
    arguments |= dict.fromkeys(("pay", "pay_as_in_java"), ("order 7",))
    async with cluster(tmp_path, **SETTINGS.get(name, {})) as namesrv:
        space["NAMESRV"] = namesrv
        with trio.fail_after(30):
            await space[name](*arguments.get(name, ()))
    assert "Error" not in capsys.readouterr().out


def test_the_pages_have_a_program_for_each_way():
    assert NAMES == [
        "many",
        "soon",
        "together",
        "ordered",
        "traced",
        "spanned",
        "hooked",
        "later",
        "recalled",
        "at_a_level",
        "by_tags",
        "by_a_condition",
        "pay",
        "pay_as_in_java",
        "signed",
    ]


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-messages.md"])
def test_what_a_newcomer_copies_runs(page, capsys):
    """As it stands there, but for the address and the time that it waits."""
    (program,) = re.findall(
        r"```python\n(import trio.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL
    )
    with testing.cluster() as rmq:
        rmq.create_topic("Greetings")
        for there, here in (("127.0.0.1:9876", rmq.namesrv_addr), ("sleep(5)", "sleep(0.5)")):
            program = program.replace(there, here)
        exec(program, {})
        assert [message.body for message in rmq.messages("Greetings")] == [b"hello"]
    assert "SEND_OK" in capsys.readouterr().out
