// Go's client, driven line by line; the lines are those of interop/client_program.py.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

type object map[string]any

var (
	statuses  = []string{"SEND_OK", "FLUSH_DISK_TIMEOUT", "FLUSH_SLAVE_TIMEOUT", "SLAVE_NOT_AVAILABLE", "UNKNOWN"}
	producers = map[string]rocketmq.Producer{}
	consumers = map[string]*running{}
	out       = os.Stdout
	outLock   sync.Mutex
)

// running is a started push consumer.
type running struct {
	client   rocketmq.PushConsumer
	came     chan object
	lock     sync.Mutex
	seen     map[string]int
	failures int
}

func main() {
	os.Stdout = os.Stderr // the library's own words
	say(object{"ready": true})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := run(strings.Split(lines.Text(), "\t")); err != nil {
			say(object{"error": err.Error()})
		} else {
			say(object{"end": true})
		}
	}
	for _, one := range producers {
		_ = one.Shutdown()
	}
}

func say(answer object) {
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	outLock.Lock()
	defer outLock.Unlock()
	fmt.Fprintf(out, "@@ %s\n", text)
}

func run(words []string) error {
	switch words[0] {
	case "produce":
		return produce(words[1:])
	case "consume-start":
		return consumeStart(words[1:])
	case "consume-poll":
		return consumePoll(words[1:])
	case "bench-send":
		return benchSend(words[1:])
	case "bench-consume":
		return benchConsume(words[1:])
	case "consume-stop":
		one := consumers[words[1]]
		delete(consumers, words[1])
		return one.client.Shutdown()
	}
	return fmt.Errorf("unknown command %s", words[0])
}

func resolver(namesrv string) primitive.NsResolver {
	return primitive.NewPassthroughResolver([]string{namesrv})
}

func producerOf(namesrv string) (rocketmq.Producer, error) {
	if one, there := producers[namesrv]; there {
		return one, nil
	}
	one, err := rocketmq.NewProducer(
		producer.WithGroupName("go_producer"),
		producer.WithInstanceName("producer-"+namesrv),
		producer.WithNsResolver(resolver(namesrv)),
	)
	if err != nil {
		return nil, err
	}
	producers[namesrv] = one
	return one, one.Start()
}

// produce sends COUNT messages: NAMESRV TOPIC MODE COUNT KIND SEED QUEUE; MODE is sync, oneway, batch or delay-LEVEL.
func produce(words []string) error {
	namesrv, topic, mode, kind, seed := words[0], words[1], words[2], words[4], words[5]
	count, err := strconv.Atoi(words[3])
	if err != nil {
		return err
	}
	client, err := producerOf(namesrv)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if mode == "batch" {
		return sendBatch(ctx, client, topic, count, kind, seed)
	}
	for i := 0; i < count; i++ {
		one := message(topic, i, kind, seed)
		form := form(one)
		switch {
		case mode == "oneway":
			if err := client.SendOneWay(ctx, one); err != nil {
				return err
			}
			say(form)
			continue
		case strings.HasPrefix(mode, "delay-"):
			level, err := strconv.Atoi(strings.TrimPrefix(mode, "delay-"))
			if err != nil {
				return err
			}
			one.WithDelayTimeLevel(level)
		case mode != "sync":
			return fmt.Errorf("unknown mode %s", mode)
		}
		result, err := client.SendSync(ctx, one)
		if err != nil {
			return err
		}
		say(answered(form, result))
	}
	return nil
}

func sendBatch(ctx context.Context, client rocketmq.Producer, topic string, count int, kind, seed string) error {
	const size = 10
	for at := 0; at < count; at += size {
		var some []*primitive.Message
		for i := at; i < min(at+size, count); i++ {
			some = append(some, message(topic, i, kind, seed))
			say(form(some[len(some)-1]))
		}
		result, err := client.SendSync(ctx, some...)
		if err != nil {
			return err
		}
		say(answered(object{"batch": result.MsgID}, result))
	}
	return nil
}

func message(topic string, i int, kind, seed string) *primitive.Message {
	text := fmt.Sprintf("message %d of Go", i)
	switch kind {
	case "unicode":
		text = fmt.Sprintf("héllo 消息 🚀 %d", i)
	case "large":
		text = fmt.Sprintf("%d ", i) + strings.Repeat("the quick brown fox ", 450)
	}
	one := primitive.NewMessage(topic, []byte(text))
	one.WithTag("Tag" + string("ABC"[i%3])).WithKeys([]string{fmt.Sprintf("key-%s-%d", seed, i)})
	one.WithProperty("city", fmt.Sprintf("東京 key-%s-%d", seed, i))
	return one
}

func form(m *primitive.Message) object {
	return object{"keys": strings.TrimSpace(m.GetKeys()), "tags": m.GetTags(), "body": hex.EncodeToString(m.Body)}
}

func answered(form object, result *primitive.SendResult) object {
	form["msgId"], form["offsetMsgId"] = result.MsgID, result.OffsetMsgID
	form["status"] = statuses[result.Status]
	form["queueId"], form["queueOffset"] = result.MessageQueue.QueueId, result.QueueOffset
	return form
}

// consumeStart starts a consumer: NAME NAMESRV GROUP TOPIC EXPRESSION FAILURES [orderly].
func consumeStart(words []string) error {
	failures, err := strconv.Atoi(words[5])
	if err != nil {
		return err
	}
	orderly := len(words) > 6 && words[6] == "orderly"
	client, err := rocketmq.NewPushConsumer(
		consumer.WithGroupName(words[2]),
		consumer.WithInstance("consumer-"+words[0]),
		consumer.WithNsResolver(resolver(words[1])),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithConsumerOrder(orderly),
	)
	if err != nil {
		return err
	}
	one := &running{client: client, came: make(chan object, 1<<20), seen: map[string]int{}, failures: failures}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: words[4]}
	if err := client.Subscribe(words[3], selector, one.listen); err != nil {
		return err
	}
	consumers[words[0]] = one
	return client.Start()
}

func (one *running) listen(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	one.lock.Lock()
	defer one.lock.Unlock()
	for _, m := range messages {
		got := describe(m)
		one.came <- got
		key := got["keys"].(string)
		one.seen[key]++
		if one.seen[key] <= one.failures {
			return consumer.ConsumeRetryLater, nil
		}
	}
	return consumer.ConsumeSuccess, nil
}

func describe(m *primitive.MessageExt) object {
	return object{
		"topic": m.Topic, "queueId": m.Queue.QueueId, "queueOffset": m.QueueOffset, "msgId": m.MsgId,
		"keys": strings.TrimSpace(m.GetKeys()), "tags": m.GetTags(), "reconsumeTimes": m.ReconsumeTimes,
		"bornHost": m.BornHost, "born": m.BornTimestamp, "stored": m.StoreTimestamp,
		"body": hex.EncodeToString(m.Body), "properties": m.GetProperties(),
	}
}

// consumePoll says what came: NAME COUNT TIMEOUT_MS.
func consumePoll(words []string) error {
	count, err := strconv.Atoi(words[1])
	if err != nil {
		return err
	}
	wait, err := strconv.Atoi(words[2])
	if err != nil {
		return err
	}
	over := time.After(time.Duration(wait) * time.Millisecond)
	for ; count > 0; count-- {
		select {
		case got := <-consumers[words[0]].came:
			say(got)
		case <-over:
			return nil
		}
	}
	return nil
}
