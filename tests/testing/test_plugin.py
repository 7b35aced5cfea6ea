"""The pytest plugin, as its users have it: the programs of its page, and what a test leaves behind."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from rmqwire.testing import cluster

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "test-with-rmqwire.md"
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def page(pytester):
    """The tests of the page in a folder of their own."""
    pytester.makepyfile(test_page="\n".join(PROGRAMS[:-1]))
    pytester.makeini("[pytest]\ntrio_mode = true\n")
    return pytester


def test_the_tests_of_the_page_pass(page):
    page.runpytest_inprocess().assert_outcomes(passed=4)


def test_at_a_cluster_that_runs_already_what_it_cant_do_is_skipped(page):
    with cluster() as elsewhere:
        option = f"--rmqwire-server={elsewhere.namesrv_addr}"
        result = page.runpytest_inprocess(option, "-rs")
        skipped = result.parseoutcomes().get("skipped")
        assert skipped == 3
        result.stdout.fnmatch_lines(["*advance() needs an embedded server, not 127.0.0.1:*"])
        assert [one for one in elsewhere.messages("Orders") if one.body == b"tea"] == []


def test_the_program_without_pytest_runs(capsys):
    space: dict[str, object] = {}
    exec(PROGRAMS[0], space)
    exec(PROGRAMS[-1], space)
    assert capsys.readouterr().out == "0\n"


def test_a_test_finds_nothing_of_the_one_before(pytester):
    pytester.makepyfile(
        """
        import pytest, trio
        from rmqwire import ConsumeStatus, Message, Producer, PushConsumer

        async def send(addr):
            async with Producer("p", namesrv_addr=addr) as producer:
                await producer.send(Message("T", b"one"))

        addresses = set()

        @pytest.mark.parametrize("end", ["plain", "turned", "killed", "plain again"])
        def test_alone(rmq, end):
            addresses.add(rmq.namesrv_addr)
            assert rmq.messages("T") == []
            rmq.create_topic("T", queues=1)
            trio.run(send, rmq.namesrv_addr)
            assert len(rmq.messages("T")) == 1
            if end == "turned":
                rmq.advance(minutes=1)
            elif end == "killed":
                rmq.kill()

        def test_one_server_for_as_long_as_it_can_be_cleaned():
            assert len(addresses) == 3
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=5)


def test_the_plugin_imports_nothing_of_rmqwire_before_a_fixture_is_used():
    code = "import sys, rmqwire.testing.plugin; print([n for n in sys.modules if 'rmqwire' in n])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert eval(out.stdout) == ["rmqwire", "rmqwire.testing", "rmqwire.testing.plugin"]
