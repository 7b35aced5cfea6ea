"""The keys of Java's ``BrokerConfig`` (and ``BrokerIdentity``) in ``broker.conf``.

The columns of a row are those of :mod:`rmqwire.settings.key`; the four kinds are told in
:mod:`rmqwire.settings.rows.broker_conf`.
"""

from __future__ import annotations

from typing import Final

from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, REFUSED, group
from rmqwire.settings.rows.pop_and_metrics import POP_AND_METRICS

BROKER_CONFIG: Final = (
    *group(
        HONOURED,
        "read by the broker",
        """
        namesrvAddr                         String   -                    -                     <addresses>
        brokerIP1                           String   ${local ip}          ${local ip}           <host>
        brokerIP2                           String   ${local ip}          ${local ip}           <host>
        brokerName                          String   ${host name}         ${host name}          <name>
        brokerClusterName                   String   DefaultCluster       DefaultCluster        <name>
        brokerId                            long     0                    0
        brokerPermission                    int      6                    6                     0..7                  live
        defaultTopicQueueNums               int      8                    8                     0..65536              live 1..1024
        autoCreateTopicEnable               boolean  true                 true                  -                     live
        clusterTopicEnable                  boolean  true                 true
        brokerTopicEnable                   boolean  true                 true
        autoCreateSubscriptionGroup         boolean  true                 true                  -                     live
        msgTraceTopicName                   String   RMQ_SYS_TRACE_TOPIC  RMQ_SYS_TRACE_TOPIC
        traceTopicEnable                    boolean  false                false                -                     live
        flushConsumerOffsetInterval         int      5000                 5000                  1..                   live 100..3600000
        rejectTransactionMessage            boolean  false                false                 -                     live
        transactionTimeOut                  long     6000                 6000                  0..                   live
        transactionCheckMax                 int      15                   15                    0..                   live
        transactionCheckInterval            long     60000                30000                 1..                   live 100..86400000
        transactionMetricFlushInterval      long     .                    10000                 1..                   live
        transactionOpMsgMaxSize             int      .                    4096                  1..                   live 1..1048576
        transactionOpBatchInterval          int      .                    3000                  0..                   live 0..3600000
        longPollingEnable                   boolean  true                 true                  -                     live
        shortPollingTimeMills               long     1000                 1000                  0..                   live 1..60000
        notifyConsumerIdsChangedEnable      boolean  true                 true                  -                     live
        regionId                            String   DefaultRegion        DefaultRegion
        registerBrokerTimeoutMills          int      6000                 24000                 1..
        startAcceptSendRequestTimeStamp     long     0                    0                     0..                   live
        traceOn                             boolean  true                 true                  -                     live
        storeReplyMessageEnable             boolean  true                 true                  -                     live
        slaveReadEnable                     boolean  false                false                -                     live
        compressedRegister                  boolean  false                false                 -                     live
        forceRegister                       boolean  true                 true                  -                     live
        registerNameServerPeriod            int      30000                30000                 clamped 10000..60000  live
        brokerConfigPath                    String   .                    -
        listenPort                          int      10911                10911                 0..65535
        rejectPullConsumerEnable            boolean  .                    false                 -                     live
        reviveQueueNum                      int      .                    8                     0..65536
        useServerSideResetOffset            boolean  (false)              true                  -                     live
        consumerOffsetUpdateVersionStep     long     .                    500                   1..
        validateSystemTopicWhenUpdateTopic  boolean  .                    true                  -                     live
        channelExpiredTimeout               long     .                    120000                1..                   live 1000..86400000
        configBlackList                     String   .                    configBlackList;brokerConfigPath
        clearRetryTopicWhenDeleteTopic      boolean  (false)              true                  -                     live
        enableMixedMessageType              boolean  .                    false                 -                     live
        autoDeleteUnusedStats               boolean  false                true                  -                     live
        enableCreateSysGroup                boolean  (false)              true                  -                     live
        enablePropertyFilter                boolean  false                false                 -                     live
        enableCalcFilterBitMap              boolean  false                false                 -                     live
        expectConsumerNumUseFilter          int      32                   32                    1..10000
        maxErrorRateOfBloomFilter           int      20                   20                    1..99
        filterDataCleanTimeSpan             long     86400000             86400000              0..                   live
        filterSupportRetry                  boolean  false                false                 -                     live
        """,
    ),
    *group(
        HONOURED,
        "access control by conf/plain_acl.yml and conf/acl/*.yml below rocketmqHome, read again when "
        "they change; as 5.x, which has dropped it and would run open, the broker doesn't start",
        """
        aclEnable  boolean  false  false
        """,
    ),
    *group(
        REFUSED,
        "there is no controller client yet: the broker would elect nobody",
        """
        enableControllerMode  boolean  .  false
        """,
    ),
    *group(
        REFUSED,
        "store plug-ins are Java classes, and what one keeps elsewhere (tiered storage) would be "
        "missed; without the key the broker serves what the folder holds",
        """
        messageStorePlugIn  String  ""  ""
        """,
    ),
    *group(
        MEANINGLESS,
        "tables and what is under way are kept in files, not in RocksDB; a folder that holds data in "
        "RocksDB is refused at the start, whatever this key says",
        """
        configManagerVersion                  String   .  v1
        useSingleRocksDBForAllConfigs         boolean  .  false
        popConsumerKVServiceInit              boolean  .  false
        popConsumerKVServiceEnable            boolean  .  false
        transactionCheckRocksdbCoreThreads    int      .  2
        transactionCheckRocksdbMaxThreads     int      .  5
        transactionCheckRocksdbQueueCapacity  int      .  2000
        """,
    ),
    *group(
        MEANINGLESS,
        "a new or changed topic is registered alone, in the way that each name server knows",
        """
        enableSingleTopicRegister  boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "one event loop serves every request: there are no pools",
        """
        sendMessageThreadPoolNums           int      2   2
        putMessageFutureThreadPoolNums      int      2   2
        pullMessageThreadPoolNums           int      20  20
        processReplyMessageThreadPoolNums   int      20  20
        queryMessageThreadPoolNums          int      10  10
        adminBrokerThreadPoolNums           int      16  16
        clientManageThreadPoolNums          int      32  32
        consumerManageThreadPoolNums        int      32  32
        heartbeatThreadPoolNums             int      2   2
        endTransactionThreadPoolNums        int      12  12
        litePullMessageThreadPoolNums       int      .   20
        ackMessageThreadPoolNums            int      .   16
        loadBalanceProcessorThreadPoolNums  int      .   32
        recoverThreadPoolNums               int      .   32
        recoverConcurrently                 boolean  .   false
        """,
    ),
    *group(
        MEANINGLESS,
        "requests do not wait in queues between threads",
        """
        sendThreadPoolQueueCapacity             int      10000    10000
        putThreadPoolQueueCapacity              int      10000    10000
        pullThreadPoolQueueCapacity             int      100000   100000
        replyThreadPoolQueueCapacity            int      10000    10000
        queryThreadPoolQueueCapacity            int      20000    20000
        clientManagerThreadPoolQueueCapacity    int      1000000  1000000
        consumerManagerThreadPoolQueueCapacity  int      1000000  1000000
        heartbeatThreadPoolQueueCapacity        int      50000    50000
        endTransactionPoolQueueCapacity         int      100000   100000
        litePullThreadPoolQueueCapacity         int      .        100000
        ackThreadPoolQueueCapacity              int      .        100000
        adminBrokerThreadPoolQueueCapacity      int      .        10000
        loadBalanceThreadPoolQueueCapacity      int      .        100000
        enableFastChannelEventProcess           boolean  .        false
        """,
    ),
    *group(
        HONOURED,
        "where conf/plain_acl.yml and conf/acl are; $ROCKETMQ_HOME by default",
        """
        rocketmqHome  String  ""  ""
        """,
    ),
    *group(
        MEANINGLESS,
        "set by Java for itself, never from a file",
        """
        isBrokerContainer    boolean  .  false
        isInBrokerContainer  boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "no code of RocketMQ reads it",
        """
        highSpeedMode     boolean  false  false
        maxDelayTime      int      40     .
        filterServerNums  int      0      .
        """,
    ),
    *group(
        MEANINGLESS,
        "figures for a cloud's billing",
        """
        commercialEnable             boolean  true  .
        commercialTimerCount         int      1     .
        commercialTransCount         int      1     .
        commercialBigCount           int      1     .
        commercialBaseCount          int      1     1
        commercialSizePerMsg         int      .     4096
        accountStatsEnable           boolean  .     true
        accountStatsPrintZeroValues  boolean  .     true
        """,
    ),
    *group(
        MEANINGLESS,
        "answers always carry the bytes of the log as they are read",
        """
        transferMsgByHeap  boolean  true  true
        """,
    ),
    *group(
        MEANINGLESS,
        "log output is set up by the command line",
        """
        isolateLogEnable          boolean  false  false
        printChannelGroups        boolean  .      false
        printChannelGroupsMinNum  int      .      5
        enablePopLog              boolean  .      false
        popConsumerKVServiceLog   boolean  .      false
        enableLitePopLog          boolean  .      false
        """,
    ),
    *group(
        MEANINGLESS,
        "an append is one step: there is nothing to do asynchronously",
        """
        asyncSendEnable  boolean  .  true
        """,
    ),
    *group(
        HONOURED,
        "what producers sent while a write took longer than osPageCacheBusyTimeOutMills is refused with "
        "SYSTEM_BUSY when it is over, so that they go to another broker",
        """
        brokerFastFailureEnable  boolean  true  true  -  live
        """,
    ),
    *group(
        HONOURED,
        "for how long a request may wait for a broker that is busy; what has waited longer is refused with "
        "SYSTEM_BUSY ([TIMEOUT_CLEAN_QUEUE]). There are no queues: the time counts in the socket",
        """
        waitTimeMillsInSendQueue         long  200    200    1..  live
        waitTimeMillsInPullQueue         long  5000   5000   1..  live
        waitTimeMillsInHeartbeatQueue    long  31000  31000  1..  live
        waitTimeMillsInTransactionQueue  long  3000   3000   1..  live
        waitTimeMillsInLitePullQueue     long  .      5000   1..  live
        waitTimeMillsInAckQueue          long  .      3000   1..  live
        waitTimeMillsInAdminBrokerQueue  long  .      5000   1..  live
        """,
    ),
    *group(
        HONOURED,
        "each 3 minutes, groups that are connected and read further behind than the threshold may not "
        "consume any more, until updateSubGroup lets them",
        """
        disableConsumeIfConsumerReadSlowly  boolean  false        false        -    live
        consumerFallbehindThreshold         long     17179869184  17179869184  0..  live
        """,
    ),
    *group(
        NOT_YET,
        "replication",
        """
        brokerElectionPriority              int      .            2147483647
        """,
    ),
    *group(
        NOT_YET,
        "a slave that acts as master",
        """
        sendHeartbeatTimeoutMillis    int      .  1000
        brokerHeartbeatInterval       int      .  1000
        brokerNotActiveTimeoutMillis  long     .  10000
        syncBrokerMemberGroupPeriod   int      .  1000
        enableSlaveActingMaster       boolean  .  false
        enableRemoteEscape            boolean  .  false
        skipPreOnline                 boolean  .  false
        lockInStrictMode              boolean  .  false
        compatibleWithOldNameSrv      boolean  .  true
        forwardTimeout                long     .  3000
        """,
    ),
    *group(
        NOT_YET,
        "the controller",
        """
        controllerAddr                   String   .  ""
        fetchControllerAddrByDnsLookup   boolean  .  false
        syncBrokerMetadataPeriod         long     .  5000
        checkSyncStateSetPeriod          long     .  5000
        syncControllerMetadataPeriod     long     .  10000
        controllerHeartBeatTimeoutMills  long     .  10000
        """,
    ),
    *POP_AND_METRICS,
    *group(
        HONOURED,
        "topics, or groups, that one request for many deletes in a second; 0 or less: all at once",
        """
        batchDeleteTopicMaxRate              double  10.0  -  live
        batchDeleteSubscriptionGroupMaxRate  double  10.0  -  live
        """,
        columns=("5.5.1",),
    ),
    *group(
        HONOURED,
        "counts queues one by one: QUEUE_* and GROUP_GET_LATENCY of VIEW_BROKER_STATS_DATA",
        """
        enableDetailStat  boolean  true  true
        """,
    ),
    *group(
        HONOURED,
        "statistics of topics and groups that have been at rest for so long are forgotten, looked at each 10 "
        "minutes; up to 10 is 30, below 0 none are",
        """
        maxStatsIdleTimeInMinutes  int  .  -1  -  live
        """,
    ),
    *group(
        NOT_YET,
        "how many messages a consumer with a filter has before it, as an estimate in the metrics",
        """
        estimateAccumulation  boolean  .  true
        """,
    ),
    *group(
        NOT_YET,
        "holding back readers of cold messages: files aren't mapped, so which pages are in memory isn't known",
        """
        coldCtrStrategyEnable  boolean  .  false
        usePIDColdCtrStrategy  boolean  .  true
        """,
    ),
    *group(
        HONOURED,
        "told with the thresholds of groups (getColdDataFlowCtrInfo); no reader is held back",
        """
        cgColdReadThreshold      long  .  3145728    0..  live
        globalColdReadThreshold  long  .  104857600  0..  live
        """,
    ),
    *group(
        HONOURED,
        "without namesrvAddr: an address server is asked, first after 10 s",
        """
        fetchNamesrvAddrByAddressServer  boolean  false     false
        fetchNamesrvAddrInterval         long     (120000)  10000  1000..
        """,
    ),
    *group(
        NOT_YET,
        "finding name servers by DNS",
        """
        fetchNameSrvAddrByDnsLookup      boolean  .      false
        updateNameServerAddrPeriod       int      .      120000
        """,
    ),
    *group(
        HONOURED,
        "offsets of broadcasting members, for those that come by way of a proxy",
        """
        enableBroadcastOffsetStore      boolean  (false)  true  -            live
        broadcastOffsetExpireSecond     long     .        120   1..31536000  live
        broadcastOffsetExpireMaxSecond  long     .        300   1..31536000  live
        """,
    ),
    *group(
        HONOURED,
        "registration and tables in pieces",
        """
        enableSplitRegistration  boolean  .  false  -    live
        splitRegistrationSize    int      .  800    1..  live
        enableSplitMetadata      boolean  .  true   -    live
        splitMetadataSize        int      .  2000   1..  live
        """,
    ),
    *group(
        NOT_YET,
        "delayed messages",
        """
        delayOffsetUpdateVersionStep  long  .  200
        """,
    ),
    *group(
        HONOURED,
        "read by the recall of timers",
        """
        allowRecallWhenBrokerNotWriteable  boolean  .  true   -  live
        recallMessageEnable                boolean  .  false  -  live
        """,
    ),
    *group(
        NOT_YET,
        "static topics",
        """
        useStaticSubscription  boolean  .  false
        """,
    ),
    *group(
        NOT_YET,
        "flow control by network speed",
        """
        enableNetWorkFlowControl  boolean  .  false
        """,
    ),
    *group(
        NOT_YET,
        "a history of offsets",
        """
        flushConsumerOffsetHistoryInterval  int      60000  60000
        persistConsumerOffsetIncrementally  boolean  .      false
        """,
    ),
    *group(
        NOT_YET,
        "removing subscriptions that nobody uses",
        """
        subscriptionExpiredTimeout  long  .  600000
        cleanOfflineBrokerInterval  int   .  30000
        """,
    ),
    *group(
        NOT_YET,
        "refusing the heartbeats of producers",
        """
        enableRegisterProducer  boolean  .  true
        """,
    ),
    *group(
        NOT_YET,
        "telling groups of changes later",
        """
        realTimeNotifyConsumerChange  boolean  .  true
        """,
    ),
)
