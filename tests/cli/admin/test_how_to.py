"""The commands of the page about administering, run in its order against a cluster of ours."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from rmqwire import Message
from rmqwire.cli.admin import message_shown
from rmqwire.testing import cluster
from tests.cli.admin.conftest import admin
from tests.testing.support import LATER, consume, run, send

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "administer.md"
COMMANDS = re.findall(r"^\$ rmqwire admin (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)


def test_the_commands_of_the_page_do_what_it_says(monkeypatch, tmp_path):
    monkeypatch.setattr(message_shown, "BODIES", tmp_path)
    said = []
    with cluster() as rmq:
        monkeypatch.setenv("NAMESRV_ADDR", rmq.namesrv_addr)
        addr = fill(rmq)
        msg_id = rmq.messages("Orders")[0].msg_id
        for line in COMMANDS:
            words = shlex.split(line.replace("127.0.0.1:10911", addr).replace("MSG_ID", msg_id))
            if words[0] == "drainBroker" and "--dry-run" not in words:
                admin("purgeTopic", "-t", "Orders", "--yes")  # the group consumes, in real life
                words += ["--settle", "0"]
            said.append((line, admin(*words)))
    assert [line.split()[0] for line, _ in said].count("resendDLQ") == 4
    texts = dict(said)
    assert "order-17" in texts["printMsg -t Orders -s express"]
    assert texts["resendDLQ -g readers --dry-run"].count("WOULD_RESEND") == 3
    assert [texts[line].count(" RESENT ") for line in COMMANDS if line.startswith("resend")] == [
        0,
        1,
        2,
        0,
    ]
    assert texts["drainBroker -b 127.0.0.1:10911"] == f"{addr} is drained: it can go\n"
    assert "open to producers" in texts["drainBroker -b 127.0.0.1:10911 --undo"]


def fill(rmq):
    """Make a topic whose messages a group has given up, and return the broker's address."""
    rmq.create_topic("Orders", queues=1)
    orders = [Message("Orders", b"tea", tags="express", keys=f"order-{n}") for n in (16, 17, 18)]
    run(send, rmq, *orders)
    run(lambda: consume(rmq, "readers", "Orders", 3, LATER, 0))
    assert len(rmq.dlq("readers")) == 3
    return admin("clusterList").splitlines()[1].split()[3]
