"""Settings from the environment: ``RMQWIRE_BROKER_NAME=a`` is ``brokerName=a``.

For containers, where a variable is at hand sooner than a file. They win over the file and lose to the
command line; an empty one counts as unset.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from rmqwire.codec.native import SWITCH as LANE
from rmqwire.errors import ConfigError
from rmqwire.settings.key import attribute_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

PREFIX: Final = "RMQWIRE_"
ADDRESS_FILE: Final = "RMQWIRE_ADDRESS_FILE"
ADVERTISED_HOST: Final = "RMQWIRE_ADVERTISED_HOST"
CACHE: Final = "RMQWIRE_CACHE"  # where the tests beside Java keep its jars
CREDENTIALS: Final = "RMQWIRE_CREDENTIALS"  # a tools.yml for the commands
ACCESS_KEY: Final = "RMQWIRE_ACCESS_KEY"
SECRET_KEY: Final = "RMQWIRE_SECRET_KEY"  # noqa: S105  the variable's name
SECURITY_TOKEN: Final = "RMQWIRE_SECURITY_TOKEN"  # noqa: S105  the variable's name
_NO_SETTINGS: Final = frozenset(
    {
        ADDRESS_FILE,
        ADVERTISED_HOST,
        CACHE,
        CREDENTIALS,
        ACCESS_KEY,
        SECRET_KEY,
        SECURITY_TOKEN,
        LANE,
    }
)
_TOLD: Final = "brokerIP1"  # to clients
_TOLD_SLAVES: Final = "brokerIP2"


class Environment(msgspec.Struct):
    """What the variables say.

    Attributes:
        settings: key -> text, over the file.
        defaults: key -> text, under the file.
        variables: key -> the variable that it came from.
        unknown: variables that are no setting.
    """

    settings: dict[str, str] = msgspec.field(default_factory=dict)
    defaults: dict[str, str] = msgspec.field(default_factory=dict)
    variables: dict[str, str] = msgspec.field(default_factory=dict)
    unknown: list[str] = msgspec.field(default_factory=list)

    def warnings(self) -> list[str]:
        """Return a line about variables that are no settings."""
        if not self.unknown:
            return []
        return [f"variables that are no settings, ignored: {', '.join(self.unknown)}"]

    def blamed(
        self, error: ConfigError, path: str | None, told: Container[str] = ()
    ) -> ConfigError:
        """Return an error that says where its value came from as well: its variable, or the file.

        Args:
            error: begins with the key.
            path: the file; None: no file.
            told: keys that the command line sets.
        """
        key = re.split("[=:]", str(error), maxsplit=1)[0]
        source = path if key in told else self.variables.get(key, path)
        return error if source is None else ConfigError(f"{source}: {error}")


def variable_of(key: str) -> str:
    """Return the variable of a key: ``tls.server.mode`` -> ``RMQWIRE_TLS_SERVER_MODE``."""
    return PREFIX + re.sub(r"\W", "_", attribute_of(key)).upper()


def read_environment(environ: Mapping[str, str], keys: Iterable[str]) -> Environment:
    """Read the variables.

    ``RMQWIRE_ADVERTISED_HOST`` is what others are told: clients, and slaves where nothing else is set
    for them.

    Args:
        environ: all variables.
        keys: those that are settings here.
    """
    ours = {name: text for name, text in environ.items() if name.startswith(PREFIX) and text}
    known = {variable_of(key): key for key in keys}
    found = Environment()
    host = ours.get(ADVERTISED_HOST)
    if host is not None and {_TOLD, _TOLD_SLAVES} <= set(known.values()):
        found.settings[_TOLD] = found.defaults[_TOLD_SLAVES] = host
        found.variables = dict.fromkeys((_TOLD, _TOLD_SLAVES), ADVERTISED_HOST)
    for name, text in sorted(ours.items()):
        key = known.get(name)
        if key is not None:
            found.settings[key] = text
            found.variables[key] = name
        elif name not in _NO_SETTINGS:
            found.unknown.append(name)
    return found
