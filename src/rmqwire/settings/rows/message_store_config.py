"""The keys of Java's ``MessageStoreConfig`` in ``broker.conf``.

One row per key: name, Java type, the release that has it, default (``4.9.7 | 5.5.0`` where they
differ; ``-`` is null). See :mod:`rmqwire.settings.rows.broker_conf` for the four kinds.
"""

from __future__ import annotations

from typing import Final

from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, REFUSED, group

MESSAGE_STORE_CONFIG: Final = (
    *group(
        HONOURED,
        "read by the store",
        """
        storePathRootDir                               String   both   ${user.home}/store
        storePathCommitLog                             String   both   -
        mappedFileSizeCommitLog                        int      both   1073741824
        mappedFileSizeConsumeQueue                     int      both   6000000
        flushIntervalCommitLog                         int      both   500
        flushIntervalConsumeQueue                      int      both   1000
        enableLmq                                      boolean  both   false
        enableMultiDispatch                            boolean  both   false
        maxLmqConsumeQueueNum                          int      both   20000
        enableLmqQuota                                 boolean  5.5.0  false
        mapperFileSizeBatchConsumeQueue                int      5.5.0  13800000
        enableConsumeQueueExt                          boolean  both   false
        mappedFileSizeConsumeQueueExt                  int      both   50331648
        maxMessageSize                                 int      both   4194304
        osPageCacheBusyTimeOutMills                    long     both   1000
        checkCRCOnRecover                              boolean  both   true
        maxTransferBytesOnMessageInMemory              int      both   262144
        maxTransferCountOnMessageInMemory              int      both   32
        maxTransferBytesOnMessageInDisk                int      both   65536
        maxTransferCountOnMessageInDisk                int      both   8
        accessMessageInMemoryMaxRatio                  int      both   40
        brokerRole                                     BrokerRole both   ASYNC_MASTER
        flushDiskType                                  FlushDiskType both   ASYNC_FLUSH
        syncFlushTimeout                               int      both   5000
        timerWheelEnable                               boolean  5.5.0  true
        haListenPort                                   int      both   ${listenPort + 1}
        flushCommitLogLeastPages                       int      both   4
        flushConsumeQueueLeastPages                    int      both   2
        flushCommitLogThoroughInterval                 int      both   10000
        flushConsumeQueueThoroughInterval              int      both   60000
        maxFilterMessageSize                           int      5.5.0  16000
        travelCqFileNumWhenGetMessage                  int      5.5.0  1
        enabledAppendPropCRC                           boolean  5.5.0  false
        autoMessageVersionOnTopicLen                   boolean  5.5.0  true
        messageDelayLevel                              String   both   1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h
        """,
    ),
    *group(
        HONOURED,
        "read by replication",
        """
        haSendHeartbeatInterval                        int      both   5000
        haHousekeepingInterval                         int      both   20000
        haTransferBatchSize                            int      both   32768
        haMasterAddress                                String   both   -
        haSlaveFallbehindMax                           int      4.9.7  268435456
        slaveTimeout                                   int      both   3000
        offsetCheckInSlave                             boolean  both   false
        haMaxGapNotInSync                              int      5.5.0  268435456
        inSyncReplicas                                 int      5.5.0  1
        haFlowControlEnable                            boolean  5.5.0  false
        maxHaTransferByteInSecond                      long     5.5.0  104857600
        """,
    ),
    *group(
        REFUSED,
        "there is no DLedger commit log",
        """
        enableDLegerCommitLog                          boolean  both   false
        """,
    ),
    *group(
        REFUSED,
        "there is no RocksDB store: what it holds would be missed",
        """
        storeType                                      String   5.5.0  default
        rocksdbCQDoubleWriteEnable                     boolean  5.5.0  false
        timerRocksDBEnable                             boolean  5.5.0  false
        transRocksDBEnable                             boolean  5.5.0  false
        indexRocksDBEnable                             boolean  5.5.0  false
        combineCQUseRocksdbForLmq                      boolean  5.5.0  false
        """,
    ),
    *group(
        REFUSED,
        "there is no pool of off-heap buffers; sends would not be as durable as this setting says",
        """
        transientStorePoolEnable                       boolean  both   false
        """,
    ),
    *group(
        REFUSED,
        "segments in other folders would be missed",
        """
        readOnlyCommitLogStorePaths                    String   both   -
        """,
    ),
    *group(
        REFUSED,
        "batch consume queues are not there yet: the queue files would not fit",
        """
        enableBatchPush                                boolean  5.5.0  false
        isEnableBatchPush                              boolean  4.9.7  false
        """,
    ),
    *group(
        MEANINGLESS,
        "there is no DLedger commit log",
        """
        storePathDLedgerCommitLog                      String   both   -
        dLegerGroup                                    String   both   -
        dLegerPeers                                    String   both   -
        dLegerSelfId                                   String   both   -
        preferredLeaderId                              String   both   -
        """,
    ),
    *group(
        MEANINGLESS,
        "there is no pool of off-heap buffers",
        """
        commitIntervalCommitLog                        int      both   200
        commitCommitLogLeastPages                      int      both   4
        commitCommitLogThoroughInterval                int      both   200
        transientStorePoolSize                         int      both   5
        fastFailIfNoBufferInStorePool                  boolean  both   false
        wakeCommitWhenPutMessage                       boolean  5.5.0  true
        """,
    ),
    *group(
        MEANINGLESS,
        "one event loop appends: there are no locks",
        """
        useReentrantLockWhenPutMessage                 boolean  both   true
        debugLockEnable                                boolean  both   false
        topicQueueLockNum                              int      5.5.0  32
        useABSLock                                     boolean  5.5.0  false
        spinLockCollisionRetreatOptimalDegree          int      5.5.0  1000
        putMessageTimeout                              int      5.5.0  8000
        """,
    ),
    *group(
        MEANINGLESS,
        "segments are written by pwrite, not through mmap",
        """
        warmMapedFileEnable                            boolean  both   false
        flushLeastPagesWhenWarmMapedFile               int      both   4096
        writeWithoutMmap                               boolean  5.5.0  false
        mappedFileSwapEnable                           boolean  5.5.0  true
        commitLogForceSwapMapInterval                  long     5.5.0  43200000
        commitLogSwapMapInterval                       long     5.5.0  3600000
        commitLogSwapMapReserveFileNum                 int      5.5.0  100
        logicQueueForceSwapMapInterval                 long     5.5.0  43200000
        logicQueueSwapMapInterval                      long     5.5.0  3600000
        cleanSwapedMapInterval                         long     5.5.0  300000
        logicQueueSwapMapReserveFileNum                int      5.5.0  20
        putConsumeQueueDataByFileChannel               boolean  5.5.0  true
        sharedByteBufferNum                            int      5.5.0  16
        """,
    ),
    *group(
        MEANINGLESS,
        "the whole unflushed range is synced at once, not by pages",
        """
        flushCommitLogTimed                            boolean  both   true
        wakeFlushWhenPutMessage                        boolean  5.5.0  false
        """,
    ),
    *group(
        MEANINGLESS,
        "consume queues grow in the pass of the send",
        """
        dispatchCqThreads                              int      5.5.0  10
        dispatchCqCacheNum                             int      5.5.0  4096
        enableAsyncReput                               boolean  5.5.0  true
        recheckReputOffsetFromCq                       boolean  5.5.0  false
        dispatchFromSenderThread                       boolean  5.5.0  false
        enableBuildConsumeQueueConcurrently            boolean  5.5.0  false
        batchDispatchRequestThreadPoolNums             int      5.5.0  16
        enableLogConsumeQueueRepeatedlyBuildWhenRecover boolean  5.5.0  false
        maxAsyncPutMessageRequests                     int      5.5.0  5000
        """,
    ),
    *group(
        MEANINGLESS,
        "there is no RocksDB",
        """
        timerRocksDBStopScan                           boolean  5.5.0  false
        timerRocksDBPrecisionMs                        long     5.5.0  1000
        timerRocksDBRollMaxTps                         double   5.5.0  8000.0
        timerRocksDBTimeExpiredMaxTps                  double   5.5.0  200000.0
        timerRocksDBRollIntervalHours                  int      5.5.0  1
        timerRocksDBRollRangeHours                     int      5.5.0  2
        transWriteOriginTransHalfEnable                boolean  5.5.0  true
        maxRocksDBIndexQueryDays                       int      5.5.0  7
        iteratorWhenUseRocksdbConsumeQueue             boolean  5.5.0  true
        cleanRocksDBDirtyCQIntervalMin                 long     5.5.0  60
        statRocksDBCQIntervalSec                       long     5.5.0  10
        memTableFlushIntervalMs                        long     5.5.0  3600000
        realTimePersistRocksDBConfig                   boolean  5.5.0  true
        enableRocksDBLog                               boolean  5.5.0  false
        combineCQLoadingCQTypes                        String   5.5.0  default;defaultRocksDB
        combineCQPreferCQType                          String   5.5.0  default
        combineAssignOffsetCQType                      String   5.5.0  default
        combineCQEnableCheckSelf                       boolean  5.5.0  false
        combineCQMaxExtraSearchCommitLogFiles          int      5.5.0  3
        bottomMostCompressionTypeForConsumeQueueStore  String   5.5.0  zstd
        rocksdbCompressionType                         String   5.5.0  lz4
        rocksdbFlushWalFrequency                       int      5.5.0  1024
        rocksdbWalFileRollingThreshold                 long     5.5.0  1073741824
        useSeparateStorePathForRocksdbCQ               boolean  5.5.0  false
        """,
    ),
    *group(
        MEANINGLESS,
        "no code of RocketMQ reads it",
        """
        enableRunningFlagsInFlush                      boolean  5.5.0  false
        maxBatchDeleteFilesNum                         int      5.5.0  50
        pullBatchMaxMessageCount                       int      5.5.0  160
        enableCleanExpiredOffset                       boolean  5.5.0  false
        """,
    ),
    *group(
        HONOURED,
        "cleaning old files",
        """
        cleanResourceInterval                          int      both   10000
        deleteCommitLogFilesInterval                   int      both   100
        deleteConsumeQueueFilesInterval                int      both   100
        deleteWhen                                     String   both   04
        diskMaxUsedSpaceRatio                          int      both   75
        fileReservedTime                               int      both   72
        cleanFileForciblyEnable                        boolean  both   true
        diskSpaceWarningLevelRatio                     int      5.5.0  90
        diskSpaceCleanForciblyRatio                    int      5.5.0  85
        deleteFileBatchMax                             int      5.5.0  10
        """,
    ),
    *group(
        MEANINGLESS,
        "readers never hold up the removal of a file: the kernel keeps it while it is open",
        """
        destroyMapedFileIntervalForcibly               int      both   120000
        redeleteHangedFileInterval                     int      both   120000
        """,
    ),
    *group(
        NOT_YET,
        "several brokers on one disk",
        """
        replicasPerDiskPartition                       int      5.5.0  1
        logicalDiskSpaceCleanForciblyThreshold         double   5.5.0  0.8
        """,
    ),
    *group(
        MEANINGLESS,
        "a queue's first offset is corrected as soon as the log loses a file",
        """
        correctLogicMinOffsetSleepInterval             int      5.5.0  1
        correctLogicMinOffsetForceInterval             int      5.5.0  300000
        """,
    ),
    *group(
        HONOURED,
        "the index of keys",
        """
        messageIndexEnable                             boolean  both   true
        maxHashSlotNum                                 int      both   5000000
        maxIndexNum                                    int      both   20000000
        defaultQueryMaxNum                             int      both   32
        messageIndexSafe                               boolean  both   false
        maxMsgsNumBatch                                int      both   64
        indexFileWriteEnable                           boolean  5.5.0  true
        indexFileReadEnable                            boolean  5.5.0  true
        """,
    ),
    *group(
        MEANINGLESS,
        "the index follows the log and has no queue",
        """
        putMsgIndexHightWater                          int      both   600000
        """,
    ),
    *group(
        MEANINGLESS,
        "looked at only with a controller or enableSlaveActingMaster, in Java too",
        """
        minInSyncReplicas                              int      5.5.0  1
        allAckInSyncStateSet                           boolean  5.5.0  false
        enableAutoInSyncReplicas                       boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "replication",
        """
        duplicationEnable                              boolean  both   false
        totalReplicas                                  int      5.5.0  1
        haMaxTimeSlaveNotCatchup                       long     5.5.0  15000
        syncMasterFlushOffsetWhenStartup               boolean  5.5.0  false
        maxChecksumRange                               long     5.5.0  1073741824
        maxSlaveResendLength                           long     5.5.0  268435456
        syncFromLastFile                               boolean  5.5.0  false
        asyncLearner                                   boolean  5.5.0  false
        storePathEpochFile                             String   5.5.0  -
        storePathBrokerIdentity                        String   5.5.0  -
        """,
    ),
    *group(
        NOT_YET,
        "delayed messages",
        """
        flushDelayOffsetInterval                       long     both   10000
        enableScheduleMessageStats                     boolean  both   true
        enableScheduleAsyncDeliver                     boolean  both   false
        scheduleAsyncDeliverMaxPendingLimit            int      both   2000
        scheduleAsyncDeliverMaxResendNum2Blocked       int      both   3
        """,
    ),
    *group(
        NOT_YET,
        "the timer wheel",
        """
        mappedFileSizeTimerLog                         int      5.5.0  104857600
        timerPrecisionMs                               int      5.5.0  1000
        timerRollWindowSlot                            int      5.5.0  172800
        timerFlushIntervalMs                           int      5.5.0  1000
        timerGetMessageThreadNum                       int      5.5.0  3
        timerPutMessageThreadNum                       int      5.5.0  3
        timerEnableDisruptor                           boolean  5.5.0  false
        timerEnableCheckMetrics                        boolean  5.5.0  true
        timerInterceptDelayLevel                       boolean  5.5.0  false
        timerMaxDelaySec                               int      5.5.0  259200
        timerWheelSnapshotFlush                        boolean  5.5.0  false
        disappearTimeAfterStart                        int      5.5.0  -1
        timerStopEnqueue                               boolean  5.5.0  false
        timerCheckMetricsWhen                          String   5.5.0  05
        timerSkipUnknownError                          boolean  5.5.0  false
        timerWarmEnable                                boolean  5.5.0  false
        timerStopDequeue                               boolean  5.5.0  false
        timerEnableRetryUntilSuccess                   boolean  5.5.0  false
        timerCongestNumEachSlot                        int      5.5.0  2147483647
        timerMetricSmallThreshold                      int      5.5.0  1000000
        timerProgressLogIntervalMs                     int      5.5.0  10000
        timerWheelSnapshotIntervalMs                   int      5.5.0  10000
        timerRecallToTimeWheelEnable                   boolean  5.5.0  true
        timerRecallToTimelineEnable                    boolean  5.5.0  true
        timerReputServiceCorePoolSize                  int      5.5.0  6
        timerReputServiceMaxPoolSize                   int      5.5.0  6
        timerReputServiceQueueCapacity                 int      5.5.0  10000
        timerColdDataCheckIntervalMs                   int      5.5.0  60000
        appendTopicForTimerDeleteKey                   boolean  5.5.0  false
        """,
    ),
    *group(
        MEANINGLESS,
        "the size of a buffer of Java's; an extension unit is as long as what it holds",
        """
        bitMapLengthConsumeQueueExt                    int      both   64
        """,
    ),
    *group(
        NOT_YET,
        "compaction",
        """
        compactionMappedFileSize                       int      5.5.0  104857600
        compactionCqMappedFileSize                     int      5.5.0  10485760
        compactionScheduleInternal                     int      5.5.0  900000
        maxOffsetMapSize                               int      5.5.0  104857600
        compactionThreadNum                            int      5.5.0  6
        enableCompaction                               boolean  5.5.0  true
        """,
    ),
    *group(
        MEANINGLESS,
        "a cache of Java's; a unit of a batch is found by halving",
        """
        searchBcqByCacheEnable                         boolean  5.5.0  true
        """,
    ),
    *group(
        NOT_YET,
        "recovery that is limited or sped up",
        """
        commitLogRecoverMaxNum                         int      5.5.0  10
        maxRecoveryCommitlogFiles                      int      5.5.0  30
        checkCommitLogOffsetOnRecover                  boolean  5.5.0  false
        enableAcceleratedRecovery                      boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "the property checksum of records",
        """
        forceVerifyPropCRC                             boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "other lengths of topics",
        """
        maxTopicLength                                 int      5.5.0  127
        """,
    ),
    *group(
        NOT_YET,
        "cold data control",
        """
        coldDataFlowControlEnable                      boolean  5.5.0  false
        coldDataScanEnable                             boolean  5.5.0  false
        dataReadAheadEnable                            boolean  5.5.0  true
        accessMessageInMemoryHotRatio                  int      5.5.0  26
        """,
    ),
    *group(
        NOT_YET,
        "counting by filter",
        """
        maxConsumeQueueScan                            int      5.5.0  20000
        sampleCountThreshold                           int      5.5.0  5000
        sampleSteps                                    int      5.5.0  32
        """,
    ),
    *group(
        NOT_YET,
        "figures of disk lag per answer",
        """
        diskFallRecorded                               boolean  both   true
        """,
    ),
    *group(
        NOT_YET,
        "reading beyond the confirmed offset",
        """
        readUnCommitted                                boolean  5.5.0  false
        """,
    ),
)
