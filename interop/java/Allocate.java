import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByConfig;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.common.message.MessageQueue;

/** Java's strategies of dividing queues; a broker's or client's room is what stands before its '@'. */
final class Allocate {
    private Allocate() {
    }

    /** allocate STRATEGY CLIENT QUEUES CLIENTS: lists joined by commas, a queue is BROKER/ID; one line for each queue. */
    static void run(String[] w) {
        List<MessageQueue> queues = new ArrayList<>();
        for (String text : w[3].split(",")) {
            int at = text.lastIndexOf('/');
            queues.add(new MessageQueue("T", text.substring(0, at), Integer.parseInt(text.substring(at + 1))));
        }
        List<String> clients = new ArrayList<>(Arrays.asList(w[4].split(",")));
        Collections.sort(queues);
        Collections.sort(clients);
        List<MessageQueue> part = strategy(w[1], queues).allocate("g", w[2], queues, clients);
        for (MessageQueue queue : part) {
            Peer.say("{\"queue\":" + Peer.quote(queue.getBrokerName() + "/" + queue.getQueueId()) + "}");
        }
    }

    static AllocateMessageQueueStrategy strategy(String name, List<MessageQueue> queues) {
        switch (name) {
            case "AVG": return new AllocateMessageQueueAveragely();
            case "AVG_BY_CIRCLE": return new AllocateMessageQueueAveragelyByCircle();
            case "CONSISTENT_HASH": return new AllocateMessageQueueConsistentHash();
            case "CONFIG":
                AllocateMessageQueueByConfig config = new AllocateMessageQueueByConfig();
                config.setMessageQueueList(queues.stream().filter(q -> q.getQueueId() == 0).collect(Collectors.toList()));
                return config;
            case "MACHINE_ROOM":
                AllocateMessageQueueByMachineRoom rooms = new AllocateMessageQueueByMachineRoom();
                rooms.setConsumeridcs(new HashSet<>(Arrays.asList("north", "south")));
                return rooms;
            case "MACHINE_ROOM_NEARBY":
                return new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), new AllocateMachineRoomNearby.MachineRoomResolver() {
                    @Override public String brokerDeployIn(MessageQueue queue) {
                        return queue.getBrokerName().split("@")[0];
                    }

                    @Override public String consumerDeployIn(String client) {
                        return client.split("@")[0];
                    }
                });
            default: throw new IllegalArgumentException("unknown strategy " + name);
        }
    }
}
