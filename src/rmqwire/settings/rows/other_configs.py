"""The keys of Java's ``AuthConfig``, ``NettyServerConfig`` and ``NettyClientConfig``.

The columns of a row are those of :mod:`rmqwire.settings.key`; the four kinds are told in
:mod:`rmqwire.settings.rows.broker_conf`.
"""

from __future__ import annotations

from typing import Final

from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, REFUSED, group

AUTH_CONFIG: Final = (
    *group(
        HONOURED,
        "users and policies, kept in config/auth.json; the second needs the first",
        """
        authenticationEnabled    boolean  .  false
        authorizationEnabled     boolean  .  false
        authenticationWhitelist  String   .  -
        authorizationWhitelist   String   .  -
        initAuthenticationUser   String   .  -
        """,
    ),
    *group(
        HONOURED,
        "what a broker signs its own requests with, those of a slave to its master: "
        '{"accessKey":"...","secretKey":"..."}; as 4.9 too, whose Java slaves can\'t sign',
        """
        innerClientAuthenticationCredentials  String  (-)  -
        """,
    ),
    *group(
        REFUSED,
        "users and policies are kept in config/auth.json; a class of Java's can't be loaded",
        """
        authenticationProvider          String  .  -  org.apache.rocketmq.auth.authentication.provider.DefaultAuthenticationProvider
        authenticationMetadataProvider  String  .  -  org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider
        authorizationProvider           String  .  -  org.apache.rocketmq.auth.authorization.provider.DefaultAuthorizationProvider
        authorizationMetadataProvider   String  .  -  org.apache.rocketmq.auth.authorization.provider.LocalAuthorizationMetadataProvider
        """,
    ),
    *group(
        MEANINGLESS,
        "every request is judged by the table as it is; no verdict is kept",
        """
        authenticationStrategy                    String   .  -
        authorizationStrategy                     String   .  -
        userCacheMaxNum                           int      .  1000
        userCacheExpiredSecond                    int      .  600
        userCacheRefreshSecond                    int      .  60
        aclCacheMaxNum                            int      .  1000
        aclCacheExpiredSecond                     int      .  600
        aclCacheRefreshSecond                     int      .  60
        statefulAuthenticationCacheMaxNum         int      .  10000
        statefulAuthenticationCacheExpiredSecond  int      .  60
        statefulAuthorizationCacheMaxNum          int      .  10000
        statefulAuthorizationCacheExpiredSecond   int      .  60
        """,
    ),
    *group(
        HONOURED,
        "at the start each account in conf/plain_acl.yml and conf/acl of ROCKETMQ_HOME that is no user yet "
        "becomes one, with policies; a file that can't be used stops the start",
        """
        migrateAuthFromV1Enabled  boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "set by Java for itself from other keys",
        """
        configName      String  .  -
        clusterName     String  .  -
        authConfigPath  String  .  -
        """,
    ),
)

NETTY_SERVER_IGNORED: Final = (
    *group(
        MEANINGLESS,
        "one event loop serves every request: there are no pools",
        """
        serverWorkerThreads            int      8  8
        serverCallbackExecutorThreads  int      0  0
        serverSelectorThreads          int      3  3
        serverNettyWorkerGroupEnable   boolean  .  true
        """,
    ),
    *group(
        MEANINGLESS,
        "a setting of Netty",
        """
        serverPooledByteBufAllocatorEnable  boolean  true   true
        useEpollNativeSelector              boolean  false  false
        writeBufferHighWaterMark            int      0      0
        writeBufferLowWaterMark             int      0      0
        """,
    ),
    *group(
        MEANINGLESS,
        "the kernel sizes socket buffers by itself",
        """
        serverSocketSndBufSize  int  0     0
        serverSocketRcvBufSize  int  0     0
        serverSocketBacklog     int  1024  1024
        """,
    ),
    *group(
        NOT_YET,
        "limits per connection",
        """
        serverOnewaySemaphoreValue       int  256  256
        serverAsyncSemaphoreValue        int  64   64
        """,
    ),
)

NETTY_SERVER_CONFIG: Final = (
    *group(
        HONOURED,
        "read by the broker",
        """
        bindAddress                      String  .    0.0.0.0  <text>
        serverChannelMaxIdleTimeSeconds  int     120  120      1..86400
        enableShutdownGracefully         boolean  .    false
        shutdownWaitTimeSeconds          int      .    30       0..3600
        """,
    ),
    *NETTY_SERVER_IGNORED,
)

NETTY_CLIENT_CONFIG: Final = (
    *group(
        HONOURED,
        "whether name servers and a slave's master are spoken to with TLS; where neither this nor "
        "tls.enable is said, they are if tls.server.mode is enforcing",
        """
        useTLS  boolean  false  false
        """,
    ),
    *group(
        HONOURED,
        "limits of the broker's own connections, to name servers and to a slave's master",
        """
        clientOnewaySemaphoreValue       int      65535  65535  1..
        clientAsyncSemaphoreValue        int      65535  65535  1..
        connectTimeoutMillis             int      3000   3000   1..
        clientChannelMaxIdleTimeSeconds  int      120    120    1..86400
        enableReconnectForGoAway         boolean  .      true
        """,
    ),
    *group(
        MEANINGLESS,
        "one event loop serves every request: there are no pools",
        """
        clientWorkerThreads            int      4  4
        clientCallbackExecutorThreads  int      2  2
        disableCallbackExecutor        boolean  .  false
        disableNettyWorkerGroup        boolean  .  false
        """,
    ),
    *group(
        MEANINGLESS,
        "a setting of Netty",
        """
        clientPooledByteBufAllocatorEnable  boolean  false  false
        """,
    ),
    *group(
        MEANINGLESS,
        "the kernel sizes socket buffers by itself",
        """
        clientSocketSndBufSize  int  0  0
        clientSocketRcvBufSize  int  0  0
        """,
    ),
    *group(
        NOT_YET,
        "limits of the broker's own connections",
        """
        channelNotActiveInterval         long     60000  60000
        clientCloseSocketIfTimeout       boolean  true   true
        isScanAvailableNameSrv           boolean  .      true
        maxReconnectIntervalTimeSeconds  long     .      60
        """,
    ),
    *group(
        NOT_YET,
        "a SOCKS proxy",
        """
        socksProxyConfig  String  .  {}
        """,
    ),
)
