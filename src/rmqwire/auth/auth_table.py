"""The users and policies of a broker of 5.x, in ``config/auth.json`` (Java keeps them in RocksDB).

``AuthenticationMetadataManagerImpl`` and ``AuthorizationMetadataManagerImpl`` in one: each change is on the
disk before it counts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rmqwire.auth.policy import CUSTOM, Policies, Resource, read_policies, shown_policies
from rmqwire.codec.bodies import AclInfo, UserInfo
from rmqwire.errors import AclError, BadBody
from rmqwire.settings.secret import REDACTED

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from rmqwire.auth.credentials import Credentials
    from rmqwire.codec.bodies import PolicyInfo
    from rmqwire.codec.release import Release
    from rmqwire.disk.table_file import ConfigFile

SUPER: Final = "Super"
NORMAL: Final = "Normal"
ENABLED: Final = "enable"
DISABLED: Final = "disable"
_TYPES: Final = {"super": SUPER, "normal": NORMAL}
_STATUSES: Final = {ENABLED: ENABLED, DISABLED: DISABLED}
_USER: Final = "User:"
_UNKNOWN: Final = "?"  # no verdict yet; None is one
_MOST_VERDICTS: Final = 10_000  # then they are forgotten: a stranger's many names hold no memory
Verdict = tuple[str, str, str | None, frozenset[str], str]  # user, kind, name, actions, host


class AuthTable:
    """Users by name, and their policies.

    Args:
        file: ``config/auth.json``, its owner's alone.
        release: whose JSON is written.

    Attributes:
        java_rows: where a Java broker of the same store keeps its users.
    """

    def __init__(self, file: ConfigFile, release: Release) -> None:
        self.users: dict[str, UserInfo] = {}
        self.policies: dict[str, Policies] = {}
        self.java_rows = f"{file.path.rpartition('/')[0]}/users/CURRENT"
        self._file = file
        self._release = release
        self._verdicts: dict[Verdict, str | None] = {}

    # --- the file

    def load(self) -> bool:
        """Read the file; False when there is none.

        Raises:
            StoreError: it can't be read.
        """
        return self._file.load(self._decode)

    def _decode(self, data: bytes) -> None:
        try:
            whole = json.loads(data)
            users = [UserInfo.decode(_bytes(user), self._release) for user in whole["users"]]
            acls = [AclInfo.decode(_bytes(acl), self._release) for acl in whole["acls"]]
            policies = {name_of(acl.subject): read_policies(acl.policies or ()) for acl in acls}
        except (ValueError, KeyError, TypeError, AclError):
            raise BadBody("users or policies can't be read") from None
        self._use({user.username: user for user in users}, policies)

    def _write(self, users: dict[str, UserInfo], policies: dict[str, Policies]) -> None:
        """Write, then use.

        Raises:
            OSError: the disk failed; nothing has changed.
        """
        release = self._release
        whole = {
            "users": [json.loads(user.encode(release)) for user in users.values()],
            "acls": [
                json.loads(shown_policies(_USER + name, found).encode(release))
                for name, found in policies.items()
            ],
        }
        self._file.persist(json.dumps(whole, indent=1).encode())
        self._use(users, policies)

    def _use(self, users: dict[str, UserInfo], policies: dict[str, Policies]) -> None:
        self.users, self.policies = users, policies
        self._verdicts.clear()

    # --- users

    def create_user(self, info: UserInfo, policies: Sequence[PolicyInfo] = ()) -> None:
        """Add a user, enabled and normal unless it says otherwise, and its policies with it."""
        self.create_users([(info, policies)])

    def create_users(self, infos: Iterable[tuple[UserInfo, Sequence[PolicyInfo]]]) -> None:
        """Add users with their policies, all of them or, where one can't be added, none."""
        users, found = dict(self.users), dict(self.policies)
        for info, policies in infos:
            if not (info.password or "").strip():
                raise AclError("password can not be blank")
            if info.username in users:
                raise AclError("The user is existed")
            users[info.username] = UserInfo(
                username=info.username,
                password=info.password,
                user_type=_TYPES.get((info.user_type or "").lower(), NORMAL),
                user_status=_STATUSES.get((info.user_status or "").lower(), ENABLED),
            )
            if policies:
                found[info.username] = read_policies(policies)
        self._write(users, found)

    def update_user(self, info: UserInfo) -> None:
        """Change what is given of a user."""
        old = self.users.get(info.username)
        if old is None:
            raise AclError("The user is not exist")
        user = UserInfo(
            username=old.username,
            password=info.password if (info.password or "").strip() else old.password,
            user_type=_TYPES.get((info.user_type or "").lower(), old.user_type),
            user_status=_STATUSES.get((info.user_status or "").lower(), old.user_status),
        )
        self._write({**self.users, user.username: user}, self.policies)

    def delete_user(self, name: str) -> None:
        """Remove a user and its policies; no error when there is none."""
        users = {key: user for key, user in self.users.items() if key != name}
        policies = {key: found for key, found in self.policies.items() if key != name}
        if users != self.users or policies.keys() != self.policies.keys():
            self._write(users, policies)

    def ensure_super(self, credentials: Credentials) -> None:
        """Add a user who may do everything, if there is none of that name (``initUser``)."""
        if credentials.access_key not in self.users:
            user = UserInfo(
                username=credentials.access_key,
                password=credentials.secret_key,
                user_type=SUPER,
            )
            self.create_user(user)

    def take_over(
        self, infos: Sequence[UserInfo], acls: Sequence[AclInfo], own: Collection[str]
    ) -> bool:
        """Have a master's users and policies from now on; False: they were here already.

        A master without any user asks nobody who they are: that is no reason to forget those of this broker.

        Args:
            infos: all of its users.
            acls: all of its policies.
            own: users whom this broker makes itself; they stay where the master has none of their name.

        Raises:
            AclError: one of them can't be used; nothing has changed.
            OSError: the disk failed; nothing has changed.
        """
        if not infos:
            return False
        for info in infos:
            if info.password in {None, "", REDACTED}:
                raise AclError(f"the password of User:{info.username} is told to super users alone")
        users = {info.username: info for info in infos}
        told = [(name_of(acl.subject), acl.policies or ()) for acl in acls]
        policies = {name: read_policies(found) for name, found in told if name in users}
        for name in own:
            if name in self.users and name not in users:
                users[name] = self.users[name]
                if name in self.policies:
                    policies[name] = self.policies[name]
        if (users, policies) == (self.users, self.policies):
            return False
        self._write(users, policies)
        return True

    def is_super(self, name: str) -> bool:
        """Return whether a user may do everything."""
        user = self.users.get(name)
        return user is not None and user.user_type == SUPER

    # --- policies

    def decide(
        self, user: str, kind: str, name: str | None, actions: frozenset[str], host: str
    ) -> str | None:
        """Return the decision about a user's request, looked for once until something changes.

        Args:
            user: who asks.
            kind: Topic, Group or Cluster.
            name: of it; None: the request names none.
            actions: one of them is enough.
            host: where the request comes from.
        """
        asked = (user, kind, name, actions, host)
        known = self._verdicts.get(asked, _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        policies = self.policies.get(user)
        decision = None if policies is None else policies.decide(kind, name, actions, host)
        if len(self._verdicts) >= _MOST_VERDICTS:
            self._verdicts.clear()
        self._verdicts[asked] = decision
        return decision

    def update_acl(self, subject: str, info: AclInfo) -> None:
        """Add entries to a user's policies, or replace those of the same resources."""
        name = name_of(subject)
        fresh = read_policies(info.policies or ())
        if name not in self.users:
            raise AclError(f"The subject of {_USER}{name} is not exist.")
        whole = self._copy_of(name)
        whole.update(fresh)
        self._write(self.users, {**self.policies, name: whole})

    def delete_acl(self, subject: str, policy: str | None, resource: str | None) -> None:
        """Remove the entry of one resource, or all policies of a user."""
        name = self._known(subject)
        if name not in self.policies:
            raise AclError("The acl is not exist.")
        whole, meant = self._copy_of(name), Resource.read(resource)
        if meant is not None:
            whole.delete((policy or CUSTOM).capitalize(), meant)
        policies = {key: found for key, found in self.policies.items() if key != name}
        if meant is not None and whole.entries:
            policies[name] = whole
        self._write(self.users, policies)

    def acl_of(self, subject: str) -> AclInfo | None:
        """Return the policies of a user who exists; None: it has none."""
        name = self._known(subject)
        found = self.policies.get(name)
        return None if found is None else shown_policies(_USER + name, found)

    def acls(self, subject_filter: str | None, resource_filter: str | None) -> list[AclInfo]:
        """Return the policies of users whose subject has the one text in it, of such resources."""
        shown = [
            shown_policies(_USER + name, found, resource_filter)
            for name, found in sorted(self.policies.items())
            if (subject_filter or "").strip() in _USER + name
        ]
        return [info for info in shown if info.policies]

    def _known(self, subject: str) -> str:
        name = name_of(subject)
        if name not in self.users:
            raise AclError("The subject is not exist.")
        return name

    def _copy_of(self, name: str) -> Policies:
        found = self.policies.get(name, Policies()).entries
        return Policies({kind: list(entries) for kind, entries in found.items()})


def is_subject(text: str | None) -> bool:
    """Return whether a text is ``User:name``: there are no other subjects."""
    return (text or "").lower().startswith(_USER.lower())


def name_of(subject: str | None) -> str:
    """Return whom a subject names.

    Raises:
        AclError: it is no ``User:name``.
    """
    if subject is None or not is_subject(subject):
        raise AclError("The subject is null.")
    return subject[len(_USER) :]


def _bytes(value: Any) -> bytes:  # noqa: ANN401  any JSON
    return json.dumps(value).encode()
