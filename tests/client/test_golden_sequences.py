"""What our clients ask, in which order, beside Java's in every recorded scenario.

Each program that was recorded runs again on our clients, against servers that answer as those of the
recording did. What may differ stands in docs/explanation/client-frames.md, no more and no less.
"""

import re
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from tests.client.wire.compare import Difference, compared
from tests.client.wire.recording import Recording
from tests.support.golden import frame_files

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "client-frames.md"
PROGRAMS = re.compile(r"b_(send|tx|timer|request)|c_(?!pop_api|pop_raw|pop_set_mode)")
HEADINGS = {"scenarios", "---"}
LEFT_OUT = {
    "5.5.0/ROCKETMQ/c_pop_push.jsonl.gz": "Java cuts off the codes of popping in this header",
    "4.9.7/JSON/b_send_namespace.jsonl.gz": "ended before its consumer had its queues",
}


class Row(NamedTuple):
    """A row of the page's table; ``request (text)`` is one that says the text."""

    scenarios: str
    who: str
    request: str

    def tells_of(self, scenario: str, difference: Difference) -> bool:
        """Return whether it is about this difference."""
        name, _, text = self.request.partition(" (")
        return (
            any(fnmatchcase(scenario, pattern) for pattern in self.scenarios.split(", "))
            and self.who == difference.kind
            and fnmatchcase(difference.what, name)
            and text.removesuffix(")") in difference.detail
        )


def rows():
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and cells[0] not in HEADINGS:
            found.append(Row(*cells[:3]))
    return found


def scenarios():
    """Return the recordings of each scenario and release."""
    found = defaultdict(list)
    for path in frame_files():
        if PROGRAMS.match(path.name) and "/".join(path.parts[-3:]) not in LEFT_OUT:
            recording = Recording(path)
            found[f"{recording.release} {recording.name}"].append(recording)
    return found


def test_page_says_exactly_in_what_the_sequences_differ():
    table, told, untold = rows(), set(), []
    for scenario, recordings in scenarios().items():
        for difference in compared(recordings):
            about = [row for row in table if row.tells_of(scenario, difference)]
            told.update(about)
            if not about:
                untold.append((scenario, *difference))
    assert untold == []
    assert [row for row in table if row not in told] == []
