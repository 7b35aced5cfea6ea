import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Transactions whose end is told only to the broker that asks for it, always a commit; or "mixed", by the
 * number n of the message: n % 3 is 0 commit, 1 rollback, 2 left to the check, which commits even ones.
 */
final class Transactions implements TransactionListener {
    private static final Map<String, Transactions> RUNNING = new HashMap<>();

    private final AtomicInteger asked = new AtomicInteger();
    private final boolean mixed;
    private TransactionMQProducer producer;

    private Transactions(boolean mixed) {
        this.mixed = mixed;
    }

    /** half-start NAME NAMESRV TOPIC COUNT SEED [GROUP KIND]: sends half messages and stays, to be asked about them. */
    static void start(String[] w) throws Exception {
        Transactions one = new Transactions(w.length > 7 && w[7].equals("mixed"));
        TransactionMQProducer producer = new TransactionMQProducer(w.length > 6 ? w[6] : "half_" + w[1]);
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
        int kind = mixed ? number(m) % 3 : 2;
        return kind == 0 ? LocalTransactionState.COMMIT_MESSAGE
            : kind == 1 ? LocalTransactionState.ROLLBACK_MESSAGE : LocalTransactionState.UNKNOW;
    }

    @Override
    public LocalTransactionState checkLocalTransaction(MessageExt m) {
        asked.incrementAndGet();
        return mixed && number(m) % 2 == 1
            ? LocalTransactionState.ROLLBACK_MESSAGE : LocalTransactionState.COMMIT_MESSAGE;
    }

    private static int number(Message m) {
        return Integer.parseInt(m.getUserProperty("n"));
    }
}
