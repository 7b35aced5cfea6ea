"""The keys of Java's ``AuthConfig``, ``NettyServerConfig`` and ``NettyClientConfig``.

One row per key: name, Java type, the release that has it, default (``4.9.7 | 5.5.0`` where they
differ; ``-`` is null). See :mod:`rmqwire.settings.rows.broker_conf` for the four kinds.
"""

from __future__ import annotations

from typing import Final

from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, REFUSED, group

AUTH_CONFIG: Final = (
    *group(
        REFUSED,
        "rmqwire has no access control yet: the broker would run open",
        """
        authenticationEnabled                          boolean  5.5.0  false
        authorizationEnabled                           boolean  5.5.0  false
        """,
    ),
    *group(
        NOT_YET,
        "access control 2.0",
        """
        authenticationProvider                         String   5.5.0  -
        authenticationMetadataProvider                 String   5.5.0  -
        authenticationStrategy                         String   5.5.0  -
        authenticationWhitelist                        String   5.5.0  -
        initAuthenticationUser                         String   5.5.0  -
        innerClientAuthenticationCredentials           String   5.5.0  -
        authorizationProvider                          String   5.5.0  -
        authorizationMetadataProvider                  String   5.5.0  -
        authorizationStrategy                          String   5.5.0  -
        authorizationWhitelist                         String   5.5.0  -
        migrateAuthFromV1Enabled                       boolean  5.5.0  false
        userCacheMaxNum                                int      5.5.0  1000
        userCacheExpiredSecond                         int      5.5.0  600
        userCacheRefreshSecond                         int      5.5.0  60
        aclCacheMaxNum                                 int      5.5.0  1000
        aclCacheExpiredSecond                          int      5.5.0  600
        aclCacheRefreshSecond                          int      5.5.0  60
        statefulAuthenticationCacheMaxNum              int      5.5.0  10000
        statefulAuthenticationCacheExpiredSecond       int      5.5.0  60
        statefulAuthorizationCacheMaxNum               int      5.5.0  10000
        statefulAuthorizationCacheExpiredSecond        int      5.5.0  60
        """,
    ),
    *group(
        MEANINGLESS,
        "set by Java for itself from other keys",
        """
        configName                                     String   5.5.0  -
        clusterName                                    String   5.5.0  -
        authConfigPath                                 String   5.5.0  -
        """,
    ),
)

NETTY_SERVER_CONFIG: Final = (
    *group(
        HONOURED,
        "read by the broker",
        """
        bindAddress                                    String   5.5.0  0.0.0.0
        """,
    ),
    *group(
        MEANINGLESS,
        "one event loop serves every request: there are no pools",
        """
        serverWorkerThreads                            int      both   8
        serverCallbackExecutorThreads                  int      both   0
        serverSelectorThreads                          int      both   3
        serverNettyWorkerGroupEnable                   boolean  5.5.0  true
        """,
    ),
    *group(
        MEANINGLESS,
        "a setting of Netty",
        """
        serverPooledByteBufAllocatorEnable             boolean  both   true
        useEpollNativeSelector                         boolean  both   false
        writeBufferHighWaterMark                       int      both   0
        writeBufferLowWaterMark                        int      both   0
        """,
    ),
    *group(
        MEANINGLESS,
        "the kernel sizes socket buffers by itself",
        """
        serverSocketSndBufSize                         int      both   0
        serverSocketRcvBufSize                         int      both   0
        serverSocketBacklog                            int      both   1024
        """,
    ),
    *group(
        NOT_YET,
        "limits per connection",
        """
        serverOnewaySemaphoreValue                     int      both   256
        serverAsyncSemaphoreValue                      int      both   64
        serverChannelMaxIdleTimeSeconds                int      both   120
        """,
    ),
    *group(
        NOT_YET,
        "a goodbye to clients at the end",
        """
        enableShutdownGracefully                       boolean  5.5.0  false
        shutdownWaitTimeSeconds                        int      5.5.0  30
        """,
    ),
)

NETTY_CLIENT_CONFIG: Final = (
    *group(
        REFUSED,
        "TLS is not there yet: the name server would be asked in plain",
        """
        useTLS                                         boolean  both   false
        """,
    ),
    *group(
        MEANINGLESS,
        "one event loop serves every request: there are no pools",
        """
        clientWorkerThreads                            int      both   4
        clientCallbackExecutorThreads                  int      both   2
        disableCallbackExecutor                        boolean  5.5.0  false
        disableNettyWorkerGroup                        boolean  5.5.0  false
        """,
    ),
    *group(
        MEANINGLESS,
        "a setting of Netty",
        """
        clientPooledByteBufAllocatorEnable             boolean  both   false
        """,
    ),
    *group(
        MEANINGLESS,
        "the kernel sizes socket buffers by itself",
        """
        clientSocketSndBufSize                         int      both   0
        clientSocketRcvBufSize                         int      both   0
        """,
    ),
    *group(
        NOT_YET,
        "limits of the broker's own connections",
        """
        clientOnewaySemaphoreValue                     int      both   65535
        clientAsyncSemaphoreValue                      int      both   65535
        connectTimeoutMillis                           int      both   3000
        channelNotActiveInterval                       long     both   60000
        clientChannelMaxIdleTimeSeconds                int      both   120
        clientCloseSocketIfTimeout                     boolean  both   true
        isScanAvailableNameSrv                         boolean  5.5.0  true
        maxReconnectIntervalTimeSeconds                long     5.5.0  60
        enableReconnectForGoAway                       boolean  5.5.0  true
        """,
    ),
    *group(
        NOT_YET,
        "a SOCKS proxy",
        """
        socksProxyConfig                               String   5.5.0  {}
        """,
    ),
)
