"""Every JSON body of RocketMQ 4.9.7 and 5.5.0, one typed class per Java class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmqwire.codec.exports import homes, importer

if TYPE_CHECKING:
    from rmqwire.codec.bodies.acl import *
    from rmqwire.codec.bodies.base import *
    from rmqwire.codec.bodies.broker_files import *
    from rmqwire.codec.bodies.common import *
    from rmqwire.codec.bodies.consumer import *
    from rmqwire.codec.bodies.filters import *
    from rmqwire.codec.bodies.group import *
    from rmqwire.codec.bodies.ha import *
    from rmqwire.codec.bodies.heartbeat import *
    from rmqwire.codec.bodies.lite import *
    from rmqwire.codec.bodies.offsets import *
    from rmqwire.codec.bodies.pop import *
    from rmqwire.codec.bodies.register import *
    from rmqwire.codec.bodies.route import *
    from rmqwire.codec.bodies.running_info import *
    from rmqwire.codec.bodies.static_topic import *
    from rmqwire.codec.bodies.stats import *
    from rmqwire.codec.bodies.topic import *

_HOME = homes(
    {
        "acl": """
            Acl
            AclConfig
            AclInfo
            ClusterAclVersionInfo
            GetBrokerClusterAclConfigResponseBody
            PlainAccessConfig
            PlainAccessDataVersion
            PolicyEntryInfo
            PolicyInfo
            User
            UserInfo
        """,
        "base": """
            Body
        """,
        "broker_files": """
            CheckRocksdbCqWriteResult
            KVConfigSerializeWrapper
            Metric
            TimerMetricsSerializeWrapper
            TransactionMetricsSerializeWrapper
        """,
        "common": """
            DataVersion
            GroupList
            KVTable
            MessageQueue
            MessageQueueForC
            TopicList
        """,
        "consumer": """
            Connection
            ConsumeByWho
            ConsumeMessageDirectlyResult
            ConsumerConnection
            GetConsumerListByGroupResponseBody
            LockBatchRequestBody
            LockBatchResponseBody
            ProducerConnection
            ProducerInfo
            ProducerTableInfo
            QuerySubscriptionResponseBody
            UnlockBatchRequestBody
        """,
        "filters": """
            BloomFilterData
            ConsumerFilterData
            ConsumerFilterSerializeWrapper
            FilterDataMapByTopic
        """,
        "group": """
            CustomizedRetryPolicy
            DeleteSubscriptionGroupListRequestBody
            ExponentialRetryPolicy
            GroupForbidden
            GroupRetryPolicy
            SimpleSubscriptionData
            SubscriptionGroupConfig
            SubscriptionGroupList
            SubscriptionGroupWrapper
        """,
        "ha": """
            BrokerIdentity
            BrokerReplicasInfo
            BrokerSyncInfo
            ElectMasterResponseBody
            EpochEntry
            EpochEntryCache
            HAClientRuntimeInfo
            HAConnectionRuntimeInfo
            HARuntimeInfo
            ReplicaIdentity
            ReplicasInfo
            RoleChangeNotifyEntry
            SyncStateSet
        """,
        "heartbeat": """
            CheckClientRequestBody
            ConsumerData
            HeartbeatData
            ProducerData
            SubscriptionData
        """,
        "lite": """
            ClientGroup
            GetBrokerLiteInfoResponseBody
            GetLiteClientInfoResponseBody
            GetLiteGroupInfoResponseBody
            GetLiteTopicInfoResponseBody
            GetParentTopicInfoResponseBody
            LiteLagInfo
            LiteSubscription
            LiteSubscriptionCtlRequestBody
            LiteSubscriptionDTO
            OffsetOption
        """,
        "offsets": """
            ConsumerOffsetSerializeWrapper
            ConsumerOffsetTable
            DelayOffsetSerializeWrapper
            GetConsumerStatusBody
            LmqConsumerOffsetTable
            OffsetSerializeWrapper
            QueryCorrectionOffsetBody
            ResetOffsetBody
            ResetOffsetBodyForC
            RocksDBOffsetSerializeWrapper
        """,
        "pop": """
            AckMsg
            BatchAck
            BatchAckMessageRequestBody
            BatchAckMsg
            ConsumerOrderInfoTable
            MessageQueueAssignment
            MessageRequestModeSerializeWrapper
            OrderInfo
            PopCheckPoint
            QueryAssignmentRequestBody
            QueryAssignmentResponseBody
            SetMessageRequestModeRequestBody
        """,
        "register": """
            RegisterBrokerBody
        """,
        "route": """
            BrokerData
            BrokerMemberGroup
            ClusterInfo
            GetBrokerMemberGroupResponseBody
            QueueData
            RegisterBrokerResult
            TopicRouteData
        """,
        "running_info": """
            ConsumeStatus
            ConsumerRunningInfo
            PopProcessQueueInfo
            ProcessQueueInfo
        """,
        "static_topic": """
            LogicQueueMappingItem
            TopicConfigAndMappingSerializeWrapper
            TopicConfigAndQueueMapping
            TopicQueueMappingDetail
            TopicQueueMappingInfo
            TopicQueueMappingOne
            TopicQueueMappingSerializeWrapper
            TopicRemappingDetailWrapper
        """,
        "stats": """
            BrokerStatsData
            BrokerStatsItem
            ConsumeQueueData
            ConsumeStats
            ConsumeStatsList
            OffsetWrapper
            QueryConsumeQueueResponseBody
            QueryConsumeTimeSpanBody
            QueueTimeSpan
            RollbackStats
            StatsSnapshot
            TopicOffset
            TopicStatsTable
        """,
        "topic": """
            CreateTopicListRequestBody
            DeleteTopicListRequestBody
            OffsetMovedEvent
            TopicConfig
            TopicConfigSerializeWrapper
        """,
    }
)
__all__ = [*_HOME]
__getattr__ = importer(globals(), _HOME)
