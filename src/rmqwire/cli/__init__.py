"""The command ``rmqwire``: one file per command, wiring only.

The commands are loaded when they are called, so that each starts as fast as it can.
"""

from rmqwire.cli.imports import nothing_is_garbage

with nothing_is_garbage():
    from rmqwire.cli.group import main

__all__ = ["main"]
