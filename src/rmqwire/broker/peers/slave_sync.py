"""What a slave takes over from its master besides messages (``SlaveSynchronize``).

Topics come from the master's second port, the rest from its first. A part that can't be had is
left as it is and asked for again in the next round; the log says it once, and when it has come. What
a master's release doesn't have isn't asked for.

How far something has come (consumer and delay offsets, the timers' check point) counts here once the
log is as long as the master's was when it told so: before, what was popped, delivered or brought back
would be passed by, and the records that say so be missing. Java's slaves don't wait.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rmqwire.auth.credentials import own_users
from rmqwire.broker.peers.troubles import Troubles
from rmqwire.broker_errors import BrokerSystemError
from rmqwire.codec.bodies import (
    AclInfo,
    HARuntimeInfo,
    SubscriptionGroupWrapper,
    TopicConfigSerializeWrapper,
    UserInfo,
)
from rmqwire.codec.codes import LanguageCode, RequestCode
from rmqwire.codec.command import RemotingCommand
from rmqwire.codec.headers import (
    GetAllSubscriptionGroupRequestHeader,
    GetAllSubscriptionGroupResponseHeader,
    GetAllTopicConfigRequestHeader,
    GetAllTopicConfigResponseHeader,
    ListAclsRequestHeader,
    ListUsersRequestHeader,
)
from rmqwire.codec.release import release_of
from rmqwire.errors import AclError, BrokerError, ConnectFailed, ProtocolError, RemotingError
from rmqwire.remoting.client import expect, split_address
from rmqwire.store.deleted_topics import DELETIONS, decode_deletions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rmqwire.broker.state import BrokerState
    from rmqwire.codec.bodies import DataVersion
    from rmqwire.codec.headers.base import Header
    from rmqwire.remoting.client import RemotingClient

logger = logging.getLogger(__name__)

TIMEOUT_MS = 3_000
FAULTS = (RemotingError, ProtocolError, BrokerError, OSError, ValueError)
PAGE_SIZE = 2_000  # entries asked for at once (5.x splitMetadataSize)
ALL_TOPICS = 2**31 - 1  # a page behind the last one: no topic is sent


def vip_address(addr: str) -> str:
    """Return a broker's second address: its port - 2 (``MixAll.brokerVIPChannel``)."""
    host, port = split_address(addr)
    return f"[{host}]:{port - 2}" if ":" in host else f"{host}:{port - 2}"


class SlaveSynchronize:
    """Copies a master's tables.

    Args:
        client: carries the questions.
        state: whose tables are kept.
        changed: called when there is another master to ask.
        log_reaches: waits a while for the log to have so many bytes; whether it has.

    Attributes:
        master_addr: the master's ``host:port`` for clients; None: nobody to ask.
    """

    def __init__(
        self,
        client: RemotingClient,
        state: BrokerState,
        changed: Callable[[], None],
        log_reaches: Callable[[int], Awaitable[bool]],
    ) -> None:
        self._client = client
        self._state = state
        self.master_addr: str | None = None
        self._master = state.release.broker  # until an answer tells its release
        self._master_is_ours = False  # until an answer tells its language
        self._troubles = Troubles()
        self._tell_changed = changed
        self._log_reaches = log_reaches

    def follow(self, master_addr: str | None) -> None:
        """Ask another master from now on; the same one changes nothing."""
        if master_addr == self.master_addr:
            return
        logger.info("Update master address from %s to %s", self.master_addr, master_addr)
        self.master_addr = master_addr
        self._master = self._state.release.broker
        self._troubles = Troubles()
        if master_addr is not None:
            self._tell_changed()

    async def sync_all(self) -> bool:
        """Take over all tables; tell whether every one of them came."""
        master = self.master_addr
        if master is None or master == self._state.config.broker_addr:
            return False
        parts: list[tuple[str, Callable[[str], Awaitable[None]]]] = [
            ("topics (GET_ALL_TOPIC_CONFIG)", self._topics),
            ("deletions of topics", self._deletions),
            ("consumer offsets (GET_ALL_CONSUMER_OFFSET)", self._consumer_offsets),
            ("delay offsets (GET_ALL_DELAY_OFFSET)", self._delay_offsets),
            ("consumer groups (GET_ALL_SUBSCRIPTIONGROUP_CONFIG)", self._groups),
        ]
        if self._state.release.broker.syncs_request_modes:
            part = "message request modes (GET_ALL_MESSAGE_REQUEST_MODE)"
            parts.append((part, self._request_modes))
        if self._state.auth is not None:
            parts.append(("users and policies (AUTH_LIST_USER, AUTH_LIST_ACL)", self._users))
        if self.wants_timers:
            parts.append(("timer metrics (GET_TIMER_METRICS)", self._timer_metrics))
        good = True
        for name, sync in parts:
            try:
                await sync(master)
            except ConnectFailed as error:  # nor will the other parts come: one line says it
                self._failed(name, f"no tables taken over from {master}: {error}")
                return False
            except FAULTS as error:
                self._failed(name, f"{name} not taken over from {master}: {error}")
                good = False
            else:
                self._came(name, master)
        return good

    def _failed(self, part: str, text: str) -> None:
        level = logging.WARNING if self._troubles.failed(part, text) else logging.DEBUG
        logger.log(level, "%s", text)

    def _came(self, part: str, master: str) -> None:
        if failures := self._troubles.works(part):
            logger.warning("%s taken over from %s after failures: %d", part, master, failures)

    @property
    def wants_timers(self) -> bool:
        """Whether a broker of this release and with these settings asks for timers."""
        state = self._state
        return state.release.broker.syncs_timers and state.config.timer_wheel_enable

    async def sync_timer_checkpoint(self) -> None:
        """Take over how far the master has delivered timer messages (``syncTimerCheckPoint``)."""
        master = self.master_addr
        if master is None:
            return
        part = "timer check point (GET_TIMER_CHECK_POINT)"
        try:
            response = await self._ask_timers(master, RequestCode.GET_TIMER_CHECK_POINT)
            if response is not None:
                await self._catch_up(master)
                self._state.timer_progress.take_checkpoint(bytes(response.body))
        except FAULTS as error:
            self._failed(part, f"{part} not taken over from {master}: {error}")
        else:
            self._came(part, master)

    async def _ask(self, addr: str, code: int, header: Header | None = None) -> RemotingCommand:
        request = RemotingCommand.request(int(code), header)
        answer = await self._client.invoke(addr, request, TIMEOUT_MS)
        self._master = release_of(answer.version).broker
        self._master_is_ours = answer.language == LanguageCode.PYTHON
        return expect(answer, addr)

    def _version_text(self, version: DataVersion | None) -> str:
        return "" if version is None else version.encode(self._state.release).decode()

    async def _topics(self, master: str) -> None:
        whole: TopicConfigSerializeWrapper | None = None
        total: int | None = 0
        while whole is None or (total or 0) > len(whole.topic_config_table):
            header = None
            if self._state.release.broker.paged_tables:
                header = GetAllTopicConfigRequestHeader(
                    topic_seq=0 if whole is None else len(whole.topic_config_table),
                    data_version=self._version_text(None if whole is None else whole.data_version),
                    max_topic_num=PAGE_SIZE,
                )
            response = await self._ask_topics(master, header)
            part = TopicConfigSerializeWrapper.decode(response.body, self._state.release)
            total = response.decode_header(GetAllTopicConfigResponseHeader).total_topic_num
            if whole is None or part.data_version != whole.data_version:
                whole = part
            elif part.topic_config_table.keys() <= whole.topic_config_table.keys():
                break
            else:
                whole.topic_config_table.update(part.topic_config_table)
        self._state.topics.take_over(whole)

    async def _ask_topics(self, master: str, header: Header | None) -> RemotingCommand:
        """Ask at the second port, as Java does; at the first if nobody listens there."""
        code = RequestCode.GET_ALL_TOPIC_CONFIG
        try:
            return await self._ask(vip_address(master), code, header)
        except ConnectFailed:
            return await self._ask(master, code, header)

    async def _deletions(self, master: str) -> None:
        """Delete what the master deleted; Java tells its slaves nothing of that."""
        if not self._master_is_ours:
            return
        version = self._state.topics.data_version
        header = GetAllTopicConfigRequestHeader(
            topic_seq=ALL_TOPICS, data_version=self._version_text(version), max_topic_num=0
        )
        request = RemotingCommand.request(int(RequestCode.GET_ALL_TOPIC_CONFIG), header)
        request.ext_fields = {**(request.ext_fields or {}), DELETIONS: "true"}
        answer = expect(await self._client.invoke(master, request, TIMEOUT_MS), master)
        text = (answer.ext_fields or {}).get(DELETIONS)
        if text:
            self._state.store.cleaner.take_deletions(decode_deletions(text.encode()))

    async def _groups(self, master: str) -> None:
        whole: SubscriptionGroupWrapper | None = None
        total: int | None = 0
        while whole is None or (total or 0) > len(whole.subscription_group_table):
            header = None
            if self._state.release.broker.paged_tables:
                header = GetAllSubscriptionGroupRequestHeader(
                    group_seq=0 if whole is None else len(whole.subscription_group_table),
                    data_version=self._version_text(None if whole is None else whole.data_version),
                    max_group_num=PAGE_SIZE,
                )
            code = RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG
            response = await self._ask(master, code, header)
            part = SubscriptionGroupWrapper.decode(response.body, self._state.release)
            total = None
            if (response.ext_fields or {}).get("totalGroupNum") is not None:
                answer = response.decode_header(GetAllSubscriptionGroupResponseHeader)
                total = answer.total_group_num
            if whole is None or part.data_version != whole.data_version:
                whole = part
            elif part.subscription_group_table.keys() <= whole.subscription_group_table.keys():
                break
            else:
                whole.subscription_group_table.update(part.subscription_group_table)
                whole.forbidden_table.update(part.forbidden_table)
        self._state.groups.take_over(whole)

    async def _catch_up(self, master: str) -> None:
        """Wait until the log is as long as the master's is now.

        Raises:
            ValueError: it isn't, after some time.
        """
        if not self._master.syncs_timers:
            return  # 4.9 doesn't tell
        try:
            answer = await self._ask(master, RequestCode.GET_BROKER_HA_STATUS)
        except BrokerError as error:
            logger.debug("%s doesn't tell how long its log is: %s", master, error)
            return
        told = HARuntimeInfo.decode(bytes(answer.body), self._state.release)
        end = told.master_commit_log_max_offset
        if not await self._log_reaches(end):
            behind = end - self._state.store.max_phy_offset
            raise ValueError(f"the log is {behind} bytes behind the master's")

    async def _consumer_offsets(self, master: str) -> None:
        response = await self._ask(master, RequestCode.GET_ALL_CONSUMER_OFFSET)
        await self._catch_up(master)
        self._state.offsets.take_over(bytes(response.body))

    async def _delay_offsets(self, master: str) -> None:
        response = await self._ask(master, RequestCode.GET_ALL_DELAY_OFFSET)
        if response.body:
            await self._catch_up(master)
            self._state.schedule.decode(bytes(response.body))
            self._state.schedule.persist()

    async def _request_modes(self, master: str) -> None:
        if not self._master.syncs_request_modes:
            return
        response = await self._ask(master, RequestCode.GET_ALL_MESSAGE_REQUEST_MODE)
        self._state.request_modes.take_over(bytes(response.body))

    async def _users(self, master: str) -> None:
        """Have the master's users and policies; Java's slaves are told them by ``copyUser`` alone.

        Raises:
            ValueError: they can't be used; nothing has changed.
        """
        auth, config, release = self._state.auth, self._state.config, self._state.release
        if auth is None or self._master.plain_acl:
            return
        users = await self._ask(master, RequestCode.AUTH_LIST_USER, ListUsersRequestHeader())
        acls = await self._ask(master, RequestCode.AUTH_LIST_ACL, ListAclsRequestHeader())
        own = own_users(
            config.init_authentication_user, config.inner_client_authentication_credentials
        )
        try:
            changed = auth.table.take_over(
                UserInfo.decode_list(users.body, release),
                AclInfo.decode_list(acls.body, release),
                [credentials.access_key for credentials in own],
            )
        except AclError as error:
            raise ValueError(str(error)) from None
        if changed:
            logger.info("users and policies are those of %s now", master)

    async def _timer_metrics(self, master: str) -> None:
        response = await self._ask_timers(master, RequestCode.GET_TIMER_METRICS)
        if response is not None:
            self._state.timer_progress.take_metrics(bytes(response.body))

    async def _ask_timers(self, master: str, code: int) -> RemotingCommand | None:
        """Ask for something of the timer store; None from a master that has none."""
        if not self._master.syncs_timers:
            return None
        try:
            return await self._ask(master, code)
        except BrokerSystemError as error:
            if "is null" in error.remark:
                return None
            raise
