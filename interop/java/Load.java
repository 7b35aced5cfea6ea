import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;

/** Threads of one producer that send numbered messages, so many or until they are told to stop. */
final class Load {
    private static final int LARGE = 32;  // each so many is a large one
    private static final Map<String, Load> RUNNING = new HashMap<>();

    private final DefaultMQProducer producer;
    private final String topic;
    private final long seed;
    private final int count;
    private final long pauseMs;
    private final AtomicInteger next = new AtomicInteger();
    private final Queue<String> results = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean stopped;

    private Load(DefaultMQProducer producer, String topic, int count, long seed, long pauseMs) {
        this.pauseMs = pauseMs;
        this.producer = producer;
        this.topic = topic;
        this.count = count;
        this.seed = seed;
    }

    /**
     * load-start NAME NAMESRV TOPIC THREADS COUNT SEED TIMEOUT_MS FAULTS PAUSE_MS DETECTOR.
     * FAULTS: sendLatencyFaultEnable; DETECTOR: startDetectorEnable, of which 4.9 knows nothing.
     */
    static void start(String[] w) throws Exception {
        System.setProperty("com.rocketmq.startDetectorEnable", w[10]);
        DefaultMQProducer producer = new DefaultMQProducer("load_" + w[1]);
        System.clearProperty("com.rocketmq.startDetectorEnable");
        producer.setNamesrvAddr(w[2]);
        producer.setInstanceName("load-" + w[1]);
        producer.setPollNameServerInterval(1000);
        producer.setSendLatencyFaultEnable(Boolean.parseBoolean(w[8]));
        producer.setSendMsgTimeout(Integer.parseInt(w[7]));
        producer.setVipChannelEnabled(false);
        producer.start();
        Load load = new Load(producer, w[3], Integer.parseInt(w[5]), Long.parseLong(w[6]), Long.parseLong(w[9]));
        RUNNING.put(w[1], load);
        for (int i = Integer.parseInt(w[4]); i > 0; i--) {
            Thread thread = new Thread(load::send);
            load.threads.add(thread);
            thread.start();
        }
    }

    /** load-end NAME stop|wait: what became of each message; stop: send no more. */
    static void end(String[] w) throws Exception {
        Load load = RUNNING.remove(w[1]);
        load.stopped = w[2].equals("stop");
        for (Thread thread : load.threads) {
            thread.join();
        }
        load.producer.shutdown();
        for (String line : load.results) {
            Peer.say(line);
        }
    }

    private void send() {
        for (int i = next.getAndIncrement(); i < count && !stopped; i = next.getAndIncrement()) {
            String kind = i % LARGE == 0 ? "large" : "small";
            Message m = Peer.message(topic, i, kind, seed, new Random(seed + i));
            long began = System.currentTimeMillis();
            String line;
            String failed = "";
            try {
                line = Peer.result(m, producer.send(m));
            } catch (Exception e) {
                line = Peer.result(m, null);
                failed = ",\"failed\":" + Peer.quote(e.toString());
            }
            String times = ",\"began\":" + began + ",\"took\":" + (System.currentTimeMillis() - began);
            results.add(line.substring(0, line.length() - 1) + times + failed + "}");
            rest();
        }
    }

    private void rest() {
        try {
            Thread.sleep(pauseMs);
        } catch (InterruptedException e) {
            stopped = true;
        }
    }
}
