"""Packages of many classes, each of which is imported when it is first asked for (PEP 562).

A broker that starts needs a quarter of the headers and half of the bodies.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def homes(table: Mapping[str, str]) -> dict[str, str]:
    """Return the module of each name of a table that has the names of each module, blank-separated."""
    return {name: module for module, names in table.items() for name in names.split()}


def importer(namespace: dict[str, object], home_of: Mapping[str, str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package.

    Args:
        namespace: the package's globals; what was imported stays there.
        home_of: the module of each name, below the package.
    """
    package = namespace["__name__"]

    def find(name: str) -> object:
        module = home_of.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(import_module(f"{package}.{module}"), name)
        namespace[name] = value
        return value

    return find
