"""The one table of ``namesrv.conf`` keys: Java's ``NamesrvConfig``, ``NettyServerConfig``, ours.

The columns of a row are those of :mod:`rmqwire.settings.key`; the four kinds are told in
:mod:`rmqwire.settings.rows.broker_conf`. ``docs/reference/namesrv-conf.md`` is this table, printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rmqwire.settings.key import HONOURED, MEANINGLESS, NOT_YET, ConfigKey, group
from rmqwire.settings.rows.other_configs import NETTY_SERVER_IGNORED
from rmqwire.settings.rows.tls import TLS

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESRV_CONFIG: Final = (
    *group(
        HONOURED,
        "read by the name server",
        """
        kvConfigPath                       String   ${user.home}/namesrv/kvConfig.json        ${user.home}/namesrv/kvConfig.json        <path>
        configStorePath                    String   ${user.home}/namesrv/namesrv.properties   ${user.home}/namesrv/namesrv.properties   <path>
        orderMessageEnable                 boolean  false  false                                          -                  live
        returnOrderTopicConfigToBroker     boolean  .      true                                           -                  live
        scanNotActiveBrokerInterval        long     .      5000                                           100..3600000       live
        supportActingMaster                boolean  .      false                                          -                  live
        enableAllTopicList                 boolean  .      true                                           -                  live
        enableTopicList                    boolean  .      true                                           -                  live
        notifyMinBrokerIdChanged           boolean  .      false                                          -                  live
        needWaitForService                 boolean  .      false                                          -                  live
        waitSecondsForService              int      .      45                                             0..86400           live
        deleteTopicWithBrokerRegistration  boolean  .      false                                          -                  live
        configBlackList                    String   .      configBlackList;configStorePath;kvConfigPath   <text>
        """,
    ),
    *group(
        MEANINGLESS,
        "one event loop serves every request: there are no pools and no queues between them",
        """
        clientRequestThreadPoolNums           int  .  8
        defaultThreadPoolNums                 int  .  16
        clientRequestThreadPoolQueueCapacity  int  .  50000
        defaultThreadPoolQueueCapacity        int  .  10000
        unRegisterBrokerQueueCapacity         int  .  3000
        """,
    ),
    *group(
        MEANINGLESS,
        "an installation folder of Java; nothing is read from it",
        """
        rocketmqHome  String  ""  ""
        """,
    ),
    *group(
        NOT_YET,
        "asking the name servers of another environment",
        """
        clusterTest     boolean  false   false
        productEnvName  String   center  center
        """,
    ),
    *group(
        NOT_YET,
        "a controller within the name server",
        """
        enableControllerInNamesrv  boolean  .  false
        """,
    ),
)

NETTY_SERVER_CONFIG: Final = (
    *group(
        HONOURED,
        "read by the name server",
        """
        listenPort                       int     9876  9876     0..65535
        bindAddress                      String  .     0.0.0.0  <text>
        serverChannelMaxIdleTimeSeconds  int     120   120      1..86400
        enableShutdownGracefully  boolean  .  false
        shutdownWaitTimeSeconds   int      .  30  0..3600
        """,
    ),
    *NETTY_SERVER_IGNORED,
)

NETTY_CLIENT_CONFIG: Final = (
    *group(
        HONOURED,
        "whether brokers are told of changes with TLS; where neither this nor tls.enable is said, they "
        "are if tls.server.mode is enforcing",
        """
        useTLS  boolean  .  false
        """,
    ),
)

RMQWIRE_CONFIG: Final = (
    *group(
        HONOURED,
        "chooses the column wherever releases differ; a key of rmqwire's own",
        """
        rocketmqVersion  String  5.5.0  5.5.0  4.9.7|5.5.0|5.5.1
        """,
    ),
    *group(
        HONOURED,
        "IP addresses and networks that may register brokers, all when empty; a key of rmqwire's own",
        """
        registerAllowList  String  ""  ""  <networks>
        """,
    ),
    *group(
        HONOURED,
        "a broker that is alive keeps its name and id against another address; a key of rmqwire's own",
        """
        protectBrokerAddress  boolean  true  true
        """,
    ),
)

SECTIONS: Final[Mapping[str, tuple[ConfigKey, ...]]] = {
    "NamesrvConfig": NAMESRV_CONFIG,
    "NettyServerConfig": NETTY_SERVER_CONFIG,
    "NettyClientConfig": NETTY_CLIENT_CONFIG,
    "TLS": TLS,
    "rmqwire": RMQWIRE_CONFIG,
}
JAVA_SECTIONS: Final = ("NamesrvConfig", "NettyServerConfig")
KEYS: Final[Mapping[str, ConfigKey]] = {
    key.name: key for section in SECTIONS.values() for key in section
}
