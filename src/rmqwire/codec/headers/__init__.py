"""Typed custom headers under RocketMQ's class names. Written by ``tools/gen_headers.py``.

RocketMQ: every ``CommandCustomHeader``. One definition serves both releases: a field is required
where every release that has the class requires it; a comment names the release that alone has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.exports import homes, importer

if TYPE_CHECKING:
    from rmqwire.codec.headers.acl import *
    from rmqwire.codec.headers.admin import *
    from rmqwire.codec.headers.base import *
    from rmqwire.codec.headers.client import *
    from rmqwire.codec.headers.controller import *
    from rmqwire.codec.headers.filtersrv import *
    from rmqwire.codec.headers.group import *
    from rmqwire.codec.headers.ha import *
    from rmqwire.codec.headers.lite import *
    from rmqwire.codec.headers.namesrv import *
    from rmqwire.codec.headers.offset import *
    from rmqwire.codec.headers.pop import *
    from rmqwire.codec.headers.pull import *
    from rmqwire.codec.headers.rpc import *
    from rmqwire.codec.headers.send import *
    from rmqwire.codec.headers.transaction import *

_HOME = homes(
    {
        "acl": """
            CreateAccessConfigRequestHeader
            CreateAclRequestHeader
            CreateUserRequestHeader
            DeleteAccessConfigRequestHeader
            DeleteAclRequestHeader
            DeleteUserRequestHeader
            GetAclRequestHeader
            GetBrokerAclConfigResponseHeader
            GetBrokerClusterAclConfigResponseHeader
            GetUserRequestHeader
            ListAclsRequestHeader
            ListUsersRequestHeader
            UpdateAclRequestHeader
            UpdateGlobalWhiteAddrsConfigRequestHeader
            UpdateUserRequestHeader
        """,
        "admin": """
            CheckRocksdbCqWriteProgressRequestHeader
            CreateTopicListRequestHeader
            CreateTopicRequestHeader
            DeleteTopicRequestHeader
            ExportRocksDBConfigToJsonRequestHeader
            GetAllTopicConfigRequestHeader
            GetAllTopicConfigResponseHeader
            GetBrokerConfigResponseHeader
            GetConsumeStatsInBrokerHeader
            GetConsumeStatsRequestHeader
            GetTopicConfigRequestHeader
            GetTopicStatsInfoRequestHeader
            StatisticsMessagesRequestHeader
            ViewBrokerStatsDataRequestHeader
        """,
        "base": """
            Header
        """,
        "client": """
            ConsumeMessageDirectlyResultRequestHeader
            GetAllProducerInfoRequestHeader
            GetConsumerConnectionListRequestHeader
            GetConsumerListByGroupRequestHeader
            GetConsumerListByGroupResponseHeader
            GetConsumerRunningInfoRequestHeader
            GetConsumerStatusRequestHeader
            GetProducerConnectionListRequestHeader
            HeartbeatRequestHeader
            LockBatchMqRequestHeader
            NotifyConsumerIdsChangedRequestHeader
            QuerySubscriptionByConsumerRequestHeader
            QueryTopicConsumeByWhoRequestHeader
            QueryTopicsByConsumerRequestHeader
            UnlockBatchMqRequestHeader
            UnregisterClientRequestHeader
            UnregisterClientResponseHeader
        """,
        "controller": """
            AlterSyncStateSetRequestHeader
            AlterSyncStateSetResponseHeader
            ApplyBrokerIdRequestHeader
            ApplyBrokerIdResponseHeader
            BrokerCloseChannelRequest
            BrokerCloseChannelResponse
            CheckNotActiveBrokerRequest
            CheckNotActiveBrokerResponse
            CleanControllerBrokerDataRequestHeader
            ElectMasterRequestHeader
            ElectMasterResponseHeader
            GetBrokerLiveInfoRequest
            GetBrokerLiveInfoResponse
            GetMetaDataResponseHeader
            GetNextBrokerIdRequestHeader
            GetNextBrokerIdResponseHeader
            GetReplicaInfoRequestHeader
            GetReplicaInfoResponseHeader
            GetSyncStateDataRequest
            NotifyBrokerRoleChangedRequestHeader
            RaftBrokerHeartBeatEventRequest
            RaftBrokerHeartBeatEventResponse
            RegisterBrokerToControllerRequestHeader
            RegisterBrokerToControllerResponseHeader
        """,
        "filtersrv": """
            RegisterFilterServerRequestHeader
            RegisterFilterServerResponseHeader
            RegisterMessageFilterClassRequestHeader
        """,
        "group": """
            DeleteSubscriptionGroupRequestHeader
            GetAllSubscriptionGroupRequestHeader
            GetAllSubscriptionGroupResponseHeader
            GetSubscriptionGroupConfigRequestHeader
            UpdateGroupForbiddenRequestHeader
        """,
        "ha": """
            AddBrokerRequestHeader
            ExchangeHAInfoRequestHeader
            ExchangeHAInfoResponseHeader
            GetBrokerMemberGroupRequestHeader
            NotifyMinBrokerIdChangeRequestHeader
            RemoveBrokerRequestHeader
        """,
        "lite": """
            GetLiteClientInfoRequestHeader
            GetLiteGroupInfoRequestHeader
            GetLiteTopicInfoRequestHeader
            GetParentTopicInfoRequestHeader
            LiteSubscriptionCtlRequestHeader
            NotifyUnsubscribeLiteRequestHeader
            PopLiteMessageRequestHeader
            PopLiteMessageResponseHeader
            TriggerLiteDispatchRequestHeader
        """,
        "namesrv": """
            AddWritePermOfBrokerRequestHeader
            AddWritePermOfBrokerResponseHeader
            BrokerHeartbeatRequestHeader
            DeleteKVConfigRequestHeader
            DeleteTopicFromNamesrvRequestHeader
            GetKVConfigRequestHeader
            GetKVConfigResponseHeader
            GetKVListByNamespaceRequestHeader
            GetRouteInfoRequestHeader
            GetTopicsByClusterRequestHeader
            PutKVConfigRequestHeader
            QueryDataVersionRequestHeader
            QueryDataVersionResponseHeader
            RegisterBrokerRequestHeader
            RegisterBrokerResponseHeader
            RegisterOrderTopicRequestHeader
            RegisterTopicRequestHeader
            UnRegisterBrokerRequestHeader
            WipeWritePermOfBrokerRequestHeader
            WipeWritePermOfBrokerResponseHeader
        """,
        "offset": """
            CloneGroupOffsetRequestHeader
            GetEarliestMsgStoretimeRequestHeader
            GetEarliestMsgStoretimeResponseHeader
            GetMaxOffsetRequestHeader
            GetMaxOffsetResponseHeader
            GetMinOffsetRequestHeader
            GetMinOffsetResponseHeader
            InitConsumerOffsetRequestHeader
            QueryConsumeTimeSpanRequestHeader
            QueryConsumerOffsetRequestHeader
            QueryConsumerOffsetResponseHeader
            QueryCorrectionOffsetHeader
            ResetMasterFlushOffsetHeader
            ResetOffsetRequestHeader
            SearchOffsetRequestHeader
            SearchOffsetResponseHeader
            UpdateConsumerOffsetRequestHeader
            UpdateConsumerOffsetResponseHeader
        """,
        "pop": """
            AckMessageRequestHeader
            ChangeInvisibleTimeRequestHeader
            ChangeInvisibleTimeResponseHeader
            NotificationRequestHeader
            NotificationResponseHeader
            PeekMessageRequestHeader
            PollingInfoRequestHeader
            PollingInfoResponseHeader
            PopMessageRequestHeader
            PopMessageResponseHeader
        """,
        "pull": """
            PullMessageRequestHeader
            PullMessageResponseHeader
            QueryConsumeQueueRequestHeader
            QueryMessageRequestHeader
            QueryMessageResponseHeader
            ViewMessageRequestHeader
            ViewMessageResponseHeader
        """,
        "rpc": """
            RpcRequestHeader
            TopicQueueRequestHeader
            TopicRequestHeader
        """,
        "send": """
            ConsumerSendMsgBackRequestHeader
            RecallMessageRequestHeader
            RecallMessageResponseHeader
            ReplyMessageRequestHeader
            SendMessageRequestHeader
            SendMessageRequestHeaderV2
            SendMessageResponseHeader
        """,
        "transaction": """
            CheckTransactionStateRequestHeader
            CheckTransactionStateResponseHeader
            EndTransactionRequestHeader
            EndTransactionResponseHeader
            ResumeCheckHalfMessageRequestHeader
        """,
    }
)
__all__ = [*_HOME]
__getattr__ = importer(globals(), _HOME)
