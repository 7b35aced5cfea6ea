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
