import java.util.Arrays;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends messages one after the other for so many seconds and says how long each took.
 *
 * <p>Arguments: name server, topic, bytes of a body, seconds. The first third of the time warms the
 * JVMs and isn't counted. Prints {@code count p50 p99 max} with times in microseconds.
 */
public final class Latency {
    private Latency() {
    }

    public static void main(String[] args) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer("latency");
        producer.setNamesrvAddr(args[0]);
        producer.start();
        Message message = new Message(args[1], new byte[Integer.parseInt(args[2])]);
        long nanos = Long.parseLong(args[3]) * 1_000_000_000L;
        long[] taken = new long[4_000_000];
        int count = 0;
        long began = System.nanoTime();
        for (long now = began; now - began < nanos;) {
            SendResult result = producer.send(message);
            long after = System.nanoTime();
            if (result.getSendStatus() != SendStatus.SEND_OK) {
                throw new IllegalStateException(result.toString());
            }
            if (now - began > nanos / 3 && count < taken.length) {
                taken[count++] = after - now;
            }
            now = after;
        }
        producer.shutdown();
        Arrays.sort(taken, 0, count);
        System.out.printf("%d %.1f %.1f %.1f%n", count, at(taken, count, 0.5), at(taken, count, 0.99),
            at(taken, count, 1.0));
        System.exit(0);
    }

    private static double at(long[] taken, int count, double share) {
        return taken[Math.min((int) (count * share), count - 1)] / 1000.0;
    }
}
