"""One account of ``plain_acl.yml`` (Java ``PlainAccessConfig`` and the ``PlainAccessResource`` made of it)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.auth.addresses import address_matcher
from rmqwire.auth.permission import ADMIN_CODES, is_allowed, parse_permission, parse_resource
from rmqwire.codec.bodies import PlainAccessConfig
from rmqwire.codec.java_map import hash_map_order
from rmqwire.codec.message_const import RETRY_GROUP_TOPIC_PREFIX
from rmqwire.errors import AclError
from rmqwire.settings.secret import REDACTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rmqwire.auth.wanted import Wanted

MIN_LENGTH: Final = 6  # an access key and a secret key are longer

_CHECK: Final = "plain.PlainPermissionManager.checkPerm(PlainPermissionManager.java:%d)"
_NEEDS_ADMIN, _BY_DEFAULT, _BY_NAME = _CHECK % 580, _CHECK % 605, _CHECK % 610

_FIELDS: Final = {
    name.lower(): name
    for name in (
        "accessKey",
        "secretKey",
        "whiteRemoteAddress",
        "admin",
        "defaultTopicPerm",
        "defaultGroupPerm",
        "topicPerms",
        "groupPerms",
    )
}
_TRUE: Final = frozenset(("true", "1", "y", "t"))
_FALSE: Final = frozenset(("false", "0", "f", "n", "", "null"))


class Account:
    """Who somebody is, and what he may do.

    Args:
        config: as the file has it.

    Attributes:
        secret: what its requests are signed with.
        is_white: whether an address needs no signature.

    Raises:
        AclError: a key is too short, a permission or the white list can't be read.
    """

    __slots__ = (
        "_admin",
        "_group_default",
        "_permissions",
        "_topic_default",
        "is_white",
        "key",
        "secret",
    )

    def __init__(self, config: PlainAccessConfig) -> None:
        self.key, secret = checked_keys(config)
        self.secret = secret.encode()
        self.is_white = address_matcher(config.white_remote_address)
        self._admin = config.admin
        self._topic_default = parse_permission(config.default_topic_perm)
        self._group_default = parse_permission(config.default_group_perm)
        self._permissions = dict(_permissions(config))

    def check(self, code: int, wanted: Wanted) -> None:
        """Refuse what the account may not do (``checkPerm``).

        Args:
            code: the request's.
            wanted: what it needs.

        Raises:
            AclError: it may not.
        """
        if code in ADMIN_CODES and not self._admin:
            raise AclError(
                f"Need admin permission for request code={code}, but accessKey={self.key} is not",
                _NEEDS_ADMIN,
            )
        permissions = self._permissions
        if not permissions and self._admin:
            return
        for resource, needed in wanted.items():
            if not is_allowed(needed, permissions.get(resource) or self._default(resource)):
                raise self._refusal(wanted)

    def _default(self, resource: str) -> int:
        is_group = resource.startswith(RETRY_GROUP_TOPIC_PREFIX)
        return self._group_default if is_group else self._topic_default

    def _refusal(self, wanted: Wanted) -> AclError:
        """Return the refusal of what Java looks at first."""
        owned = self._permissions.get
        resource = next(
            name
            for name in hash_map_order(wanted)
            if not is_allowed(wanted[name], owned(name) or self._default(name))
        )
        frame = _BY_DEFAULT if owned(resource) is None else _BY_NAME
        return AclError(f"No default permission for {_shown(resource)}", frame)


def _shown(resource: str) -> str:
    group = resource.removeprefix(RETRY_GROUP_TOPIC_PREFIX)
    return f"topic:{resource}" if group == resource else f"group:{group}"


def checked_keys(config: PlainAccessConfig) -> tuple[str, str]:
    """Return access key and secret key (``checkPlainAccessConfig``).

    Raises:
        AclError: one is missing or too short; Java's text shows the secret, this one doesn't.
    """
    key, secret = config.access_key, config.secret_key
    if key is None or secret is None or min(_length(key), _length(secret)) <= MIN_LENGTH:
        shown = "null" if secret is None else REDACTED
        raise AclError(
            f"The accessKey={'null' if key is None else key} and secretKey={shown} cannot be null "
            "and length should longer than 6"
        )
    return key, secret


def _length(text: str) -> int:
    """Return the length that Java counts: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _permissions(config: PlainAccessConfig) -> Iterator[tuple[str, int]]:
    for text in config.group_perms or ():
        name, permission = parse_resource(text, "group")
        yield RETRY_GROUP_TOPIC_PREFIX + name, permission
    for text in config.topic_perms or ():
        yield parse_resource(text, "topic")


def read_account(entry: object) -> PlainAccessConfig:
    """Read an entry of ``accounts`` as fastjson does: names in any case, numbers as texts.

    Raises:
        AclError: it isn't one; no value is quoted.
    """
    if not isinstance(entry, dict):
        raise AclError("an entry of accounts is no mapping")
    values: dict[str, object] = {}
    for name, value in entry.items():
        field = _FIELDS.get(str(name).replace("_", "").replace("-", "").lower())
        if field is not None:
            values[field] = value
    return PlainAccessConfig(
        access_key=_text(values, "accessKey"),
        secret_key=_text(values, "secretKey"),
        white_remote_address=_text(values, "whiteRemoteAddress"),
        admin=_boolean(values, "admin"),
        default_topic_perm=_text(values, "defaultTopicPerm"),
        default_group_perm=_text(values, "defaultGroupPerm"),
        topic_perms=_texts(values, "topicPerms"),
        group_perms=_texts(values, "groupPerms"),
    )


def text_of(value: object, name: str) -> str | None:
    """Return a value of a YAML file as text.

    Raises:
        AclError: it is no text and no number.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    raise AclError(f"{name} is neither a text nor a number")


def _text(values: dict[str, object], name: str) -> str | None:
    return text_of(values.get(name), name)


def _texts(values: dict[str, object], name: str) -> list[str] | None:
    found = values.get(name)
    if found is None:
        return None
    if not isinstance(found, list):
        raise AclError(f"{name} is no list")
    return [text for item in found if (text := text_of(item, name)) is not None]


def _boolean(values: dict[str, object], name: str) -> bool:
    text = (_text(values, name) or "").lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise AclError(f"{name} is neither true nor false")
