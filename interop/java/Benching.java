import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;

/** Loads of a benchmark; the words and answers are those of bench/clients/load.py. */
final class Benching {
    private static final int BATCH = 32;

    private final DefaultMQProducer producer;
    private final String topic;
    private final byte[] body;
    private final long end;
    private final AtomicLong messages = new AtomicLong();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final List<Times> times = new ArrayList<>();

    private Benching(DefaultMQProducer producer, String topic, int size, long end) {
        this.producer = producer;
        this.topic = topic;
        this.body = new byte[size];
        Arrays.fill(body, (byte) 'a');
        this.end = end;
    }

    /** How long sends took, in ns. */
    private static final class Times {
        private long[] values = new long[1024];
        private int count;

        synchronized void add(long ns) {
            if (count == values.length) {
                values = Arrays.copyOf(values, 2 * count);
            }
            values[count++] = ns;
        }
    }

    /** bench-send NAMESRV TOPIC MODE IN_FLIGHT SECONDS SIZE: MODE is sync, async or batch. */
    static void send(String[] w) throws Exception {
        DefaultMQProducer producer = Peer.producer(w[1]);
        int inFlight = Integer.parseInt(w[4]);
        long began = System.nanoTime();
        long cpu = cpu();
        long end = began + (long) (Double.parseDouble(w[5]) * 1e9);
        Benching load = new Benching(producer, w[2], Integer.parseInt(w[6]), end);
        if (w[3].equals("async")) {
            load.async(inFlight);
        } else {
            load.threads(inFlight, w[3].equals("batch"));
        }
        tell(load.messages.get(), System.nanoTime() - began, cpu() - cpu, load.times, load.failure.get());
    }

    private void threads(int count, boolean isBatch) throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Times own = new Times();
            times.add(own);
            Thread thread = new Thread(() -> loop(own, isBatch));
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private void loop(Times own, boolean isBatch) {
        try {
            for (long now = System.nanoTime(); now < end; now = System.nanoTime()) {
                if (isBatch) {
                    List<Message> batch = new ArrayList<>();
                    for (int i = 0; i < BATCH; i++) {
                        batch.add(new Message(topic, body));
                    }
                    producer.send(batch);
                } else {
                    producer.send(new Message(topic, body));
                }
                own.add(System.nanoTime() - now);
                messages.addAndGet(isBatch ? BATCH : 1);
            }
        } catch (Exception e) {
            failure.set(e);
        }
    }

    private void async(int inFlight) throws Exception {
        Times own = new Times();
        times.add(own);
        Semaphore room = new Semaphore(inFlight);
        for (long now = System.nanoTime(); now < end; now = System.nanoTime()) {
            room.acquire();
            long began = System.nanoTime();
            producer.send(new Message(topic, body), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    own.add(System.nanoTime() - began);
                    messages.incrementAndGet();
                    room.release();
                }

                @Override
                public void onException(Throwable e) {
                    failure.set(e);
                    room.release();
                }
            });
        }
        room.acquire(inFlight);
    }

    /** bench-consume NAMESRV TOPIC GROUP COUNT BATCH: from the first message to the last of COUNT. */
    static void consume(String[] w) throws Exception {
        int count = Integer.parseInt(w[4]);
        DefaultMQPushConsumer client = new DefaultMQPushConsumer(w[3]);
        client.setNamesrvAddr(w[1]);
        client.setInstanceName("bench-" + w[3]);
        client.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        client.setVipChannelEnabled(false);
        client.setConsumeMessageBatchMaxSize(Integer.parseInt(w[5]));
        client.subscribe(w[2], "*");
        AtomicInteger came = new AtomicInteger();
        AtomicLong began = new AtomicLong();
        AtomicLong ended = new AtomicLong();
        AtomicLong cpuBefore = new AtomicLong();
        CountDownLatch all = new CountDownLatch(1);
        client.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            if (began.compareAndSet(0, System.nanoTime())) {
                cpuBefore.set(cpu());
            }
            if (came.addAndGet(messages.size()) >= count && ended.compareAndSet(0, System.nanoTime())) {
                all.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        client.start();
        all.await();
        long cpu = cpu() - cpuBefore.get();
        client.shutdown();
        tell(count, ended.get() - began.get(), cpu, new ArrayList<>(), null);
    }

    private static long cpu() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
            .getProcessCpuTime();
    }

    private static void tell(long messages, long ns, long cpuNs, List<Times> times, Throwable failure) throws Exception {
        if (failure != null) {
            throw new IllegalStateException(failure);
        }
        long[] all = times.stream().flatMapToLong(t -> Arrays.stream(t.values, 0, t.count)).sorted().toArray();
        Peer.say(String.format(
            java.util.Locale.ROOT, "{\"messages\":%d,\"seconds\":%.6f,\"cpu_s\":%.6f,\"p50_us\":%.1f,\"p99_us\":%.1f}",
            messages, ns / 1e9, cpuNs / 1e9, quantile(all, 0.5), quantile(all, 0.99)));
    }

    private static double quantile(long[] sorted, double share) {
        return sorted.length == 0 ? 0 : sorted[(int) (share * (sorted.length - 1))] / 1e3;
    }
}
