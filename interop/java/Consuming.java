import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/** Push consumers that tell of each delivery. */
final class Consuming {
    private static final Map<String, Consuming> RUNNING = new HashMap<>();
    private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final Map<String, Integer> seen = new ConcurrentHashMap<>();
    private final int failures;
    private final DefaultMQPushConsumer client;

    private Consuming(String group, int failures) {
        this.failures = failures;
        this.client = new DefaultMQPushConsumer(group, Signing.hook(), new AllocateMessageQueueAveragely());
    }

    /**
     * consume-start NAME NAMESRV GROUP TOPIC EXPRESSION FAILURES [KIND [STRATEGY]]: the first FAILURES
     * deliveries of each message fail; KIND has "orderly", "broadcasting" or "asking" (its broker for queues) in it, STRATEGY is one of Allocate's.
     */
    static void start(String[] w) throws Exception {
        Consuming made = new Consuming(w[3], Integer.parseInt(w[6]));
        String kind = w.length > 7 ? w[7] : "";
        DefaultMQPushConsumer client = made.client;
        client.setNamesrvAddr(w[2]);
        client.setInstanceName("consumer-" + w[1]);
        client.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        client.setVipChannelEnabled(false);
        client.setPollNameServerInterval(1000);
        client.setAwaitTerminationMillisWhenShutdown(2000);  // else it forgets what it has just consumed
        client.subscribe(w[4], selector(w[5]));
        if (w.length > 8) {
            client.setAllocateMessageQueueStrategy(Allocate.strategy(w[8], new ArrayList<>()));
        }
        if (kind.contains("broadcasting")) {
            broadcast(client);
        }
        if (kind.contains("asking")) {
            ask(client);
        }
        if (kind.contains("orderly")) {
            client.registerMessageListener((MessageListenerOrderly) (messages, context) ->
                made.take(messages) ? ConsumeOrderlyStatus.SUCCESS : ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT);
        } else {
            client.registerMessageListener((MessageListenerConcurrently) (messages, context) ->
                made.take(messages) ? ConsumeConcurrentlyStatus.CONSUME_SUCCESS : ConsumeConcurrentlyStatus.RECONSUME_LATER);
        }
        client.start();
        RUNNING.put(w[1], made);
    }

    /** MessageModel has another package in each of 4.x and 5.x. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    private static void broadcast(DefaultMQPushConsumer client) throws Exception {
        for (Method method : DefaultMQPushConsumer.class.getMethods()) {
            if (method.getName().equals("setMessageModel")) {
                method.invoke(client, Enum.valueOf((Class) method.getParameterTypes()[0], "BROADCASTING"));
            }
        }
    }

    /** Leave it to the broker which queues are read, and whether they are popped; 5.x. */
    private static void ask(DefaultMQPushConsumer client) throws Exception {
        DefaultMQPushConsumer.class.getMethod("setClientRebalance", boolean.class).invoke(client, false);
    }

    private boolean take(List<MessageExt> messages) {
        boolean ok = true;
        for (MessageExt m : messages) {
            lines.add(Peer.describe(m));
            ok &= seen.merge(m.getKeys() + m.getMsgId(), 1, Integer::sum) > failures;
        }
        return ok;
    }

    static MessageSelector selector(String expression) {
        return expression.startsWith("sql:") ? MessageSelector.bySql(expression.substring(4)) : MessageSelector.byTag(expression);
    }

    /** consume-poll NAME COUNT TIMEOUT_MS: what came in, as soon as COUNT messages are there or the time is over. */
    static void poll(String[] w) throws Exception {
        tell(RUNNING.get(w[1]).lines, Integer.parseInt(w[2]), Long.parseLong(w[3]));
    }

    static void tell(LinkedBlockingQueue<String> lines, int count, long timeoutMs) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(timeoutMs);
        for (int i = count; i > 0; i--) {
            String line = lines.poll(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            if (line == null) {
                return;
            }
            Peer.say(line);
        }
    }

    /** consume-stop NAME */
    static void stop(String[] w) {
        RUNNING.remove(w[1]).client.shutdown();
    }
}
