"""The native lane's switch: is it installed, and is it wanted?

``rmqwire-speedups`` is a distribution of its own (``pip install rmqwire[fast]``), written in Rust.
``RMQWIRE_LANE`` is the switch: ``auto`` (also when it is not set) uses the module when there is one,
``python`` never, ``native`` fails without it.
"""

from __future__ import annotations

import importlib
import logging
import os
from typing import Final

from rmqwire.errors import ConfigError

logger = logging.getLogger(__name__)

MODULE: Final = "rmqwire_speedups"
SWITCH: Final = "RMQWIRE_LANE"
AUTO, PYTHON, NATIVE = "auto", "python", "native"
VERSION: Final = 19  # of what the two sides agree on


def is_native() -> bool:
    """Return whether ``rmqwire_speedups`` is to be used.

    Raises:
        ConfigError: the switch says something else, or wants a module that can't be used.
    """
    wanted = os.environ.get(SWITCH) or AUTO
    if wanted not in {AUTO, PYTHON, NATIVE}:
        raise ConfigError(f"{SWITCH}={wanted} is none of {AUTO}, {PYTHON}, {NATIVE}")
    if wanted == PYTHON:
        return False
    fault = module_fault()
    if fault and wanted == NATIVE:
        raise ConfigError(f"{SWITCH}={wanted}, but {fault}")
    return not fault


def module_fault() -> str:
    """Say why the module can't be used, "" when it can; one that is too old is worth a warning."""
    try:
        module = importlib.import_module(MODULE)
    except ImportError as error:
        return f"{MODULE} can't be imported: {error}"
    found = getattr(module, "VERSION", None)
    if found == VERSION:
        return ""
    fault = f"{MODULE} is of version {found}, {VERSION} is wanted: install it again"
    logger.warning(fault)
    return fault
