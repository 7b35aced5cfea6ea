#!/bin/bash
# Java 17 with what RocketMQ reaches inside it; the shells above it stay, as the official ones do.
java --add-opens=java.base/java.nio=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED \
  --add-opens=java.base/jdk.internal.ref=ALL-UNNAMED \
  -cp ".:$ROCKETMQ_HOME/conf:$ROCKETMQ_HOME/lib/*" "$@"
