"""The YAML of ``plain_acl.yml`` and ``tools.yml``, read and written as Java's SnakeYAML does.

PyYAML is imported by whoever needs this module: a broker without access control does not. Its errors
quote the text that they are about, which may be a secret; here they only tell the line.
"""

from __future__ import annotations

from typing import Any

import yaml

from rmqwire.errors import AclError


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
    """No anchors: two accounts may hold the same list."""

    def ignore_aliases(self, _: object) -> bool:
        return True


def load_yaml(data: bytes, path: str) -> dict[str, Any]:
    """Return the mapping in a file; an empty one of a file that says nothing.

    Raises:
        AclError: it is no YAML, or no mapping.
    """
    try:
        found = yaml.load(data, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f", line {mark.line + 1}"
        raise AclError(f"{path}{where}: it can't be read as YAML") from None
    except ValueError:  # a date that is none
        raise AclError(f"{path}: it can't be read as YAML") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise AclError(f"{path}: it is no mapping")
    return found


def dump_yaml(data: dict[str, Any]) -> bytes:
    """Write a mapping as ``Yaml.dumpAsMap`` does."""
    text: str = yaml.dump(
        data,
        Dumper=_Dumper,
        default_flow_style=False,
        sort_keys=False,
        allow_unicode=True,
        width=80,
    )
    return text.encode()
