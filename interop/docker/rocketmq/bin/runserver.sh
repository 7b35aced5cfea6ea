#!/bin/bash
# The JVM of a name server: a heap of its own, JAVA_OPT_EXT last as in the official image.
HEAP_OPTS=${HEAP_OPTS:-"-Xms1g -Xmx1g -Xmn512m"}
sh "$ROCKETMQ_HOME/bin/java.sh" -server $HEAP_OPTS $JAVA_OPT_EXT "$@"
