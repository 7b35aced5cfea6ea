"""The keys of Java's ``BrokerConfig`` about POP consumption, lite topics and metrics exporters.

The columns of a row are those of :mod:`rmqwire.settings.key`; the four kinds are told in
:mod:`rmqwire.settings.rows.broker_conf`.
"""

from __future__ import annotations

from typing import Final

from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, group

POP_AND_METRICS: Final = (
    *group(
        HONOURED,
        "read by the broker",
        """
        serverLoadBalancerEnable           boolean             .  true   -         live
        defaultMessageRequestMode          MessageRequestMode  .  PULL   PULL|POP  live
        defaultPopShareQueueNum            int                 .  -1     -         live
        loadBalancePollNameServerInterval  long                .  30000  1..       live 1000..3600000
        """,
    ),
    *group(
        HONOURED,
        "read by the broker",
        """
        popPollingSize                        int   .  1024    0..  live
        maxPopPollingSize                     long  .  100000  0..  live
        reviveInterval                        long  .  1000    1..  live 100..60000
        initPopOffsetByCheckMsgInMem          boolean  .  true   -  live
        retrieveMessageFromPopRetryTopicV1    boolean  .  true   -  live
        enableRetryTopicV2                    boolean  .  false  -  live
        popFromRetryProbability               int   .  20      0..100  live
        popFromRetryProbabilityForPriority    int   .  0       0..100  live
        priorityOrderAsc                      boolean  .  true   -  live
        useSeparateRetryQueue                 boolean  .  false  -  live
        useMessageFilterForNotification       boolean  .  true   -  live
        maxMessageFilterNumForNotification    int   .  64      0..  live
        popResponseReturnActualRetryTopic     boolean  .  false  -  live
        popInflightMessageThreshold           long  .  10000   0..  live
        enablePopMessageThreshold             boolean  .  false  -  live
        skipWhenCKRePutReachMaxTimes          boolean  .  false  -  live
        enableNotifyAfterPopOrderLockRelease  boolean  .  true   -  live
        """,
    ),
    *group(
        MEANINGLESS,
        "a check point and its acks are in the log before they are answered: what Java keeps in "
        "memory first is lost in a crash, and acknowledged messages come again",
        """
        enablePopBufferMerge     boolean  .  false
        popCkStayBufferTime      int      .  10000
        popCkStayBufferTimeOut   int      .  3000
        popCkMaxBufferSize       int      .  200000
        popCkOffsetMaxQueueSize  int      .  20000
        enablePopBatchAck        boolean  .  false
        appendAckAsync           boolean  .  false
        appendCkAsync            boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "check points are kept in memory from the reading to the end, so nothing is scanned twice, "
        "no ack is in the way and the service needs no rests",
        """
        reviveMaxSlow               long     .  3
        reviveScanTime              long     .  10000
        enableSkipLongAwaitingAck   boolean  .  false
        reviveAckWaitMs             long     .  180000
        """,
    ),
    *group(
        MEANINGLESS,
        "waiting pops are kept as long as they wait; each 5 s one of those that nothing matched looks "
        "at its queue",
        """
        popPollingMapSize                  int   .  100000
        popPollingMapExpireTimeSeconds     int   .  600
        popLongPollingForceNotifyInterval  long  .  800
        """,
    ),
    *group(
        MEANINGLESS,
        "of the store of popped messages in RocksDB (popConsumerKVServiceInit), which isn't there: "
        "they are in the log",
        """
        popConsumerFSServiceInit       boolean  .  true
        popReviveMaxReturnSizePerRead  int      .  16384
        popReviveConcurrency           int      .  32
        popReviveMaxAttemptTimes       int      .  16
        popReviveSkipIfGroupAbsent     boolean  .  true
        """,
    ),
    *group(
        NOT_YET,
        "POP consumption of lite topics",
        """
        enableNotifyBeforePopCalculateLag  boolean  .  true
        """,
    ),
    *group(
        HONOURED,
        "read by the broker",
        """
        liteEventCheckInterval                          long     .  10000   1..  live 100..600000
        liteTtlCheckInterval                            long     .  120000  1..  live 1000..86400000
        minLiteTTl                                      long     .  900000  0..  live 60000..
        liteSubscriptionCheckInterval                   long     .  120000  1..  live 1000..86400000
        liteSubscriptionCheckTimeoutMills               long     .  180000  1..  live 10000..
        maxLiteSubscriptionCount                        long     .  100000  0..  live
        maxClientEventCount                             int      .  100     1..  live
        liteEventFullDispatchDelayTime                  long     .  10000   0..  live
        liteEventFullDispatchDelayTimeForWildcardGroup  long     .  10000   0..  live
        liteLagLatencyCollectEnable                     boolean  .  false   -    live
        liteLagLatencyTopK                              int      .  50      1..  live
        litePullMessageEnable                           boolean  .  true    -    live
        """,
    ),
    *group(
        HONOURED,
        "read by the broker",
        """
        enableLiteEventMode  boolean  true  -  live
        """,
        columns=("5.5.0",),
    ),
    *group(
        NOT_YET,
        "metrics of lite topics",
        """
        liteLagLatencyMetricsEnable  boolean  .  false
        liteLagCountMetricsEnable    boolean  .  false
        enableLmqStats               boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "the group's own limit is read when it is needed",
        """
        liteEventCapacityCacheTtlMs  long  5000
        """,
        columns=("5.5.1",),
    ),
    *group(
        NOT_YET,
        "metrics exporters",
        """
        metricsExportBatchSplitEnabled  boolean  true
        metricsExportBatchMaxConcurrent  int     4
        metricsExportOtelMemoryMode     String   IMMUTABLE_DATA
        """,
        columns=("5.5.1",),
    ),
    *group(
        MEANINGLESS,
        "blocks of orderly pops that end by themselves are looked at in every turn of the broker's "
        "timer, 100 ms",
        """
        popOrderLockTimerTickMs         long  100
        popOrderLockTimerTicksPerWheel  int   512
        """,
        columns=("5.5.1",),
    ),
    *group(
        NOT_YET,
        "metrics exporters",
        """
        metricsExporterType                   MetricsExporterType  .  DISABLE  DISABLE|OTLP_GRPC|PROM|LOG
        metricsOtelCardinalityLimit           int             .  50000
        metricsGrpcExporterTarget             String          .  ""
        metricsGrpcExporterHeader             String          .  ""
        metricGrpcExporterTimeOutInMills      long            .  3000
        metricGrpcExporterIntervalInMills     long            .  60000
        metricLoggingExporterIntervalInMills  long            .  10000
        metricsPromExporterPort               int             .  5557
        metricsPromExporterHost               String          .  ""
        metricsLabel                          String          .  ""
        metricsExportBatchMaxDataPoints       int             .  1000
        metricsInDelta                        boolean         .  false
        enableRemotingMetrics                 boolean         .  true
        enableMessageStoreMetrics             boolean         .  true
        enablePopMetrics                      boolean         .  true
        enableConnectionMetrics               boolean         .  true
        enableTransactionMetrics              boolean         .  true
        enableStatsMetrics                    boolean         .  true
        enableRequestMetrics                  boolean         .  true
        enableLagAndDlqMetrics                boolean         .  true
        """,
    ),
)
