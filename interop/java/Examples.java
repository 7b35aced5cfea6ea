import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Programs of rocketmq-example, run as they are: main() of each in threads of its own, which what it
 * prints is told apart by.
 *
 * start CLASS ARGS...; print CLASS: what it has printed so far. Answers are Peer's.
 */
public class Examples {
    private static final PrintStream OUT = System.out;
    private static final Map<ThreadGroup, ByteArrayOutputStream> PRINTED = new ConcurrentHashMap<>();
    private static final Map<String, ThreadGroup> RUNNING = new ConcurrentHashMap<>();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Peer.say("{\"ready\":true}");  // before the programs' output is kept from it
        PrintStream sorted = new PrintStream(new Sorted(), true, "UTF-8");
        System.setOut(sorted);
        System.setErr(sorted);
        String line;
        while ((line = in.readLine()) != null) {
            String[] words = line.split("\t", -1);
            try {
                if (words[0].equals("start")) {
                    start(words[1], Arrays.copyOfRange(words, 2, words.length));
                } else {
                    Peer.say("{\"output\":" + Peer.quote(PRINTED.get(RUNNING.get(words[1])).toString("UTF-8")) + "}");
                }
                Peer.say("{\"end\":true}");
            } catch (Exception e) {
                Peer.say("{\"error\":" + Peer.quote(e.toString()) + "}");
            }
        }
        Runtime.getRuntime().halt(0);  // the programs don't end, nor do their clients
    }

    private static void start(String name, String[] args) throws Exception {
        Class<?> program = Class.forName("org.apache.rocketmq.example." + name);
        ThreadGroup threads = new ThreadGroup(name);
        PRINTED.put(threads, new ByteArrayOutputStream());
        RUNNING.put(name, threads);
        new Thread(threads, () -> {
            try {
                program.getMethod("main", String[].class).invoke(null, (Object) args);
                System.out.println("-- main() has returned");
            } catch (Throwable e) {
                e.printStackTrace();
            }
        }, "main").start();
    }

    /** Each program's threads print into a buffer of its own; a thread's children are of its group. */
    private static final class Sorted extends OutputStream {
        @Override public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override public void write(byte[] bytes, int from, int count) {
            for (ThreadGroup group = Thread.currentThread().getThreadGroup(); group != null; group = group.getParent()) {
                ByteArrayOutputStream printed = PRINTED.get(group);
                if (printed != null) {
                    printed.write(bytes, from, count);
                    return;
                }
            }
            OUT.write(bytes, from, count);
        }
    }
}
