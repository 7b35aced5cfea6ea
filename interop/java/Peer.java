import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * A Java client driven line by line: one JVM serves many tests.
 *
 * A line on stdin is a command and its words, separated by tabs; each answer is a number of lines
 * that start with "@@ " and hold one JSON object, the last of them {"end":true} or {"error":...}.
 */
public class Peer {
    private static final PrintStream OUT = System.out;
    private static final Map<String, DefaultMQProducer> PRODUCERS = new HashMap<>();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        say("{\"ready\":true}");
        String line;
        while ((line = in.readLine()) != null) {
            try {
                run(line.split("\t", -1));
                say("{\"end\":true}");
            } catch (Throwable e) {
                say("{\"error\":" + quote(e.toString()) + "}");
            }
        }
        for (DefaultMQProducer producer : PRODUCERS.values()) {
            producer.shutdown();
        }
        System.exit(0);
    }

    private static void run(String[] words) throws Exception {
        switch (words[0]) {
            case "produce": produce(words); break;
            case "consume-start": Consuming.start(words); break;
            case "consume-poll": Consuming.poll(words); break;
            case "consume-stop": Consuming.stop(words); break;
            case "lite-start": Pulling.start(words); break;
            case "lite-poll": Pulling.poll(words); break;
            case "lite-stop": Pulling.end(words); break;
            case "rpc-serve": Rpc.serve(words); break;
            case "rpc-stop": Rpc.stop(words); break;
            case "rpc-request": Rpc.request(words); break;
            case "load-start": Load.start(words); break;
            case "load-end": Load.end(words); break;
            case "half-start": Transactions.start(words); break;
            case "half-end": Transactions.end(words); break;
            case "timer-send": Timers.send(words); break;
            case "timer-recall": Timers.recall(words); break;
            case "try-send": BadInput.send(words); break;
            case "try-pull": BadInput.pull(words); break;
            case "bench-send": Benching.send(words); break;
            case "bench-consume": Benching.consume(words); break;
            case "allocate": Allocate.run(words); break;
            case "ask": Asking.ask(words); break;
            case "ask-admin": Asking.admin(words); break;
            case "sign-with": Signing.set(words); break;
            case "mqadmin": mqadmin(Arrays.copyOfRange(words, 1, words.length), 0); break;
            case "mqadmin-awhile": mqadmin(Arrays.copyOfRange(words, 2, words.length), Long.parseLong(words[1])); break;
            default: throw new IllegalArgumentException("unknown command " + words[0]);
        }
    }

    static DefaultMQProducer producer(String namesrv) throws Exception {
        String key = namesrv + Signing.accessKey();
        DefaultMQProducer producer = PRODUCERS.get(key);
        if (producer == null) {
            producer = new DefaultMQProducer("interop_producer", Signing.hook());
            producer.setNamesrvAddr(namesrv);
            producer.setInstanceName("producer-" + PRODUCERS.size());
            producer.setSendMsgTimeout(10000);
            producer.setVipChannelEnabled(Boolean.getBoolean("interop.vip"));
            producer.start();
            PRODUCERS.put(key, producer);
        }
        return producer;
    }

    /**
     * produce NAMESRV TOPIC MODE COUNT KIND SEED QUEUE: MODE is sync, oneway, async, batch, half or
     * delay-LEVEL; KIND is small, large, unicode, binary; QUEUE -1 is the client's choice.
     */
    private static void produce(String[] w) throws Exception {
        DefaultMQProducer producer = producer(w[1]);
        List<Message> messages = messages(w[2], Integer.parseInt(w[4]), w[5], Long.parseLong(w[6]));
        int queue = Integer.parseInt(w[7]);
        switch (w[3]) {
            case "sync":
                for (Message m : messages) {
                    report(m, queue < 0 ? producer.send(m) : producer.send(m, (qs, msg, arg) -> pick(qs, queue), null));
                }
                break;
            case "oneway":
                for (Message m : messages) {
                    producer.sendOneway(m);
                    report(m, null);
                }
                break;
            case "async": async(producer, messages); break;
            case "batch": batch(producer, messages); break;
            case "half": half(w[1], messages); break;
            default:
                if (!w[3].startsWith("delay-")) {
                    throw new IllegalArgumentException("unknown mode " + w[3]);
                }
                for (Message m : messages) {
                    m.setDelayTimeLevel(Integer.parseInt(w[3].substring(6)));
                    report(m, producer.send(m));
                }
        }
    }

    private static MessageQueue pick(List<MessageQueue> queues, int queueId) {
        return queues.stream().filter(q -> q.getQueueId() == queueId).findFirst().get();
    }

    private static void async(DefaultMQProducer producer, List<Message> messages) throws Exception {
        CountDownLatch latch = new CountDownLatch(messages.size());
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (Message m : messages) {
            producer.send(m, new SendCallback() {
                @Override public void onSuccess(SendResult result) {
                    report(m, result);
                    latch.countDown();
                }

                @Override public void onException(Throwable e) {
                    failure.set(e);
                    latch.countDown();
                }
            });
        }
        if (!latch.await(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("async sends unanswered: " + latch.getCount());
        }
        if (failure.get() != null) {
            throw new IllegalStateException(failure.get());
        }
    }

    private static void batch(DefaultMQProducer producer, List<Message> messages) throws Exception {
        for (int i = 0; i < messages.size(); i += 10) {
            List<Message> some = messages.subList(i, Math.min(i + 10, messages.size()));
            SendResult result = producer.send(new ArrayList<>(some));
            for (Message m : some) {
                report(m, null);
            }
            say("{\"batch\":" + quote(result.getMsgId()) + ",\"status\":" + quote(result.getSendStatus().name())
                + ",\"queueId\":" + result.getMessageQueue().getQueueId() + ",\"queueOffset\":" + result.getQueueOffset()
                + ",\"offsetMsgId\":" + quote(result.getOffsetMsgId()) + "}");
        }
    }

    /** Transactional messages that nobody decides on. */
    private static void half(String namesrv, List<Message> messages) throws Exception {
        TransactionMQProducer producer = new TransactionMQProducer("interop_half");
        producer.setNamesrvAddr(namesrv);
        producer.setInstanceName("half-" + System.nanoTime());
        producer.setTransactionListener(new TransactionListener() {
            @Override public LocalTransactionState executeLocalTransaction(Message m, Object arg) {
                return LocalTransactionState.UNKNOW;
            }

            @Override public LocalTransactionState checkLocalTransaction(MessageExt m) {
                return LocalTransactionState.UNKNOW;
            }
        });
        producer.start();
        try {
            for (Message m : messages) {
                report(m, producer.sendMessageInTransaction(m, null));
            }
        } finally {
            producer.shutdown();
        }
    }

    private static List<Message> messages(String topic, int count, String kind, long seed) {
        List<Message> messages = new ArrayList<>();
        Random random = new Random(seed);
        for (int i = 0; i < count; i++) {
            messages.add(message(topic, i, kind, seed, random));
        }
        return messages;
    }

    static Message message(String topic, int i, String kind, long seed, Random random) {
        Message m = new Message(topic, "Tag" + (char) ('A' + i % 3), "key-" + seed + "-" + i, body(kind, i, random));
        m.putUserProperty("n", Integer.toString(i));
        m.putUserProperty("city", "東京 " + i);
        return m;
    }

    private static byte[] body(String kind, int i, Random random) {
        StringBuilder text = new StringBuilder("message " + i + " ");
        switch (kind) {
            case "unicode":
                text.append("héllo 消息 \uD83D\uDE80 ").append(random.nextInt());
                return text.toString().getBytes(StandardCharsets.UTF_8);
            case "large":
                while (text.length() < 9000) {
                    text.append("the quick brown fox ").append(random.nextInt(10));
                }
                return text.toString().getBytes(StandardCharsets.UTF_8);
            case "binary":
                byte[] bytes = new byte[1 + random.nextInt(300)];
                random.nextBytes(bytes);
                return bytes;
            default:
                return text.append(random.nextInt()).toString().getBytes(StandardCharsets.UTF_8);
        }
    }

    /** Run a verb; one that goes on for ever is interrupted after AWHILE ms, 0: it ends by itself. */
    private static void mqadmin(String[] args, long awhile) throws Exception {
        ByteArrayOutputStream captured = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(captured, true, "UTF-8");
        System.setOut(stream);
        System.setErr(stream);
        forgetCommands();
        try {
            Thread running = new Thread(() -> MQAdminStartup.main0(args, null));
            long end = awhile == 0 ? Long.MAX_VALUE : System.currentTimeMillis() + awhile;
            running.start();
            while (running.isAlive()) {
                running.join(5);
                if (System.currentTimeMillis() > end) {
                    running.interrupt();
                }
                if (waitsForItsOwnEnd(running)) {
                    Thread.getAllStackTraces().keySet().stream()
                        .filter(t -> t.getName().contains("NettyEventExecutor")).forEach(Thread::interrupt);
                }
            }
        } finally {
            System.setOut(OUT);
        }
        say("{\"output\":" + quote(captured.toString("UTF-8")) + "}");
    }

    /** A client of 5.x that is shut down waits up to 3 s until its thread of events looks up; interrupted, it does at once. */
    private static boolean waitsForItsOwnEnd(Thread running) {
        StackTraceElement[] frames = running.getStackTrace();
        return Arrays.stream(frames).anyMatch(f -> f.getMethodName().equals("join"))
            && Arrays.stream(frames).anyMatch(f -> f.getClassName().endsWith(".ServiceThread") && f.getMethodName().equals("shutdown"));
    }

    /** A command object keeps the client of its first run, shut down since: let each run make its own. */
    private static void forgetCommands() throws Exception {
        for (Field field : MQAdminStartup.class.getDeclaredFields()) {
            if (List.class.isAssignableFrom(field.getType())) {
                field.setAccessible(true);
                ((List<?>) field.get(null)).clear();
            }
        }
    }

    private static void report(Message m, SendResult r) {
        say(result(m, r));
    }

    /** What was sent and, unless R is null, what the broker said. */
    static String result(Message m, SendResult r) {
        String result = r == null ? "" : ",\"msgId\":" + quote(r.getMsgId()) + ",\"offsetMsgId\":" + quote(r.getOffsetMsgId())
            + ",\"status\":" + quote(r.getSendStatus().name()) + ",\"queueId\":" + r.getMessageQueue().getQueueId()
            + ",\"brokerName\":" + quote(r.getMessageQueue().getBrokerName()) + ",\"queueOffset\":" + r.getQueueOffset();
        return "{\"keys\":" + quote(m.getKeys()) + ",\"tags\":" + quote(m.getTags()) + ",\"body\":" + quote(hex(m.getBody())) + result + "}";
    }

    static String describe(MessageExt m) {
        StringBuilder properties = new StringBuilder();
        for (Map.Entry<String, String> e : new TreeMap<>(m.getProperties()).entrySet()) {
            properties.append(properties.length() == 0 ? "" : ",").append(quote(e.getKey())).append(':').append(quote(e.getValue()));
        }
        return "{\"topic\":" + quote(m.getTopic()) + ",\"queueId\":" + m.getQueueId() + ",\"queueOffset\":" + m.getQueueOffset()
            + ",\"msgId\":" + quote(m.getMsgId()) + ",\"keys\":" + quote(m.getKeys()) + ",\"tags\":" + quote(m.getTags())
            + ",\"reconsumeTimes\":" + m.getReconsumeTimes() + ",\"bornHost\":" + quote(String.valueOf(m.getBornHost()))
            + ",\"consumed\":" + System.currentTimeMillis()
            + ",\"brokerName\":" + quote(m.getBrokerName()) + ",\"born\":" + m.getBornTimestamp() + ",\"stored\":" + m.getStoreTimestamp()
            + ",\"body\":" + quote(hex(m.getBody())) + ",\"properties\":{" + properties + "}}";
    }

    static String hex(byte[] bytes) {
        StringBuilder text = new StringBuilder(2 * bytes.length);
        for (byte b : bytes) {
            text.append(Character.forDigit(b >> 4 & 15, 16)).append(Character.forDigit(b & 15, 16));
        }
        return text.toString();
    }

    static synchronized void say(String json) {
        OUT.println("@@ " + json);
        OUT.flush();
    }

    static String quote(String s) {
        if (s == null) {
            return "null";
        }
        StringBuilder text = new StringBuilder("\"");
        for (char c : s.toCharArray()) {
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < 32 || c > 126) {
                text.append(String.format("\\u%04x", (int) c));
            } else {
                text.append(c);
            }
        }
        return text.append('"').toString();
    }
}
