"""Which settings are secrets: shown to nobody, in no answer and in no log."""

from __future__ import annotations

import re
from typing import Final

_SECRET: Final = re.compile(
    r"secret|password|passwd|credential|token|signature|accesskey|initauthenticationuser"
    r"|exporterheader",
    re.IGNORECASE,
)
REDACTED: Final = "******"


def shown(name: str, text: str) -> str:
    """Return a setting's value as it may be shown to others."""
    return REDACTED if text and _SECRET.search(name) else text
