import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/** Lite pull consumers, each polled by a thread that tells of what comes. */
final class Pulling extends Thread {
    private static final Map<String, Pulling> RUNNING = new HashMap<>();
    private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final DefaultLitePullConsumer client;
    private volatile boolean stopped;

    private Pulling(String group) {
        this.client = new DefaultLitePullConsumer(group);
    }

    /** lite-start NAME NAMESRV GROUP TOPIC EXPRESSION */
    static void start(String[] w) throws Exception {
        Pulling made = new Pulling(w[3]);
        DefaultLitePullConsumer client = made.client;
        client.setNamesrvAddr(w[2]);
        client.setInstanceName("lite-" + w[1]);
        client.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        client.setVipChannelEnabled(false);
        client.setPollNameServerInterval(1000);
        client.subscribe(w[4], Consuming.selector(w[5]));
        client.start();
        made.start();
        RUNNING.put(w[1], made);
    }

    @Override public void run() {
        while (!stopped) {
            for (MessageExt m : client.poll(200)) {
                lines.add(Peer.describe(m));
            }
        }
    }

    /** lite-poll NAME COUNT TIMEOUT_MS: as consume-poll. */
    static void poll(String[] w) throws Exception {
        Consuming.tell(RUNNING.get(w[1]).lines, Integer.parseInt(w[2]), Long.parseLong(w[3]));
    }

    /** lite-stop NAME: what came is committed. */
    static void end(String[] w) throws Exception {
        Pulling running = RUNNING.remove(w[1]);
        running.stopped = true;
        running.join();
        running.client.commitSync();
        running.client.shutdown();
    }
}
