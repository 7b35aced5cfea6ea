import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;

/** A member of two groups, to be killed: NAMESRV FILE; see hundred/member.py, which does the same. */
public final class Member {
    private final OutputStream log;

    private Member(String path) throws IOException {
        log = new FileOutputStream(path, true);  // without a buffer: a kill loses nothing of it
    }

    public static void main(String[] w) throws Exception {
        Member member = new Member(w[1]);
        DefaultMQPushConsumer spread = consumer("spread", w[0]);
        spread.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            member.write(messages);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        DefaultMQPushConsumer ordered = consumer("ordered", w[0]);
        ordered.registerMessageListener((MessageListenerOrderly) (messages, context) -> {
            member.write(messages);
            return ConsumeOrderlyStatus.SUCCESS;
        });
        spread.start();
        ordered.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            spread.shutdown();
            ordered.shutdown();
        }));
        Thread.currentThread().join();
    }

    private static DefaultMQPushConsumer consumer(String name, String namesrv) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(name);
        consumer.setNamesrvAddr(namesrv);
        consumer.setInstanceName(name + "-" + ProcessHandle.current().pid());
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setVipChannelEnabled(false);
        consumer.setPollNameServerInterval(1000);
        consumer.setAwaitTerminationMillisWhenShutdown(2000);
        consumer.subscribe(name, "*");
        return consumer;
    }

    private void write(List<MessageExt> messages) {
        long micros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
        StringBuilder lines = new StringBuilder();
        for (MessageExt m : messages) {
            String number = new String(m.getBody(), StandardCharsets.UTF_8);
            lines.append(m.getTopic()).append(' ').append(m.getQueueId()).append(' ').append(m.getQueueOffset())
                .append(' ').append(number).append(' ').append(micros).append('\n');
        }
        synchronized (log) {
            try {
                log.write(lines.toString().getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
