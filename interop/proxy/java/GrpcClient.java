import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientConfigurationBuilder;
import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.StaticSessionCredentialsProvider;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.FilterExpressionType;
import org.apache.rocketmq.client.apis.consumer.LitePushConsumer;
import org.apache.rocketmq.client.apis.consumer.MessageListener;
import org.apache.rocketmq.client.apis.consumer.SimpleConsumer;
import org.apache.rocketmq.client.apis.message.Message;
import org.apache.rocketmq.client.apis.message.MessageBuilder;
import org.apache.rocketmq.client.apis.message.MessageView;
import org.apache.rocketmq.client.apis.producer.Producer;
import org.apache.rocketmq.client.apis.producer.SendReceipt;
import org.apache.rocketmq.client.apis.producer.Transaction;
import org.apache.rocketmq.client.apis.producer.TransactionResolution;

/** rocketmq-client-java, driven line by line; the lines are those of interop/proxy/programs.py. */
public class GrpcClient {
    private static final ClientServiceProvider PROVIDER = ClientServiceProvider.loadService();
    private static final Gson GSON = new Gson();
    private static final PrintStream OUT = System.out;
    private static final Map<String, Producer> PRODUCERS = new HashMap<>();
    private static final Map<String, Closeable> CONSUMERS = new HashMap<>();
    private static final Map<String, BlockingQueue<Map<String, Object>>> CAME = new HashMap<>();
    private static final Map<String, MessageView> HELD = new HashMap<>();
    private static StaticSessionCredentialsProvider credentials;

    public static void main(String[] args) throws Exception {
        say(Map.of("ready", true));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split("\t", 2);
            try {
                run(words[0], GSON.fromJson(words[1], JsonObject.class));
                say(Map.of("end", true));
            } catch (Throwable error) {
                error.printStackTrace();
                say(Map.of("error", String.valueOf(error)));
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private static void run(String command, JsonObject words) throws Exception {
        switch (command) {
            case "sign": sign(words); break;
            case "send": send(words); break;
            case "recall": recall(words); break;
            case "simple": simple(words); break;
            case "receive": receive(words); break;
            case "ack": consumer(words).ack(HELD.get(text(words, "handle"))); break;
            case "change":
                consumer(words).changeInvisibleDuration(
                    HELD.get(text(words, "handle")), Duration.ofSeconds(words.get("seconds").getAsInt()));
                break;
            case "push": push(words); break;
            case "poll": poll(words); break;
            case "close": CONSUMERS.remove(text(words, "name")).close(); break;
            default: throw new IllegalArgumentException("unknown command " + command);
        }
    }

    private static void sign(JsonObject words) {
        credentials = new StaticSessionCredentialsProvider(text(words, "accessKey"), text(words, "secretKey"));
    }

    private static void send(JsonObject words) throws Exception {
        for (JsonElement element : words.getAsJsonArray("messages")) {
            JsonObject form = element.getAsJsonObject();
            Producer producer = producer(text(words, "endpoints"), text(form, "topic"));
            String end = text(form, "end");
            SendReceipt receipt;
            if (end == null) {
                receipt = producer.send(message(form));
            } else {
                Transaction transaction = producer.beginTransaction();
                receipt = producer.send(message(form), transaction);
                if (end.equals("commit")) {
                    transaction.commit();
                } else if (end.equals("rollback")) {
                    transaction.rollback();
                }
            }
            Map<String, Object> said = new LinkedHashMap<>();
            said.put("messageId", receipt.getMessageId().toString());
            said.put("recallHandle", receipt.getRecallHandle());
            say(said);
        }
    }

    private static Message message(JsonObject form) {
        MessageBuilder builder = PROVIDER.newMessageBuilder()
            .setTopic(text(form, "topic"))
            .setBody(text(form, "body").getBytes(StandardCharsets.UTF_8));
        if (form.has("tag")) {
            builder.setTag(text(form, "tag"));
        }
        if (form.has("key")) {
            builder.setKeys(text(form, "key"));
        }
        if (form.has("group")) {
            builder.setMessageGroup(text(form, "group"));
        }
        if (form.has("lite")) {
            builder.setLiteTopic(text(form, "lite"));
        }
        if (form.has("deliverAt")) {
            builder.setDeliveryTimestamp(form.get("deliverAt").getAsLong());
        }
        if (form.has("properties")) {
            for (Map.Entry<String, JsonElement> one : form.getAsJsonObject("properties").entrySet()) {
                builder.addProperty(one.getKey(), one.getValue().getAsString());
            }
        }
        return builder.build();
    }

    private static Producer producer(String endpoints, String topic) throws Exception {
        String key = endpoints + " " + topic + " " + credentials;
        if (!PRODUCERS.containsKey(key)) {
            PRODUCERS.put(key, PROVIDER.newProducerBuilder()
                .setClientConfiguration(configuration(endpoints))
                .setTopics(topic)
                .setTransactionChecker(view -> TransactionResolution.valueOf(view.getProperties().get("verdict")))
                .build());
        }
        return PRODUCERS.get(key);
    }

    private static ClientConfiguration configuration(String endpoints) {
        ClientConfigurationBuilder builder = ClientConfiguration.newBuilder()
            .setEndpoints(endpoints)
            .enableSsl(false)
            .setRequestTimeout(Duration.ofSeconds(30));
        if (credentials != null) {
            builder.setCredentialProvider(credentials);
        }
        return builder.build();
    }

    private static void recall(JsonObject words) throws Exception {
        String topic = text(words, "topic");
        Producer producer = producer(text(words, "endpoints"), topic);
        say(Map.of("messageId", producer.recallMessage(topic, text(words, "handle")).getMessageId().toString()));
    }

    private static Map<String, FilterExpression> subscription(JsonObject words) {
        FilterExpressionType type = FilterExpressionType.valueOf(text(words, "filter"));
        return Collections.singletonMap(text(words, "topic"), new FilterExpression(text(words, "expression"), type));
    }

    private static void simple(JsonObject words) throws Exception {
        CONSUMERS.put(text(words, "name"), PROVIDER.newSimpleConsumerBuilder()
            .setClientConfiguration(configuration(text(words, "endpoints")))
            .setConsumerGroup(text(words, "group"))
            .setAwaitDuration(Duration.ofSeconds(5))
            .setSubscriptionExpressions(subscription(words))
            .build());
    }

    private static SimpleConsumer consumer(JsonObject words) {
        return (SimpleConsumer) CONSUMERS.get(text(words, "name"));
    }

    private static void receive(JsonObject words) throws Exception {
        Duration invisible = Duration.ofSeconds(words.get("seconds").getAsInt());
        for (MessageView view : consumer(words).receive(words.get("max").getAsInt(), invisible)) {
            String handle = String.valueOf(HELD.size());
            HELD.put(handle, view);
            Map<String, Object> said = describe(view);
            said.put("handle", handle);
            say(said);
        }
    }

    private static void push(JsonObject words) throws Exception {
        BlockingQueue<Map<String, Object>> came = new LinkedBlockingQueue<>();
        Map<String, Integer> seen = new ConcurrentHashMap<>();
        int failures = words.get("failures").getAsInt();
        CAME.put(text(words, "name"), came);
        MessageListener listener = view -> {
            came.add(describe(view));
            int times = seen.merge(view.getMessageId().toString(), 1, Integer::sum);
            return times <= failures ? ConsumeResult.FAILURE : ConsumeResult.SUCCESS;
        };
        CONSUMERS.put(text(words, "name"),
            words.has("lite") ? pushLite(words, listener) : PROVIDER.newPushConsumerBuilder()
                .setClientConfiguration(configuration(text(words, "endpoints")))
                .setConsumerGroup(text(words, "group"))
                .setSubscriptionExpressions(subscription(words))
                .setConsumptionThreadCount(4)
                .setMessageListener(listener)
                .build());
    }

    private static Closeable pushLite(JsonObject words, MessageListener listener) throws Exception {
        LitePushConsumer made = PROVIDER.newLitePushConsumerBuilder()
            .setClientConfiguration(configuration(text(words, "endpoints")))
            .setConsumerGroup(text(words, "group"))
            .bindTopic(text(words, "topic"))
            .setConsumptionThreadCount(4)
            .setMessageListener(listener)
            .build();
        for (JsonElement name : words.getAsJsonArray("lite")) {
            made.subscribeLite(name.getAsString());
        }
        return made;
    }

    private static void poll(JsonObject words) throws Exception {
        BlockingQueue<Map<String, Object>> came = CAME.get(text(words, "name"));
        long deadline = System.currentTimeMillis() + words.get("ms").getAsLong();
        for (int left = words.get("count").getAsInt(); left > 0; left--) {
            Map<String, Object> one = came.poll(
                Math.max(0, deadline - System.currentTimeMillis()), TimeUnit.MILLISECONDS);
            if (one == null) {
                return;
            }
            say(one);
        }
    }

    private static Map<String, Object> describe(MessageView view) {
        byte[] body = new byte[view.getBody().remaining()];
        view.getBody().get(body);
        List<String> keys = new ArrayList<>(view.getKeys());
        Map<String, Object> said = new LinkedHashMap<>();
        said.put("messageId", view.getMessageId().toString());
        said.put("topic", view.getTopic());
        said.put("body", new String(body, StandardCharsets.UTF_8));
        said.put("tag", view.getTag().orElse(null));
        said.put("key", keys.isEmpty() ? null : keys.get(0));
        said.put("group", view.getMessageGroup().orElse(null));
        said.put("lite", view.getLiteTopic().orElse(null));
        said.put("attempt", view.getDeliveryAttempt());
        said.put("properties", view.getProperties());
        said.put("cameAt", System.currentTimeMillis());
        return said;
    }

    private static String text(JsonObject words, String name) {
        JsonElement element = words.get(name);
        return element == null || element.isJsonNull() ? null : element.getAsString();
    }

    private static void say(Map<String, ?> answer) {
        synchronized (OUT) {
            OUT.println("@@ " + GSON.toJson(answer));
            OUT.flush();
        }
    }
}
