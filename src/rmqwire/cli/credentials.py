"""What the commands sign their requests with, as mqadmin does: never an argument, which ``ps`` shows.

In this order: the variables RMQWIRE_ACCESS_KEY and RMQWIRE_SECRET_KEY (and RMQWIRE_SECURITY_TOKEN);
the file that RMQWIRE_CREDENTIALS names; mqadmin's ``conf/tools.yml`` in ROCKETMQ_HOME, if it's there.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rmqwire.auth.credentials import credentials_from_environment, credentials_of
from rmqwire.errors import AclError, ConfigError
from rmqwire.settings.environment import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmqwire.auth.credentials import Credentials


def found_credentials(environ: Mapping[str, str] = os.environ) -> Credentials | None:
    """Return the credentials of this user; None: requests are not signed.

    Raises:
        ConfigError: those that are named can't be read.
    """
    credentials = credentials_from_environment(environ)
    if credentials is not None:
        return credentials
    named = environ.get(CREDENTIALS)
    if named:
        return _read(Path(named))
    home = environ.get("ROCKETMQ_HOME")
    tools = Path(home, "conf", "tools.yml") if home else None
    return _read(tools) if tools is not None and tools.exists() else None


def _read(path: Path) -> Credentials | None:
    from rmqwire.auth.acl_yaml import load_yaml  # noqa: PLC0415  PyYAML is imported with it

    try:
        return credentials_of(load_yaml(path.read_bytes(), str(path)), str(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except AclError as error:
        raise ConfigError(str(error)) from None
