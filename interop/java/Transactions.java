import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Transactions whose end is told only to the broker that asks for it. */
final class Transactions implements TransactionListener {
    private static final Map<String, Transactions> RUNNING = new HashMap<>();

    private final AtomicInteger asked = new AtomicInteger();
    private TransactionMQProducer producer;

    /** half-start NAME NAMESRV TOPIC COUNT SEED: sends half messages and stays, to be asked about them. */
    static void start(String[] w) throws Exception {
        Transactions one = new Transactions();
        TransactionMQProducer producer = new TransactionMQProducer("half_" + w[1]);
        one.producer = producer;
        producer.setNamesrvAddr(w[2]);
        producer.setInstanceName("half-" + w[1]);
        producer.setPollNameServerInterval(1000);
        producer.setHeartbeatBrokerInterval(1000);
        producer.setTransactionListener(one);
        producer.start();
        RUNNING.put(w[1], one);
        Random random = new Random(Long.parseLong(w[5]));
        for (int i = 0; i < Integer.parseInt(w[4]); i++) {
            Message m = Peer.message(w[3], i, "small", Long.parseLong(w[5]), random);
            Peer.say(Peer.result(m, producer.sendMessageInTransaction(m, null)));
        }
    }

    /** half-end NAME: tells how often a broker has asked. */
    static void end(String[] w) {
        Transactions one = RUNNING.remove(w[1]);
        one.producer.shutdown();
        Peer.say("{\"asked\":" + one.asked + "}");
    }

    @Override
    public LocalTransactionState executeLocalTransaction(Message m, Object arg) {
        return LocalTransactionState.UNKNOW;
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt m) {
        asked.incrementAndGet();
        return LocalTransactionState.COMMIT_MESSAGE;
    }
}
