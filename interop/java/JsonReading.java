import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;
import org.apache.rocketmq.remoting.protocol.SerializeType;

/**
 * Says what the release on the class path reads in each text that it is given.
 *
 * A line on stdin is "body CLASS BASE64", "header CLASS SERIALIZATION BASE64" or "command BASE64", by tabs. The
 * answer is one line: "=" and the value as that release writes it, "!" and the refusal, or "?" when the value that
 * was read can't be written. Nulls are put back to what the constructor makes, left out of collections, and times
 * that the constructor took from the clock are 0, so that equal values are equal texts.
 */
public final class JsonReading {
    private static final long STARTED = System.currentTimeMillis() - 60_000;

    private JsonReading() {
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        OutputStream whole = new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16);
        PrintStream out = new PrintStream(whole, false, "UTF-8");
        System.setOut(System.err); // loggers write there
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.print(answer(line.split("\t", -1)).replace('\n', ' ').replace('\r', ' '));
            out.print('\n');
        }
        out.flush();
    }

    private static String answer(String[] words) throws Exception {
        byte[] data = Base64.getDecoder().decode(words[words.length - 1]);
        Object value;
        try {
            value = read(words, data);
        } catch (Throwable e) {
            return "!" + e;
        }
        if (value == null) {
            return "!null";
        }
        try {
            if (value instanceof Map) {
                return "=" + RemotingSerializable.toJson(value, false);
            }
            normalize(value, new IdentityHashMap<>());
            return "=" + RemotingSerializable.toJson(value, false);
        } catch (Throwable e) {
            return "?" + e;
        }
    }

    private static Object read(String[] words, byte[] data) throws Exception {
        switch (words[0]) {
            case "body":
                return RemotingSerializable.decode(data, Class.forName("org.apache.rocketmq." + words[1]));
            case "header":
                return header(words, data);
            default:
                return command(data);
        }
    }

    private static Object header(String[] words, byte[] data) throws Exception {
        RemotingCommand command = RemotingCommand.createRequestCommand(0, null);
        command.setSerializeTypeCurrentRPC(SerializeType.valueOf(words[2]));
        String[] texts = new String(data, StandardCharsets.UTF_8).split("\0", -1);
        HashMap<String, String> fields = new HashMap<>();
        boolean binary = words[2].equals("ROCKETMQ"); // which has no empty text
        for (int i = 0; i + 1 < texts.length; i += 2) {
            fields.put(texts[i], binary && texts[i + 1].isEmpty() ? null : texts[i + 1]);
        }
        command.setExtFields(fields);
        Class<?> type = Class.forName("org.apache.rocketmq." + words[1]);
        return fields(command.decodeCommandCustomHeader(type.asSubclass(CommandCustomHeader.class)));
    }

    /** The fields of a header as text; null ones are left out, a time that the constructor took is "now". */
    private static Map<String, String> fields(Object header) throws Exception {
        Map<String, String> values = new TreeMap<>();
        for (Field field : fieldsOf(header.getClass())) {
            Object value = field.get(header);
            if (value != null && !field.getName().startsWith("this$")) {
                values.put(field.getName(), isNow(value) ? "now" : value.toString());
            }
        }
        return values;
    }

    /** A whole header in JSON, read as NettyDecoder does. */
    private static Object command(byte[] header) throws Exception {
        Field counter = RemotingCommand.class.getDeclaredField("requestId"); // a fresh command takes it
        counter.setAccessible(true);
        ((AtomicInteger) counter.get(null)).set(0);
        RemotingCommand command = RemotingSerializable.decode(header, RemotingCommand.class);
        if (command == null) {
            return null;
        }
        Map<String, Object> values = new TreeMap<>();
        values.put("code", command.getCode());
        values.put("language", command.getLanguage() == null ? null : command.getLanguage().name());
        values.put("version", command.getVersion());
        values.put("opaque", command.getOpaque());
        values.put("flag", command.getFlag());
        values.put("remark", command.getRemark());
        HashMap<String, String> fields = command.getExtFields();
        if (fields != null) {
            fields.values().removeIf(Objects::isNull);
            fields.keySet().removeIf(Objects::isNull);
        }
        values.put("extFields", fields);
        return values;
    }

    private static List<Field> fieldsOf(Class<?> type) {
        List<Field> fields = new ArrayList<>();
        for (Class<?> c = type; c != null && c != Object.class; c = c.getSuperclass()) {
            for (Field field : c.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !Modifier.isTransient(field.getModifiers())) {
                    field.setAccessible(true);
                    fields.add(field);
                }
            }
        }
        return fields;
    }

    /** Make equal values equal texts; see the class. */
    private static void normalize(Object value, IdentityHashMap<Object, Object> seen) throws Exception {
        if (value == null || seen.put(value, value) != null) {
            return;
        }
        if (value instanceof Collection) {
            ((Collection<?>) value).removeIf(Objects::isNull);
            for (Object item : (Collection<?>) value) {
                normalize(item, seen);
            }
        } else if (value instanceof Map) {
            ((Map<?, ?>) value).values().removeIf(Objects::isNull);
            for (Object item : ((Map<?, ?>) value).values()) {
                normalize(item, seen);
            }
        } else if (value.getClass().isArray()) {
            for (int i = 0; !value.getClass().getComponentType().isPrimitive() && i < Array.getLength(value); i++) {
                normalize(Array.get(value, i), seen);
            }
        } else if (value.getClass().getName().startsWith("org.apache.rocketmq.") && !(value instanceof Enum)) {
            normalizeFields(value, seen);
        }
    }

    private static void normalizeFields(Object value, IdentityHashMap<Object, Object> seen) throws Exception {
        Object fresh = fresh(value.getClass());
        for (Field field : fieldsOf(value.getClass())) {
            if (fresh != null && field.get(value) == null) {
                field.set(value, field.get(fresh));
            }
            if (field.getType() == long.class && isNow(field.getLong(value))) {
                field.setLong(value, 0);
            }
            normalize(field.get(value), seen);
        }
    }

    private static boolean isNow(Object value) {
        return value instanceof Long && (Long) value >= STARTED && (Long) value <= System.currentTimeMillis();
    }

    private static Object fresh(Class<?> type) {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            return null;
        }
    }
}
