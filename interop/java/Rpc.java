import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Both ends of request-reply. */
final class Rpc {
    private static final Map<String, Rpc> RUNNING = new HashMap<>();
    private final DefaultMQProducer producer;
    private final DefaultMQPushConsumer consumer;

    private Rpc(String name, String namesrv, String group, String topic) throws Exception {
        producer = new DefaultMQProducer("rpc_answers");
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName("rpc-answers-" + name);
        consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName("rpc-" + name);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            try {
                for (MessageExt m : messages) {
                    byte[] body = ("Java: " + new String(m.getBody(), StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
                    producer.send(MessageUtil.createReplyMessage(m, body), 3000);
                }
            } catch (Exception e) {
                e.printStackTrace();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        producer.start();
        consumer.start();
    }

    /** rpc-serve NAME NAMESRV GROUP TOPIC: answer each request by "Java: " and its body. */
    static void serve(String[] w) throws Exception {
        RUNNING.put(w[1], new Rpc(w[1], w[2], w[3], w[4]));
    }

    /** rpc-stop NAME */
    static void stop(String[] w) {
        Rpc running = RUNNING.remove(w[1]);
        running.consumer.shutdown();
        running.producer.shutdown();
    }

    /** rpc-request NAMESRV TOPIC BODY TIMEOUT_MS: the body of the answer. */
    static void request(String[] w) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("rpc_asks");
        producer.setNamesrvAddr(w[1]);
        producer.setInstanceName("rpc-asks-" + System.nanoTime());
        producer.start();
        try {
            Message answer = producer.request(new Message(w[2], w[3].getBytes(StandardCharsets.UTF_8)), Long.parseLong(w[4]));
            Peer.say("{\"answer\":" + Peer.quote(new String(answer.getBody(), StandardCharsets.UTF_8)) + "}");
        } finally {
            producer.shutdown();
        }
    }
}
