import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.remoting.RPCHook;

/** The credentials of the clients that are made from now on. */
final class Signing {
    private static String accessKey = "";
    private static RPCHook hook;

    /** sign-with ACCESS_KEY SECRET_KEY: nothing is signed when they are empty. */
    static void set(String[] w) {
        accessKey = w[1];
        hook = w[1].isEmpty() ? null : new AclClientRPCHook(new SessionCredentials(w[1], w[2]));
    }

    static String accessKey() {
        return accessKey;
    }

    static RPCHook hook() {
        return hook;
    }
}
