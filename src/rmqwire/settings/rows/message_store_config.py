"""The keys of Java's ``MessageStoreConfig`` in ``broker.conf``.

The columns of a row are those of :mod:`rmqwire.settings.key`; the four kinds are told in
:mod:`rmqwire.settings.rows.broker_conf`.
"""

from __future__ import annotations

from typing import Final

from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, REFUSED, group

MESSAGE_STORE_CONFIG: Final = (
    *group(
        HONOURED,
        "read by the store",
        """
        storePathRootDir                   String         ${user.home}/store    ${user.home}/store    <folder>
        storePathCommitLog                 String         -                     -                     <log folder>
        mappedFileSizeCommitLog            int            1073741824            1073741824            1024..
        mappedFileSizeConsumeQueue         int            6000000               6000000               20..
        flushIntervalCommitLog             int            500                   500                   1..                   live 1..3600000
        flushIntervalConsumeQueue          int            1000                  1000                  1..                   live 1..3600000
        enableLmq                          boolean        false                 false
        enableMultiDispatch                boolean        false                 false
        maxLmqConsumeQueueNum              int            20000                 20000
        enableLmqQuota                     boolean        .                     false
        mapperFileSizeBatchConsumeQueue    int            .                     13800000              46..
        enableConsumeQueueExt              boolean        false                 false
        mappedFileSizeConsumeQueueExt      int            50331648              50331648              24..
        maxMessageSize                     int            4194304               4194304               1..536870912          live
        osPageCacheBusyTimeOutMills        long           1000                  1000
        checkCRCOnRecover                  boolean        true                  true
        maxTransferBytesOnMessageInMemory  int            262144                262144                1..                   live
        maxTransferCountOnMessageInMemory  int            32                    32                    1..                   live
        maxTransferBytesOnMessageInDisk    int            65536                 65536                 1..                   live
        maxTransferCountOnMessageInDisk    int            8                     8                     1..                   live
        accessMessageInMemoryMaxRatio      int            40                    40                    0..100                live
        dataReadAheadEnable                boolean        .                     true
        brokerRole                         BrokerRole     ASYNC_MASTER          ASYNC_MASTER          ASYNC_MASTER|SYNC_MASTER|SLAVE
        flushDiskType                      FlushDiskType  ASYNC_FLUSH           ASYNC_FLUSH           ASYNC_FLUSH|SYNC_FLUSH
        syncFlushTimeout                   int            5000                  5000                  1..                   live 1..3600000
        timerWheelEnable                   boolean        (false)               true
        haListenPort                       int            ${listenPort + 1}     ${listenPort + 1}     0..65535
        flushCommitLogLeastPages           int            4                     4                     0..                   live
        flushConsumeQueueLeastPages        int            2                     2                     0..                   live
        flushCommitLogThoroughInterval     int            10000                 10000                 0..                   live 1..86400000
        flushConsumeQueueThoroughInterval  int            60000                 60000                 0..                   live 1..86400000
        maxFilterMessageSize               int            .                     16000                 1..                   live
        travelCqFileNumWhenGetMessage      int            .                     1                     1..
        enabledAppendPropCRC               boolean        .                     false
        autoMessageVersionOnTopicLen       boolean        .                     true
        messageDelayLevel                  String         1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h  1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h  <delays>  live
        """,
    ),
    *group(
        HONOURED,
        "read by replication",
        """
        haSendHeartbeatInterval    int      5000       5000
        haHousekeepingInterval     int      20000      20000
        haTransferBatchSize        int      32768      32768
        haMasterAddress            String   -          -
        haSlaveFallbehindMax       int      268435456  .  1..  live
        slaveTimeout               int      3000       3000  1..  live
        offsetCheckInSlave         boolean  false      false
        haMaxGapNotInSync          int      .          268435456
        inSyncReplicas             int      .          1          1..  live
        haFlowControlEnable        boolean  .          false
        maxHaTransferByteInSecond  long     .          104857600
        """,
    ),
    *group(
        REFUSED,
        "there is no DLedger commit log; what to do with its folder: docs/how-to/leave-dledger.md",
        """
        enableDLegerCommitLog  boolean  false  false
        """,
    ),
    *group(
        MEANINGLESS,
        "queues, timers and index are kept in files, not in RocksDB; a folder that holds data in "
        "RocksDB is refused at the start, whatever this key says",
        """
        storeType                   String   .  default
        rocksdbCQDoubleWriteEnable  boolean  .  false
        timerRocksDBEnable          boolean  .  false
        transRocksDBEnable          boolean  .  false
        indexRocksDBEnable          boolean  .  false
        combineCQUseRocksdbForLmq   boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "looked at only with a storePathCommitLog of several folders, in Java too; here such a "
        "storePathCommitLog is refused",
        """
        readOnlyCommitLogStorePaths  String  -  -
        """,
    ),
    *group(
        MEANINGLESS,
        "looked at only by the DLedger commit log, in Java too",
        """
        enableBatchPush    boolean  .      false
        isEnableBatchPush  boolean  false  .
        """,
    ),
    *group(
        MEANINGLESS,
        "there is no DLedger commit log",
        """
        storePathDLedgerCommitLog  String  -  -
        dLegerGroup                String  -  -
        dLegerPeers                String  -  -
        dLegerSelfId               String  -  -
        preferredLeaderId          String  -  -
        """,
    ),
    *group(
        MEANINGLESS,
        "there is no pool of off-heap buffers: a send is in the file, not in the pool, when it is "
        "answered, which is at least as durable",
        """
        transientStorePoolEnable         boolean  false  false
        commitIntervalCommitLog          int      200    200
        commitCommitLogLeastPages        int      4      4
        commitCommitLogThoroughInterval  int      200    200
        transientStorePoolSize           int      5      5
        fastFailIfNoBufferInStorePool    boolean  false  false
        wakeCommitWhenPutMessage         boolean  .      true
        """,
    ),
    *group(
        MEANINGLESS,
        "one event loop appends: there are no locks",
        """
        useReentrantLockWhenPutMessage         boolean  true   true
        debugLockEnable                        boolean  false  false
        topicQueueLockNum                      int      .      32
        useABSLock                             boolean  .      false
        spinLockCollisionRetreatOptimalDegree  int      .      1000
        putMessageTimeout                      int      .      8000
        """,
    ),
    *group(
        MEANINGLESS,
        "segments are written by pwrite, not through mmap",
        """
        warmMapedFileEnable               boolean  false  false
        flushLeastPagesWhenWarmMapedFile  int      4096   4096
        writeWithoutMmap                  boolean  .      false
        mappedFileSwapEnable              boolean  .      true
        commitLogForceSwapMapInterval     long     .      43200000
        commitLogSwapMapInterval          long     .      3600000
        commitLogSwapMapReserveFileNum    int      .      100
        logicQueueForceSwapMapInterval    long     .      43200000
        logicQueueSwapMapInterval         long     .      3600000
        cleanSwapedMapInterval            long     .      300000
        logicQueueSwapMapReserveFileNum   int      .      20
        putConsumeQueueDataByFileChannel  boolean  .      true
        sharedByteBufferNum               int      .      16
        """,
    ),
    *group(
        MEANINGLESS,
        "the whole unflushed range is synced at once, not by pages",
        """
        flushCommitLogTimed      boolean  true  true
        wakeFlushWhenPutMessage  boolean  .     false
        """,
    ),
    *group(
        MEANINGLESS,
        "consume queues grow in the pass of the send",
        """
        dispatchCqThreads                               int      .  10
        dispatchCqCacheNum                              int      .  4096
        enableAsyncReput                                boolean  .  true
        recheckReputOffsetFromCq                        boolean  .  false
        dispatchFromSenderThread                        boolean  .  false
        enableBuildConsumeQueueConcurrently             boolean  .  false
        batchDispatchRequestThreadPoolNums              int      .  16
        enableLogConsumeQueueRepeatedlyBuildWhenRecover  boolean  .  false
        maxAsyncPutMessageRequests                      int      .  5000
        """,
    ),
    *group(
        MEANINGLESS,
        "there is no RocksDB",
        """
        timerRocksDBStopScan                           boolean  .  false
        timerRocksDBPrecisionMs                        long     .  1000
        timerRocksDBRollMaxTps                         double   .  8000.0
        timerRocksDBTimeExpiredMaxTps                  double   .  200000.0
        timerRocksDBRollIntervalHours                  int      .  1
        timerRocksDBRollRangeHours                     int      .  2
        transWriteOriginTransHalfEnable                boolean  .  true
        maxRocksDBIndexQueryDays                       int      .  7
        iteratorWhenUseRocksdbConsumeQueue             boolean  .  true
        cleanRocksDBDirtyCQIntervalMin                 long     .  60
        statRocksDBCQIntervalSec                       long     .  10
        memTableFlushIntervalMs                        long     .  3600000
        realTimePersistRocksDBConfig                   boolean  .  true
        enableRocksDBLog                               boolean  .  false
        combineCQLoadingCQTypes                        String   .  default;defaultRocksDB
        combineCQPreferCQType                          String   .  default
        combineAssignOffsetCQType                      String   .  default
        combineCQEnableCheckSelf                       boolean  .  false
        combineCQMaxExtraSearchCommitLogFiles          int      .  3
        bottomMostCompressionTypeForConsumeQueueStore  String   .  zstd
        rocksdbCompressionType                         String   .  lz4
        rocksdbFlushWalFrequency                       int      .  1024
        rocksdbWalFileRollingThreshold                 long     .  1073741824
        useSeparateStorePathForRocksdbCQ               boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "there is no RocksDB",
        """
        popRocksdbBlockCacheSize             long     268435456
        popRocksdbWriteBufferSize            long     33554432
        rocksdbCQSelectiveDoubleWriteEnable  boolean  false
        rocksdbMaxSizeAmplificationPercent   int      25
        """,
        columns=("5.5.1",),
    ),
    *group(
        MEANINGLESS,
        "how Java reads its files through mmap",
        """
        correctMinOffsetMadviseEnable   boolean  false
        maxCheckMessageReuseBufferSize  int      1048576
        """,
        columns=("5.5.1",),
    ),
    *group(
        MEANINGLESS,
        "no code of RocketMQ reads it",
        """
        enableRunningFlagsInFlush  boolean  .  false
        maxBatchDeleteFilesNum     int      .  50
        pullBatchMaxMessageCount   int      .  160
        enableCleanExpiredOffset   boolean  .  false
        """,
    ),
    *group(
        HONOURED,
        "cleaning old files",
        """
        cleanResourceInterval            int      10000  10000  1..             live 1000..3600000
        deleteCommitLogFilesInterval     int      100    100    0..             live 0..60000
        deleteConsumeQueueFilesInterval  int      100    100    0..             live 0..60000
        deleteWhen                       String   04     04     <hours>         live
        diskMaxUsedSpaceRatio            int      75     75     clamped 10..95  live
        fileReservedTime                 int      72     72     1..             live
        cleanFileForciblyEnable          boolean  true   true   -               live
        diskSpaceWarningLevelRatio       int      .      90     clamped 35..90  live
        diskSpaceCleanForciblyRatio      int      .      85     clamped 30..85  live
        deleteFileBatchMax               int      .      10     1..             live 1..1000
        """,
    ),
    *group(
        MEANINGLESS,
        "readers never hold up the removal of a file: the kernel keeps it while it is open",
        """
        destroyMapedFileIntervalForcibly  int  120000  120000
        redeleteHangedFileInterval        int  120000  120000
        """,
    ),
    *group(
        NOT_YET,
        "several brokers on one disk",
        """
        replicasPerDiskPartition                int     .  1
        logicalDiskSpaceCleanForciblyThreshold  double  .  0.8
        """,
    ),
    *group(
        MEANINGLESS,
        "a queue's first offset is corrected as soon as the log loses a file",
        """
        correctLogicMinOffsetSleepInterval  int  .  1
        correctLogicMinOffsetForceInterval  int  .  300000
        """,
    ),
    *group(
        HONOURED,
        "the index of keys",
        """
        messageIndexEnable    boolean  true      true      -    live
        maxHashSlotNum        int      5000000   5000000   1..
        maxIndexNum           int      20000000  20000000  2..
        defaultQueryMaxNum    int      32        32        1..  live 1..1000
        messageIndexSafe      boolean  false     false
        maxMsgsNumBatch       int      64        64        1..  live 1..10000
        indexFileWriteEnable  boolean  .         true      -    live
        indexFileReadEnable   boolean  .         true      -    live
        """,
    ),
    *group(
        MEANINGLESS,
        "the index follows the log and has no queue",
        """
        putMsgIndexHightWater  int  600000  600000
        """,
    ),
    *group(
        MEANINGLESS,
        "looked at only with a controller or enableSlaveActingMaster, in Java too",
        """
        minInSyncReplicas         int      .  1
        allAckInSyncStateSet      boolean  .  false
        enableAutoInSyncReplicas  boolean  .  false
        """,
    ),
    *group(
        NOT_YET,
        "replication",
        """
        duplicationEnable                 boolean  false  false
        totalReplicas                     int      .      1
        haMaxTimeSlaveNotCatchup          long     .      15000
        syncMasterFlushOffsetWhenStartup  boolean  .      false
        maxChecksumRange                  long     .      1073741824
        maxSlaveResendLength              long     .      268435456
        syncFromLastFile                  boolean  .      false
        asyncLearner                      boolean  .      false
        storePathEpochFile                String   .      -
        storePathBrokerIdentity           String   .      -
        """,
    ),
    *group(
        HONOURED,
        "counts delayed messages when they are delivered",
        """
        enableScheduleMessageStats  boolean  true  true
        """,
    ),
    *group(
        NOT_YET,
        "delayed messages",
        """
        flushDelayOffsetInterval                  long     10000  10000
        enableScheduleAsyncDeliver                boolean  false  false
        scheduleAsyncDeliverMaxPendingLimit       int      2000   2000
        scheduleAsyncDeliverMaxResendNum2Blocked  int      3      3
        """,
    ),
    *group(
        HONOURED,
        "read by the timers",
        """
        mappedFileSizeTimerLog          int      .  104857600   68..
        timerPrecisionMs                int      .  1000        1..60000
        timerRollWindowSlot             int      .  172800
        timerFlushIntervalMs            int      .  1000        1..          live 1..3600000
        timerMaxDelaySec                int      .  259200      1..          live
        timerWheelSnapshotFlush         boolean  .  false
        timerStopEnqueue                boolean  .  false       -            live
        timerStopDequeue                boolean  .  false       -            live
        timerCongestNumEachSlot         int      .  2147483647  0..          live
        timerWheelSnapshotIntervalMs    int      .  10000       1..
        appendTopicForTimerDeleteKey    boolean  .  false
        timerEnableCheckMetrics         boolean  .  true        -            live
        timerCheckMetricsWhen           String   .  05          <hours>      live
        timerMetricSmallThreshold       int      .  1000000     0..          live
        timerProgressLogIntervalMs      int      .  10000       0..          live
        """,
    ),
    *group(
        NOT_YET,
        "the timer wheel",
        """
        disappearTimeAfterStart         int      .  -1
        """,
    ),
    *group(
        MEANINGLESS,
        "Java 5.5 doesn't read it either: delay levels never go through the wheel",
        """
        timerInterceptDelayLevel        boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "timers are delivered in the event loop, by no threads and queues of their own",
        """
        timerGetMessageThreadNum        int      .  3
        timerPutMessageThreadNum        int      .  3
        timerEnableDisruptor            boolean  .  false
        timerWarmEnable                 boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "a timer that is refused for a while is tried again until it is stored, and one that can't be "
        "read or stored at all is left out with a line in the log",
        """
        timerSkipUnknownError           boolean  .  false
        timerEnableRetryUntilSuccess    boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "of the timeline in RocksDB, which isn't there",
        """
        timerRecallToTimeWheelEnable    boolean  .  true
        timerRecallToTimelineEnable     boolean  .  true
        timerReputServiceCorePoolSize   int      .  6
        timerReputServiceMaxPoolSize    int      .  6
        timerReputServiceQueueCapacity  int      .  10000
        timerColdDataCheckIntervalMs    int      .  60000
        """,
    ),
    *group(
        MEANINGLESS,
        "made from the two keys of the Bloom filter by Java too, whatever the file says",
        """
        bitMapLengthConsumeQueueExt  int  64  64
        """,
    ),
    *group(
        NOT_YET,
        "compaction",
        """
        compactionMappedFileSize    int      .  104857600
        compactionCqMappedFileSize  int      .  10485760
        compactionScheduleInternal  int      .  900000
        maxOffsetMapSize            int      .  104857600
        compactionThreadNum         int      .  6
        enableCompaction            boolean  .  true
        """,
    ),
    *group(
        MEANINGLESS,
        "a cache of Java's; a unit of a batch is found by halving",
        """
        searchBcqByCacheEnable  boolean  .  true
        """,
    ),
    *group(
        NOT_YET,
        "recovery that is limited or sped up",
        """
        commitLogRecoverMaxNum         int      .  10
        maxRecoveryCommitlogFiles      int      .  30
        checkCommitLogOffsetOnRecover  boolean  .  false
        enableAcceleratedRecovery      boolean  .  false
        """,
    ),
    *group(
        NOT_YET,
        "the property checksum of records",
        """
        forceVerifyPropCRC  boolean  .  false
        """,
    ),
    *group(
        NOT_YET,
        "other lengths of topics",
        """
        maxTopicLength  int  .  127
        """,
    ),
    *group(
        NOT_YET,
        "holding back readers of cold messages: files aren't mapped, so which pages are in memory isn't known",
        """
        coldDataFlowControlEnable      boolean  .  false
        coldDataScanEnable             boolean  .  false
        accessMessageInMemoryHotRatio  int      .  26
        """,
    ),
    *group(
        NOT_YET,
        "counting by filter",
        """
        maxConsumeQueueScan   int  .  20000
        sampleCountThreshold  int  .  5000
        sampleSteps           int  .  32
        """,
    ),
    *group(
        NOT_YET,
        "figures of disk lag per answer",
        """
        diskFallRecorded  boolean  true  true
        """,
    ),
    *group(
        NOT_YET,
        "reading beyond the confirmed offset",
        """
        readUnCommitted  boolean  .  false
        """,
    ),
)
