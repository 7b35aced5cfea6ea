"""The programs of the page about asyncio and threads."""

import asyncio
import re
from pathlib import Path

from rmqwire.testing import cluster

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "asyncio-and-threads.md"


def test_the_programs_of_the_page_run_to_their_ends():
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(programs) == 2
    space = {}
    with cluster() as rmq:
        rmq.create_topic("Greetings")
        exec(programs[0], space)
        asyncio.run(asyncio.wait_for(space["asyncio_program"](rmq.namesrv_addr), 40))
        exec(programs[1], space)
        space["threaded_program"](rmq.namesrv_addr)
        assert rmq.lag("readers", "Greetings") == 0


def test_the_application_of_gunicorn_s_page_sends_what_is_asked_for(monkeypatch):
    text = (PAGE.parent / "web-frameworks.md").read_text("utf-8")
    (program,) = (
        one
        for one in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        if "start_response" in one
    )
    answers = []
    with cluster() as rmq:
        rmq.create_topic("Visits")
        monkeypatch.setenv("NAMESRV_ADDR", rmq.namesrv_addr)
        space = {}
        exec(program, space)
        with space["opened"]:
            (msg_id,) = space["app"]({"PATH_INFO": "/tea"}, lambda *words: answers.append(words))
        assert [(one.body, one.msg_id) for one in rmq.messages("Visits")] == [
            (b"/tea", msg_id.decode())
        ]
    assert answers == [("200 OK", [("Content-Type", "text/plain")])]
