import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;

/** Messages with a time of their own. 4.9 has no methods for them, so properties are set. */
final class Timers {
    private Timers() {
    }

    /** timer-send NAMESRV TOPIC (PROPERTY VALUE BODY)...: how each ended, and the handle to recall it. */
    static void send(String[] w) throws Exception {
        DefaultMQProducer producer = Peer.producer(w[1]);
        for (int i = 3; i + 2 < w.length; i += 3) {
            Message message = new Message(w[2], w[i + 2].getBytes(StandardCharsets.UTF_8));
            MessageAccessor.putProperty(message, w[i], w[i + 1]);
            long began = System.currentTimeMillis();
            String end;
            try {
                SendResult result = producer.send(message);
                end = ",\"status\":" + Peer.quote(result.getSendStatus().name()) + ",\"handle\":" + Peer.quote(handle(result));
            } catch (Exception e) {
                end = ",\"failed\":" + Peer.quote(e.toString());
            }
            Peer.say("{\"body\":" + Peer.quote(w[i + 2]) + ",\"began\":" + began + ",\"ended\":"
                + System.currentTimeMillis() + end + "}");
        }
    }

    private static String handle(SendResult result) throws Exception {
        return (String) SendResult.class.getMethod("getRecallHandle").invoke(result);
    }

    /** timer-recall NAMESRV TOPIC HANDLE: the id of the message. */
    static void recall(String[] w) throws Exception {
        Method method = DefaultMQProducer.class.getMethod("recallMessage", String.class, String.class);
        Peer.say("{\"msgId\":" + Peer.quote((String) method.invoke(Peer.producer(w[1]), w[2], w[3])) + "}");
    }
}
