import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/** One send or pull that a server may refuse; says what the Java client makes of the answer. */
final class BadInput {
    private static final Map<String, DefaultMQProducer> PRODUCERS = new HashMap<>();
    private static final Map<String, DefaultMQPullConsumer> CONSUMERS = new HashMap<>();

    private BadInput() {
    }

    /** try-send NAMESRV TOPIC SIZE PROPERTY: a body of SIZE random bytes, a property of PROPERTY characters. */
    static void send(String[] w) throws Exception {
        DefaultMQProducer producer = PRODUCERS.get(w[1]);
        if (producer == null) {
            producer = new DefaultMQProducer("bad_input");
            producer.setNamesrvAddr(w[1]);
            producer.setInstanceName("bad-producer-" + PRODUCERS.size());
            producer.setSendMsgTimeout(10000);
            producer.setMaxMessageSize(64 * 1024 * 1024);
            producer.start();
            PRODUCERS.put(w[1], producer);
        }
        byte[] body = new byte[Integer.parseInt(w[3])];
        new Random(1).nextBytes(body);
        Message message = new Message(w[2], body);
        int length = Integer.parseInt(w[4]);
        if (length > 0) {
            message.putUserProperty("long", new String(new char[length]).replace('\0', 'p'));
        }
        try {
            SendResult result = producer.send(message);
            Peer.say("{\"status\":" + Peer.quote(result.getSendStatus().name()) + "}");
        } catch (Exception e) {
            refused(e);
        }
    }

    /** try-pull NAMESRV GROUP TOPIC BROKER QUEUE OFFSET EXPRESSION. */
    static void pull(String[] w) throws Exception {
        String key = w[1] + w[2];
        DefaultMQPullConsumer consumer = CONSUMERS.get(key);
        if (consumer == null) {
            consumer = new DefaultMQPullConsumer(w[2]);
            consumer.setNamesrvAddr(w[1]);
            consumer.setInstanceName("bad-consumer-" + CONSUMERS.size());
            consumer.start();
            CONSUMERS.put(key, consumer);
        }
        MessageQueue queue = new MessageQueue(w[3], w[4], Integer.parseInt(w[5]));
        try {
            PullResult r = consumer.pull(queue, Consuming.selector(w[7]), Long.parseLong(w[6]), 32);
            Peer.say("{\"status\":" + Peer.quote(r.getPullStatus().name()) + ",\"next\":" + r.getNextBeginOffset()
                + ",\"min\":" + r.getMinOffset() + ",\"max\":" + r.getMaxOffset() + "}");
        } catch (Exception e) {
            refused(e);
        }
    }

    private static void refused(Throwable e) {
        StringBuilder text = new StringBuilder();
        int code = 0;
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            text.append(text.length() == 0 ? "" : " <- ").append(cause);
            if (cause instanceof MQBrokerException) {
                code = ((MQBrokerException) cause).getResponseCode();
            }
        }
        Peer.say("{\"refused\":" + Peer.quote(text.toString()) + ",\"code\":" + code + "}");
    }
}
