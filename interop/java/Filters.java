import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.broker.filter.MessageEvaluationContext;
import org.apache.rocketmq.filter.FilterFactory;
import org.apache.rocketmq.filter.expression.Expression;
import org.apache.rocketmq.filter.util.BloomFilter;

/**
 * What rocketmq-filter makes of expressions and names, one line per question; fields are URL-encoded.
 *
 * <p>"p k v ...": one more property set. "e EXPRESSION": its verdict on every set. "b F N NAME": bits.
 */
public final class Filters {
    private Filters() {
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        List<Map<String, String>> sets = new ArrayList<>();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ", -1);
            for (int i = 1; i < words.length; i++) {
                words[i] = URLDecoder.decode(words[i], "UTF-8");
            }
            if (words[0].equals("p")) {
                Map<String, String> set = new HashMap<>();
                for (int i = 1; i + 1 < words.length; i += 2) {
                    set.put(words[i], words[i + 1]);
                }
                sets.add(set);
            } else if (words[0].equals("e")) {
                out.println(verdict(words[1], sets));
            } else {
                BloomFilter filter = BloomFilter.createByFn(Integer.parseInt(words[1]), Integer.parseInt(words[2]));
                out.println(filter.getM() + " " + Arrays.toString(filter.calcBitPositions(words[3])));
            }
        }
        out.flush();
    }

    private static String verdict(String text, List<Map<String, String>> sets) throws Exception {
        Expression expression;
        try {
            expression = FilterFactory.INSTANCE.get("SQL92").compile(text);
        } catch (Exception e) {
            return "refused " + quote(e.getMessage());
        }
        StringBuilder answer = new StringBuilder("compiled ").append(quote(expression.toString()));
        for (Map<String, String> set : sets) {
            answer.append(' ');
            try {
                Object value = expression.evaluate(new MessageEvaluationContext(set));
                answer.append(value == null ? "N" : value.equals(true) ? "T" : value.equals(false) ? "F" : "?");
            } catch (Throwable e) {
                Throwable cause = e;
                while (cause.getCause() != null) {
                    cause = cause.getCause();
                }
                answer.append(quote(cause.getClass().getSimpleName() + ": " + cause.getMessage()));
            }
        }
        return answer.toString();
    }

    private static String quote(String text) throws Exception {
        return URLEncoder.encode(String.valueOf(text), "UTF-8");
    }
}
