#!/bin/bash
# The JVM of a broker: a heap of its own, JAVA_OPT_EXT last as in the official image.
HEAP_OPTS=${HEAP_OPTS:-"-Xms2g -Xmx2g -Xmn1g -XX:MaxDirectMemorySize=1g"}
sh "$ROCKETMQ_HOME/bin/java.sh" -server $HEAP_OPTS -XX:+UseG1GC $JAVA_OPT_EXT "$@"
