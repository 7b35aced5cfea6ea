"""The keys of Java's ``BrokerConfig`` about POP consumption, lite topics and metrics exporters.

The columns of a row are those of :mod:`rmqwire.settings.key`; the four kinds are told in
:mod:`rmqwire.settings.rows.broker_conf`.
"""

from __future__ import annotations

from typing import Final

from rmqwire.settings.key import HONOURED, NOT_YET, group

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
        NOT_YET,
        "POP consumption",
        """
        popPollingSize                        int             .  1024
        popPollingMapSize                     int             .  100000
        popPollingMapExpireTimeSeconds        int             .  600
        maxPopPollingSize                     long            .  100000
        reviveInterval                        long            .  1000
        reviveMaxSlow                         long            .  3
        reviveScanTime                        long            .  10000
        enableSkipLongAwaitingAck             boolean         .  false
        reviveAckWaitMs                       long            .  180000
        enablePopBufferMerge                  boolean         .  false
        popCkStayBufferTime                   int             .  10000
        popCkStayBufferTimeOut                int             .  3000
        popCkMaxBufferSize                    int             .  200000
        popCkOffsetMaxQueueSize               int             .  20000
        enablePopBatchAck                     boolean         .  false
        popLongPollingForceNotifyInterval     long            .  800
        enableNotifyBeforePopCalculateLag     boolean         .  true
        enableNotifyAfterPopOrderLockRelease  boolean         .  true
        initPopOffsetByCheckMsgInMem          boolean         .  true
        retrieveMessageFromPopRetryTopicV1    boolean         .  true
        enableRetryTopicV2                    boolean         .  false
        popFromRetryProbability               int             .  20
        popFromRetryProbabilityForPriority    int             .  0
        priorityOrderAsc                      boolean         .  true
        popConsumerFSServiceInit              boolean         .  true
        popReviveMaxReturnSizePerRead         int             .  16384
        popReviveConcurrency                  int             .  32
        popReviveMaxAttemptTimes              int             .  16
        popReviveSkipIfGroupAbsent            boolean         .  true
        useSeparateRetryQueue                 boolean         .  false
        useMessageFilterForNotification       boolean         .  true
        maxMessageFilterNumForNotification    int             .  64
        litePullMessageEnable                 boolean         .  true
        popResponseReturnActualRetryTopic     boolean         .  false
        popInflightMessageThreshold           long            .  10000
        enablePopMessageThreshold             boolean         .  false
        skipWhenCKRePutReachMaxTimes          boolean         .  false
        appendAckAsync                        boolean         .  false
        appendCkAsync                         boolean         .  false
        """,
    ),
    *group(
        NOT_YET,
        "lite topics",
        """
        liteEventCheckInterval                          long     .  10000
        liteTtlCheckInterval                            long     .  120000
        minLiteTTl                                      long     .  900000
        liteSubscriptionCheckInterval                   long     .  120000
        liteSubscriptionCheckTimeoutMills               long     .  180000
        maxLiteSubscriptionCount                        long     .  100000
        maxClientEventCount                             int      .  100
        liteEventFullDispatchDelayTime                  long     .  10000
        liteEventFullDispatchDelayTimeForWildcardGroup  long     .  10000
        liteLagLatencyCollectEnable                     boolean  .  false
        liteLagLatencyMetricsEnable                     boolean  .  false
        liteLagCountMetricsEnable                       boolean  .  false
        liteLagLatencyTopK                              int      .  50
        enableLmqStats                                  boolean  .  false
        """,
    ),
    *group(
        NOT_YET,
        "lite topics",
        """
        enableLiteEventMode  boolean  true
        """,
        columns=("5.5.0",),
    ),
    *group(
        NOT_YET,
        "lite topics",
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
        NOT_YET,
        "POP consumption",
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
