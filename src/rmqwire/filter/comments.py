"""Comments of SQL92 expressions that go to the end of a line.

``--`` begins one only where a line end follows; else it is two signs. A pattern in the grammar would
look for that end at each of many signs, which takes a minute. One walk over the text looks once.
"""

from __future__ import annotations

import re

_BEGIN = re.compile(r"--|'|/\*")
_STRING = re.compile(r"'[^']*(?:''[^']*)*'")
_LINE_END = re.compile(r"\r\n|\n|\r")


def without_line_comments(text: str) -> str:
    """Return a text of the same length in which blanks stand in place of these comments."""
    last_end = max(text.rfind("\n"), text.rfind("\r"))
    parts: list[str] = []
    done = at = 0
    while (found := _BEGIN.search(text, at)) is not None and found.start() < last_end:
        begin = found.start()
        if found[0] == "--":
            end = _LINE_END.search(text, begin)
            at = end.end() if end is not None else len(text)
            parts += (text[done:begin], " " * (at - begin))
            done = at
        elif found[0] == "'":
            string = _STRING.match(text, begin)
            at = string.end() if string is not None else len(text)
        else:
            closed = text.find("*/", begin + 2)
            at = closed + 2 if closed >= 0 else len(text)
    return "".join(parts) + text[done:]
