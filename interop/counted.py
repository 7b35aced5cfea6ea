"""rmqwire, noting which codes Java's programs ask it for: a script in the place of ``-m rmqwire``.

Each first request of a code in a test writes a line ``SERVER CODE`` to the file that the environment names;
its first line names the test (``codes_seen``).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from rmqwire.cli import main
from rmqwire.codec.codes import LanguageCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.remoting.dispatch import HandlerTable

CODES = "RMQWIRE_INTEROP_CODES"


class Noting:
    """An RPC hook that notes what Java asks for."""

    def __init__(self, server: str, file: Path) -> None:
        self.server, self.file = server, file
        self.told: set[tuple[str, int]] = set()

    def before_request(self, _peer: str, request: RemotingCommand) -> None:
        if request.language != int(LanguageCode.JAVA):
            return
        with self.file.open("r+") as file:
            key = (file.readline(), request.code)  # of this test
            if key not in self.told:
                self.told.add(key)
                file.seek(0, os.SEEK_END)
                file.write(f"{self.server} {request.code}\n")

    def after_response(self, *_: object) -> None:
        """Nothing of an answer is noted."""


def note() -> None:
    """Give every table of handlers the hook."""
    plain = HandlerTable.__init__

    def noting(self: HandlerTable, *args: Any, **more: Any) -> None:
        plain(self, *args, **more)
        self.hooks.append(Noting(sys.argv[1], Path(os.environ[CODES])))

    HandlerTable.__init__ = noting  # type: ignore[method-assign]


if __name__ == "__main__":
    note()
    main()
