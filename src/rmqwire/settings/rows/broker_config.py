"""The keys of Java's ``BrokerConfig`` (and ``BrokerIdentity``) in ``broker.conf``.

One row per key: name, Java type, the release that has it, default (``4.9.7 | 5.5.0`` where they
differ; ``-`` is null). See :mod:`rmqwire.settings.rows.broker_conf` for the four kinds.
"""

from __future__ import annotations

from typing import Final

from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, REFUSED, group

BROKER_CONFIG: Final = (
    *group(
        HONOURED,
        "read by the broker",
        """
        namesrvAddr                                    String   both   -
        brokerIP1                                      String   both   ${local ip}
        brokerIP2                                      String   both   ${local ip}
        brokerName                                     String   both   ${host name}
        brokerClusterName                              String   both   DefaultCluster
        brokerId                                       long     both   0
        brokerPermission                               int      both   6
        defaultTopicQueueNums                          int      both   8
        autoCreateTopicEnable                          boolean  both   true
        clusterTopicEnable                             boolean  both   true
        brokerTopicEnable                              boolean  both   true
        autoCreateSubscriptionGroup                    boolean  both   true
        msgTraceTopicName                              String   both   RMQ_SYS_TRACE_TOPIC
        traceTopicEnable                               boolean  both   false
        flushConsumerOffsetInterval                    int      both   5000
        rejectTransactionMessage                       boolean  both   false
        longPollingEnable                              boolean  both   true
        shortPollingTimeMills                          long     both   1000
        notifyConsumerIdsChangedEnable                 boolean  both   true
        regionId                                       String   both   DefaultRegion
        registerBrokerTimeoutMills                     int      both   6000 | 24000
        startAcceptSendRequestTimeStamp                long     both   0
        traceOn                                        boolean  both   true
        slaveReadEnable                                boolean  both   false
        compressedRegister                             boolean  both   false
        forceRegister                                  boolean  both   true
        registerNameServerPeriod                       int      both   30000
        brokerConfigPath                               String   5.5.0  -
        listenPort                                     int      both    10911
        rejectPullConsumerEnable                       boolean  5.5.0  false
        reviveQueueNum                                 int      5.5.0  8
        useServerSideResetOffset                       boolean  5.5.0  true
        consumerOffsetUpdateVersionStep                long     5.5.0  500
        validateSystemTopicWhenUpdateTopic             boolean  5.5.0  true
        channelExpiredTimeout                          long     5.5.0  120000
        configBlackList                                String   5.5.0  configBlackList;brokerConfigPath
        clearRetryTopicWhenDeleteTopic                 boolean  5.5.0  true
        autoDeleteUnusedStats                          boolean  both   false | true
        enableCreateSysGroup                           boolean  5.5.0  true
        enablePropertyFilter                           boolean  both   false
        enableCalcFilterBitMap                         boolean  both   false
        expectConsumerNumUseFilter                     int      both   32
        maxErrorRateOfBloomFilter                      int      both   20
        filterDataCleanTimeSpan                        long     both   86400000
        filterSupportRetry                             boolean  both   false
        """,
    ),
    *group(
        REFUSED,
        "rmqwire has no access control yet: the broker would run open",
        """
        aclEnable                                      boolean  both   false
        """,
    ),
    *group(
        REFUSED,
        "there is no controller client yet: the broker would elect nobody",
        """
        enableControllerMode                           boolean  5.5.0  false
        """,
    ),
    *group(
        REFUSED,
        "store plug-ins are Java classes",
        """
        messageStorePlugIn                             String   both   ""
        """,
    ),
    *group(
        REFUSED,
        "tables are kept in JSON files, not in RocksDB: what a RocksDB holds would be missed",
        """
        configManagerVersion                           String   5.5.0  v1
        useSingleRocksDBForAllConfigs                  boolean  5.5.0  false
        popConsumerKVServiceInit                       boolean  5.5.0  false
        popConsumerKVServiceEnable                     boolean  5.5.0  false
        transactionCheckRocksdbCoreThreads             int      5.5.0  2
        transactionCheckRocksdbMaxThreads              int      5.5.0  5
        transactionCheckRocksdbQueueCapacity           int      5.5.0  2000
        """,
    ),
    *group(
        MEANINGLESS,
        "one event loop serves every request: there are no pools",
        """
        sendMessageThreadPoolNums                      int      both   2
        putMessageFutureThreadPoolNums                 int      both   2
        pullMessageThreadPoolNums                      int      both   20
        processReplyMessageThreadPoolNums              int      both   20
        queryMessageThreadPoolNums                     int      both   10
        adminBrokerThreadPoolNums                      int      both   16
        clientManageThreadPoolNums                     int      both   32
        consumerManageThreadPoolNums                   int      both   32
        heartbeatThreadPoolNums                        int      both   2
        endTransactionThreadPoolNums                   int      both   12
        litePullMessageThreadPoolNums                  int      5.5.0  20
        ackMessageThreadPoolNums                       int      5.5.0  16
        loadBalanceProcessorThreadPoolNums             int      5.5.0  32
        recoverThreadPoolNums                          int      5.5.0  32
        recoverConcurrently                            boolean  5.5.0  false
        """,
    ),
    *group(
        MEANINGLESS,
        "requests do not wait in queues between threads",
        """
        sendThreadPoolQueueCapacity                    int      both   10000
        putThreadPoolQueueCapacity                     int      both   10000
        pullThreadPoolQueueCapacity                    int      both   100000
        replyThreadPoolQueueCapacity                   int      both   10000
        queryThreadPoolQueueCapacity                   int      both   20000
        clientManagerThreadPoolQueueCapacity           int      both   1000000
        consumerManagerThreadPoolQueueCapacity         int      both   1000000
        heartbeatThreadPoolQueueCapacity               int      both   50000
        endTransactionPoolQueueCapacity                int      both   100000
        litePullThreadPoolQueueCapacity                int      5.5.0  100000
        ackThreadPoolQueueCapacity                     int      5.5.0  100000
        adminBrokerThreadPoolQueueCapacity             int      5.5.0  10000
        loadBalanceThreadPoolQueueCapacity             int      5.5.0  100000
        brokerFastFailureEnable                        boolean  both   true
        waitTimeMillsInSendQueue                       long     both   200
        waitTimeMillsInPullQueue                       long     both   5000
        waitTimeMillsInHeartbeatQueue                  long     both   31000
        waitTimeMillsInTransactionQueue                long     both   3000
        waitTimeMillsInLitePullQueue                   long     5.5.0  5000
        waitTimeMillsInAckQueue                        long     5.5.0  3000
        waitTimeMillsInAdminBrokerQueue                long     5.5.0  5000
        enableFastChannelEventProcess                  boolean  5.5.0  false
        """,
    ),
    *group(
        MEANINGLESS,
        "an installation folder of Java; nothing is read from it",
        """
        rocketmqHome                                   String   both   ""
        """,
    ),
    *group(
        MEANINGLESS,
        "set by Java for itself, never from a file",
        """
        isBrokerContainer                              boolean  5.5.0  false
        isInBrokerContainer                            boolean  5.5.0  false
        """,
    ),
    *group(
        MEANINGLESS,
        "no code of RocketMQ reads it",
        """
        highSpeedMode                                  boolean  both   false
        maxDelayTime                                   int      4.9.7  40
        filterServerNums                               int      4.9.7  0
        """,
    ),
    *group(
        MEANINGLESS,
        "figures for a cloud's billing",
        """
        commercialEnable                               boolean  4.9.7  true
        commercialTimerCount                           int      4.9.7  1
        commercialTransCount                           int      4.9.7  1
        commercialBigCount                             int      4.9.7  1
        commercialBaseCount                            int      both   1
        commercialSizePerMsg                           int      5.5.0  4096
        accountStatsEnable                             boolean  5.5.0  true
        accountStatsPrintZeroValues                    boolean  5.5.0  true
        """,
    ),
    *group(
        MEANINGLESS,
        "answers always carry the bytes of the log as they are read",
        """
        transferMsgByHeap                              boolean  both   true
        """,
    ),
    *group(
        MEANINGLESS,
        "log output is set up by the command line",
        """
        isolateLogEnable                               boolean  both   false
        enableDetailStat                               boolean  both   true
        printChannelGroups                             boolean  5.5.0  false
        printChannelGroupsMinNum                       int      5.5.0  5
        enablePopLog                                   boolean  5.5.0  false
        popConsumerKVServiceLog                        boolean  5.5.0  false
        enableLitePopLog                               boolean  5.5.0  false
        """,
    ),
    *group(
        MEANINGLESS,
        "an append is one step: there is nothing to do asynchronously",
        """
        asyncSendEnable                                boolean  5.5.0  true
        """,
    ),
    *group(
        NOT_YET,
        "transactions",
        """
        transactionTimeOut                             long     both   6000
        transactionCheckMax                            int      both   15
        transactionCheckInterval                       long     both   60000 | 30000
        transactionMetricFlushInterval                 long     5.5.0  10000
        transactionOpMsgMaxSize                        int      5.5.0  4096
        transactionOpBatchInterval                     int      5.5.0  3000
        """,
    ),
    *group(
        NOT_YET,
        "request and reply",
        """
        storeReplyMessageEnable                        boolean  both   true
        """,
    ),
    *group(
        NOT_YET,
        "replication",
        """
        disableConsumeIfConsumerReadSlowly             boolean  both   false
        consumerFallbehindThreshold                    long     both   17179869184
        brokerElectionPriority                         int      5.5.0  2147483647
        """,
    ),
    *group(
        NOT_YET,
        "a slave that acts as master",
        """
        sendHeartbeatTimeoutMillis                     int      5.5.0  1000
        brokerHeartbeatInterval                        int      5.5.0  1000
        brokerNotActiveTimeoutMillis                   long     5.5.0  10000
        syncBrokerMemberGroupPeriod                    int      5.5.0  1000
        enableSlaveActingMaster                        boolean  5.5.0  false
        enableRemoteEscape                             boolean  5.5.0  false
        skipPreOnline                                  boolean  5.5.0  false
        lockInStrictMode                               boolean  5.5.0  false
        compatibleWithOldNameSrv                       boolean  5.5.0  true
        forwardTimeout                                 long     5.5.0  3000
        """,
    ),
    *group(
        NOT_YET,
        "the controller",
        """
        controllerAddr                                 String   5.5.0  ""
        fetchControllerAddrByDnsLookup                 boolean  5.5.0  false
        syncBrokerMetadataPeriod                       long     5.5.0  5000
        checkSyncStateSetPeriod                        long     5.5.0  5000
        syncControllerMetadataPeriod                   long     5.5.0  10000
        controllerHeartBeatTimeoutMills                long     5.5.0  10000
        """,
    ),
    *group(
        NOT_YET,
        "POP consumption",
        """
        popPollingSize                                 int      5.5.0  1024
        popPollingMapSize                              int      5.5.0  100000
        popPollingMapExpireTimeSeconds                 int      5.5.0  600
        maxPopPollingSize                              long     5.5.0  100000
        reviveInterval                                 long     5.5.0  1000
        reviveMaxSlow                                  long     5.5.0  3
        reviveScanTime                                 long     5.5.0  10000
        enableSkipLongAwaitingAck                      boolean  5.5.0  false
        reviveAckWaitMs                                long     5.5.0  180000
        enablePopBufferMerge                           boolean  5.5.0  false
        popCkStayBufferTime                            int      5.5.0  10000
        popCkStayBufferTimeOut                         int      5.5.0  3000
        popCkMaxBufferSize                             int      5.5.0  200000
        popCkOffsetMaxQueueSize                        int      5.5.0  20000
        enablePopBatchAck                              boolean  5.5.0  false
        popLongPollingForceNotifyInterval              long     5.5.0  800
        enableNotifyBeforePopCalculateLag              boolean  5.5.0  true
        enableNotifyAfterPopOrderLockRelease           boolean  5.5.0  true
        initPopOffsetByCheckMsgInMem                   boolean  5.5.0  true
        retrieveMessageFromPopRetryTopicV1             boolean  5.5.0  true
        enableRetryTopicV2                             boolean  5.5.0  false
        popFromRetryProbability                        int      5.5.0  20
        popFromRetryProbabilityForPriority             int      5.5.0  0
        priorityOrderAsc                               boolean  5.5.0  true
        popConsumerFSServiceInit                       boolean  5.5.0  true
        popReviveMaxReturnSizePerRead                  int      5.5.0  16384
        popReviveConcurrency                           int      5.5.0  32
        popReviveMaxAttemptTimes                       int      5.5.0  16
        popReviveSkipIfGroupAbsent                     boolean  5.5.0  true
        useSeparateRetryQueue                          boolean  5.5.0  false
        useMessageFilterForNotification                boolean  5.5.0  true
        maxMessageFilterNumForNotification             int      5.5.0  64
        litePullMessageEnable                          boolean  5.5.0  true
        serverLoadBalancerEnable                       boolean  5.5.0  true
        defaultMessageRequestMode                      MessageRequestMode 5.5.0  PULL
        defaultPopShareQueueNum                        int      5.5.0  -1
        popResponseReturnActualRetryTopic              boolean  5.5.0  false
        popInflightMessageThreshold                    long     5.5.0  10000
        enablePopMessageThreshold                      boolean  5.5.0  false
        skipWhenCKRePutReachMaxTimes                   boolean  5.5.0  false
        appendAckAsync                                 boolean  5.5.0  false
        appendCkAsync                                  boolean  5.5.0  false
        loadBalancePollNameServerInterval              long     5.5.0  30000
        """,
    ),
    *group(
        NOT_YET,
        "lite topics",
        """
        enableLiteEventMode                            boolean  5.5.0  true
        liteEventCheckInterval                         long     5.5.0  10000
        liteTtlCheckInterval                           long     5.5.0  120000
        minLiteTTl                                     long     5.5.0  900000
        liteSubscriptionCheckInterval                  long     5.5.0  120000
        liteSubscriptionCheckTimeoutMills              long     5.5.0  180000
        maxLiteSubscriptionCount                       long     5.5.0  100000
        maxClientEventCount                            int      5.5.0  100
        liteEventFullDispatchDelayTime                 long     5.5.0  10000
        liteEventFullDispatchDelayTimeForWildcardGroup long     5.5.0  10000
        liteLagLatencyCollectEnable                    boolean  5.5.0  false
        liteLagLatencyMetricsEnable                    boolean  5.5.0  false
        liteLagCountMetricsEnable                      boolean  5.5.0  false
        liteLagLatencyTopK                             int      5.5.0  50
        enableLmqStats                                 boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "metrics exporters",
        """
        metricsExporterType                            MetricsExporterType 5.5.0  DISABLE
        metricsOtelCardinalityLimit                    int      5.5.0  50000
        metricsGrpcExporterTarget                      String   5.5.0  ""
        metricsGrpcExporterHeader                      String   5.5.0  ""
        metricGrpcExporterTimeOutInMills               long     5.5.0  3000
        metricGrpcExporterIntervalInMills              long     5.5.0  60000
        metricLoggingExporterIntervalInMills           long     5.5.0  10000
        metricsPromExporterPort                        int      5.5.0  5557
        metricsPromExporterHost                        String   5.5.0  ""
        metricsLabel                                   String   5.5.0  ""
        metricsExportBatchMaxDataPoints                int      5.5.0  1000
        metricsInDelta                                 boolean  5.5.0  false
        enableRemotingMetrics                          boolean  5.5.0  true
        enableMessageStoreMetrics                      boolean  5.5.0  true
        enablePopMetrics                               boolean  5.5.0  true
        enableConnectionMetrics                        boolean  5.5.0  true
        enableTransactionMetrics                       boolean  5.5.0  true
        enableStatsMetrics                             boolean  5.5.0  true
        enableRequestMetrics                           boolean  5.5.0  true
        enableLagAndDlqMetrics                         boolean  5.5.0  true
        """,
    ),
    *group(
        NOT_YET,
        "statistics that are cleaned up",
        """
        maxStatsIdleTimeInMinutes                      int      5.5.0  -1
        estimateAccumulation                           boolean  5.5.0  true
        """,
    ),
    *group(
        NOT_YET,
        "cold data control",
        """
        coldCtrStrategyEnable                          boolean  5.5.0  false
        usePIDColdCtrStrategy                          boolean  5.5.0  true
        cgColdReadThreshold                            long     5.5.0  3145728
        globalColdReadThreshold                        long     5.5.0  104857600
        """,
    ),
    *group(
        NOT_YET,
        "finding name servers by address server or DNS",
        """
        fetchNamesrvAddrByAddressServer                boolean  both   false
        fetchNameSrvAddrByDnsLookup                    boolean  5.5.0  false
        fetchNamesrvAddrInterval                       long     5.5.0  10000
        updateNameServerAddrPeriod                     int      5.5.0  120000
        """,
    ),
    *group(
        NOT_YET,
        "server-side offsets of broadcast groups",
        """
        enableBroadcastOffsetStore                     boolean  5.5.0  true
        broadcastOffsetExpireSecond                    long     5.5.0  120
        broadcastOffsetExpireMaxSecond                 long     5.5.0  300
        """,
    ),
    *group(
        NOT_YET,
        "registration in pieces",
        """
        enableSplitRegistration                        boolean  5.5.0  false
        splitRegistrationSize                          int      5.5.0  800
        enableSplitMetadata                            boolean  5.5.0  true
        splitMetadataSize                              int      5.5.0  2000
        """,
    ),
    *group(
        NOT_YET,
        "delayed messages",
        """
        delayOffsetUpdateVersionStep                   long     5.5.0  200
        """,
    ),
    *group(
        NOT_YET,
        "recall of timed messages",
        """
        allowRecallWhenBrokerNotWriteable              boolean  5.5.0  true
        recallMessageEnable                            boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "static topics",
        """
        useStaticSubscription                          boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "topics of one message type",
        """
        enableMixedMessageType                         boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "flow control by network speed",
        """
        enableNetWorkFlowControl                       boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "a history of offsets",
        """
        flushConsumerOffsetHistoryInterval             int      both   60000
        persistConsumerOffsetIncrementally             boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "removing subscriptions that nobody uses",
        """
        subscriptionExpiredTimeout                     long     5.5.0  600000
        cleanOfflineBrokerInterval                     int      5.5.0  30000
        """,
    ),
    *group(
        NOT_YET,
        "registration of single topics",
        """
        enableSingleTopicRegister                      boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "refusing the heartbeats of producers",
        """
        enableRegisterProducer                         boolean  5.5.0  true
        """,
    ),
    *group(
        NOT_YET,
        "telling groups of changes later",
        """
        realTimeNotifyConsumerChange                   boolean  5.5.0  true
        """,
    ),
)
