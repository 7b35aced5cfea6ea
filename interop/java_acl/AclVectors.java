import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.parser.Feature;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.AclUtils;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.acl.plain.PlainAccessResource;
import org.apache.rocketmq.acl.plain.PlainAccessValidator;
import org.apache.rocketmq.acl.plain.RemoteAddressStrategy;
import org.apache.rocketmq.acl.plain.RemoteAddressStrategyFactory;
import org.apache.rocketmq.common.PlainAccessConfig;
import org.apache.rocketmq.remoting.common.RemotingHelper;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;

/** Asks the access control classes of 4.9.7 what they make of the questions in a JSON file. */
public class AclVectors {
    public static void main(String[] args) throws Exception {
        String text = new String(Files.readAllBytes(Paths.get(args[0])), StandardCharsets.UTF_8);
        JSONObject asked = JSON.parseObject(text, Feature.OrderedField);
        JSONObject answers = new JSONObject(true);
        answers.put("patterns", patterns(asked));
        answers.put("signatures", signatures(asked.getJSONArray("signatures")));
        answers.put("decisions", decisions(asked.getJSONArray("decisions")));
        answers.put("edits", edits(asked.getJSONArray("edits")));
        Files.write(Paths.get(args[1]), JSON.toJSONString(answers).getBytes(StandardCharsets.UTF_8));
        System.exit(0);
    }

    static Path aclFile() {
        return Paths.get(System.getProperty("rocketmq.home.dir"), "conf", "plain_acl.yml");
    }

    static JSONArray patterns(JSONObject asked) {
        JSONArray found = new JSONArray();
        for (Object pattern : asked.getJSONArray("patterns")) {
            JSONArray row = new JSONArray();
            try {
                RemoteAddressStrategy strategy =
                    new RemoteAddressStrategyFactory().getRemoteAddressStrategy((String) pattern);
                for (Object address : asked.getJSONArray("addresses")) {
                    PlainAccessResource resource = new PlainAccessResource();
                    resource.setWhiteRemoteAddress((String) address);
                    try {
                        row.add(strategy.match(resource) ? "1" : "0");
                    } catch (Exception e) {
                        row.add(e.getClass().getSimpleName());
                    }
                }
            } catch (Exception e) {
                row.add("refused " + e.getClass().getSimpleName() + ": " + e.getMessage());
            }
            found.add(row);
        }
        return found;
    }

    static RemotingCommand request(JSONObject asked) {
        RemotingCommand request = RemotingCommand.createRequestCommand(asked.getIntValue("code"), null);
        JSONObject fields = asked.getJSONObject("fields");
        if (fields != null) {
            HashMap<String, String> map = new HashMap<>();
            for (Map.Entry<String, Object> field : fields.entrySet()) {
                map.put(field.getKey(), (String) field.getValue());
            }
            request.setExtFields(map);
        }
        if (asked.getString("body") != null) {
            request.setBody(Base64.getDecoder().decode(asked.getString("body")));
        }
        return request;
    }

    static AclClientRPCHook hook(JSONObject asked) {
        return new AclClientRPCHook(new SessionCredentials(
            asked.getString("accessKey"), asked.getString("secretKey"), asked.getString("token")));
    }

    static JSONArray signatures(JSONArray asked) {
        JSONArray found = new JSONArray();
        for (Object one : asked) {
            RemotingCommand request = request((JSONObject) one);
            hook((JSONObject) one).doBeforeRequest("127.0.0.1:1", request);
            found.add(request.getExtFields().get("Signature"));
        }
        return found;
    }

    static JSONArray decisions(JSONArray asked) throws Exception {
        JSONArray found = new JSONArray();
        for (Object group : asked) {
            JSONObject of = (JSONObject) group;
            Files.write(aclFile(), of.getString("file").getBytes(StandardCharsets.UTF_8));
            JSONArray row = new JSONArray();
            PlainAccessValidator validator;
            try {
                validator = new PlainAccessValidator();
            } catch (Throwable e) {
                row.add("refused " + RemotingHelper.exceptionSimpleDesc(e));
                found.add(row);
                continue;
            }
            for (Object one : of.getJSONArray("requests")) {
                JSONObject question = (JSONObject) one;
                RemotingCommand request = request(question);
                if (question.getString("accessKey") != null) {
                    hook(question).doBeforeRequest("", request);
                }
                try {
                    validator.validate(validator.parse(request, question.getString("from")));
                    row.add(null);
                } catch (Throwable e) {
                    row.add(RemotingHelper.exceptionSimpleDesc(e));
                }
            }
            found.add(row);
        }
        return found;
    }

    static JSONArray edits(JSONArray asked) throws Exception {
        JSONArray found = new JSONArray();
        for (Object group : asked) {
            JSONObject of = (JSONObject) group;
            if (of.getString("file") == null) {
                Files.deleteIfExists(aclFile());
            } else {
                Files.write(aclFile(), of.getString("file").getBytes(StandardCharsets.UTF_8));
            }
            PlainAccessValidator validator = new PlainAccessValidator();
            JSONArray row = new JSONArray();
            for (Object one : of.getJSONArray("steps")) {
                JSONObject step = (JSONObject) one;
                JSONObject answer = new JSONObject(true);
                try {
                    answer.put("done", run(validator, step));
                } catch (Exception e) {
                    answer.put("error", e.getMessage());
                }
                answer.put("file", new String(Files.readAllBytes(aclFile()), StandardCharsets.UTF_8));
                answer.put("version", validator.getAclConfigVersion());
                answer.put("versions", JSON.toJSONString(validator.getAllAclConfigVersion()));
                answer.put("config", JSON.toJSONString(validator.getAllAclConfig()));
                row.add(answer);
            }
            found.add(row);
        }
        return found;
    }

    static boolean run(PlainAccessValidator validator, JSONObject step) {
        switch (step.getString("do")) {
            case "update":
                return validator.updateAccessConfig(step.getObject("account", PlainAccessConfig.class));
            case "delete":
                return validator.deleteAccessConfig(step.getString("accessKey"));
            case "white":
                List<String> addresses = step.getJSONArray("addresses").toJavaList(String.class);
                return validator.updateGlobalWhiteAddrsConfig(addresses, step.getString("path"));
            default:
                return true;
        }
    }
}
