"""Write for threads what the faces for asyncio have besides wrapped methods: iterations, transactions.

``aio/sending.py`` and ``aio/consuming.py`` are written by hand; their twins in ``blocking`` say the same
without ``await``. What is different in kind, such as how to wait, is in the ``face.py`` of each colour.
"""

from __future__ import annotations

import re

MODULES = ("sending", "consuming")
WORDS = (  # in this order
    (r"Its twin for threads is written from it by ``tools/make_faces.py``",
     "Written by ``tools/make_faces.py`` from the module for asyncio"),
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsyncIterator\b", "Iterator"),
    (r"\basynccontextmanager\b", "contextmanager"),
    (r"\b__aiter__\b", "__iter__"),
    (r"\brmqwire\.aio\b", "rmqwire.blocking"),
    (r"\bfrom asyncio import\b", "from concurrent.futures import"),
    (r"\ban asyncio program\b", "plain threads"),
    (r"\bAny number of tasks\b", "Any number of threads"),
    (r"( +)for delivery in batch:\n +yield delivery\n", r"\1yield from batch\n"),
)  # fmt: skip


def twin(text: str) -> str:
    """Return a module for threads, made of the one for asyncio."""
    for pattern, replacement in WORDS:
        text = re.sub(pattern, replacement, text)
    return text
