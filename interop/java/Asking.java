import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.rocketmq.client.MQAdmin;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.client.impl.MQClientManager;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;

/** Calls of the client's remoting interface that neither a client nor a verb of mqadmin makes by itself. */
final class Asking {
    private Asking() {
    }

    /** ask NAMESRV METHOD ARGS...: a method of MQClientAPIImpl with these arguments, and 5000 ms at the end. */
    static void ask(String[] w) throws Exception {
        DefaultMQProducer producer = Peer.producer(w[1]);
        MQClientAPIImpl api = MQClientManager.getInstance().getOrCreateMQClientInstance(producer).getMQClientAPIImpl();
        int given = w.length - 3;
        for (Method method : MQClientAPIImpl.class.getMethods()) {
            Class<?>[] types = method.getParameterTypes();
            if (!method.getName().equals(w[2]) || types.length != given + 1 || types[given] != long.class) {
                continue;
            }
            Object[] args = new Object[types.length];
            for (int i = 0; i < given; i++) {
                args[i] = as(types[i], w[i + 3]);
            }
            args[given] = 5000L;
            Peer.say("{\"output\":" + Peer.quote(call(api, method, args)) + "}");
            return;
        }
        throw new NoSuchMethodException(w[2]);
    }

    /** ask-admin NAMESRV METHOD ARGS...: a method of MQAdmin, called on a producer; attributes are null. */
    static void admin(String[] w) throws Exception {
        DefaultMQProducer producer = Peer.producer(w[1]);
        int given = w.length - 3;
        for (Method method : MQAdmin.class.getMethods()) {
            Class<?>[] types = method.getParameterTypes();
            boolean attributes = types.length > 0 && types[types.length - 1] == Map.class;
            if (!method.getName().equals(w[2]) || types.length - (attributes ? 1 : 0) != given) {
                continue;
            }
            Object[] args = new Object[types.length];
            for (int i = 0; i < given; i++) {
                args[i] = as(types[i], w[i + 3]);
            }
            tell(method.invoke(producer, args));
            return;
        }
        throw new NoSuchMethodException(w[2]);
    }

    private static void tell(Object result) {
        if (result instanceof QueryResult) {
            ((QueryResult) result).getMessageList().forEach(m -> Peer.say(Peer.describe(m)));
        } else if (result instanceof MessageExt) {
            Peer.say(Peer.describe((MessageExt) result));
        } else {
            Peer.say("{\"output\":" + Peer.quote(String.valueOf(result)) + "}");
        }
    }

    private static String call(MQClientAPIImpl api, Method method, Object[] args) throws Exception {
        try {
            return RemotingSerializable.toJson(method.invoke(api, args), true);
        } catch (InvocationTargetException e) {
            return e.getCause().toString();
        }
    }

    private static Object as(Class<?> type, String text) {
        if (type == int.class) {
            return Integer.parseInt(text);
        }
        if (type == long.class) {
            return Long.parseLong(text);
        }
        if (type == MessageQueue.class) {
            String[] parts = text.split("@");
            return new MessageQueue(parts[0], parts[1], Integer.parseInt(parts[2]));
        }
        return type == Set.class ? new HashSet<String>() : type == boolean.class ? Boolean.valueOf(text) : text;
    }
}
