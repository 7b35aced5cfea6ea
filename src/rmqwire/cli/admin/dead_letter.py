"""``rmqwire admin``: dead letters sent again; a verb of our own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from rmqwire.admin.dead_letter import LetterChoice
from rmqwire.cli.admin.moments import MOMENT
from rmqwire.cli.admin.printing import row, time_text
from rmqwire.cli.admin.verb import verb
from rmqwire.cli.options import TEXT
from rmqwire.cli.output import note, say
from rmqwire.cli.runner import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.admin.dead_letter import Resending
    from rmqwire.cli.admin.verb import Call

ROW = "%-56s  %-20s  %-16s  %s"


@verb(
    "resendDLQ",
    example="resendDLQ -n 127.0.0.1:9876 -g readers --count 100 --dry-run",
    changes=True,
)
@click.option(
    "-g", "--consumerGroup", "group", type=TEXT, required=True, metavar="NAME",
    help="Whose dead letters.",
)  # fmt: skip
@click.option("-c", "--count", type=click.IntRange(min=1), help="So many at most. Default: all.")
@click.option(
    "-b", "--beginTimestamp", "begin_ms", type=MOMENT,
    help="That died then or later: epoch ms or yyyy-MM-dd#HH:mm:ss:SSS.",
)  # fmt: skip
@click.option("-e", "--endTimestamp", "end_ms", type=MOMENT, help="That died before then.")
@click.option("-k", "--msgKey", "key", type=TEXT, metavar="KEY", help="That have this key or id.")
async def resend_dlq(
    call: Call,
    group: str,
    count: int | None,
    begin_ms: int | None,
    end_ms: int | None,
    key: str | None,
) -> None:
    """Send dead letters of a group to their topics again; every group of those topics gets them.

    Run again after an interruption it goes on: each message that is sent again says which dead letter
    it was, and one whose topic has it already is not sent twice. The letters stay in %DLQ%. Exit code 1
    when the topic of one isn't known.
    """
    outcomes: Counter[str] = Counter()
    if not call.as_json:
        say(row(ROW, "#Message ID", "#Origin", "#Outcome", "#Died at"))

    def tell(done: Resending) -> None:
        outcomes[done.outcome] += 1
        _tell(call, done)

    choice = LetterChoice(count, begin_ms, end_ms, key)
    try:
        await call.admin.resend_dead_letters(group, tell, choice=choice, dry_run=call.dry_run)
    finally:
        told = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))
        note(told or "no dead letters of this kind")
    if outcomes["NO_ORIGIN"]:
        call.outcome.code = FAILED


def _tell(call: Call, done: Resending) -> None:
    if not call.as_json:
        call.tell([done], _lines)
        return
    letter, result = done.letter, done.result
    found = {
        "msgId": letter.msg_id,
        "deadLetterId": letter.offset_msg_id,
        "origin": done.topic,
        "outcome": done.outcome,
        "diedAt": letter.store_timestamp,
        "offsetMsgId": None if result is None else result.offset_msg_id,
    }
    call.tell([found], lambda _: ())


def _lines(done: Resending) -> Iterator[str]:
    if (
        done.outcome != "ALREADY_RESENT"
    ):  # a run that goes on would show all that an earlier one did
        letter = done.letter
        yield row(ROW, letter.msg_id, done.topic, done.outcome, time_text(letter.store_timestamp))
