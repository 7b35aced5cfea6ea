package main

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

const batchSize = 32

// load is one load of a benchmark; the words and answers are those of bench/clients/load.py.
type load struct {
	client   rocketmq.Producer
	topic    string
	body     []byte
	end      time.Time
	lock     sync.Mutex
	messages int
	times    []time.Duration
	failure  error
}

// benchSend sends for some time: NAMESRV TOPIC MODE IN_FLIGHT SECONDS SIZE; MODE is sync, async or batch.
func benchSend(words []string) error {
	inFlight, err1 := strconv.Atoi(words[3])
	seconds, err2 := strconv.ParseFloat(words[4], 64)
	size, err3 := strconv.Atoi(words[5])
	client, err4 := producerOf(words[0])
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	cpu, began := cpuSeconds(), time.Now()
	one := &load{
		client: client, topic: words[1], body: bytes.Repeat([]byte("a"), size),
		end: began.Add(time.Duration(seconds * 1e9)),
	}
	if words[2] == "async" {
		one.async(inFlight)
	} else {
		one.goroutines(inFlight, words[2] == "batch")
	}
	if one.failure != nil {
		return one.failure
	}
	tell(one.messages, time.Since(began), cpuSeconds()-cpu, one.times)
	return nil
}

func (one *load) goroutines(count int, isBatch bool) {
	var all sync.WaitGroup
	for i := 0; i < count; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			one.loop(isBatch)
		}()
	}
	all.Wait()
}

func (one *load) loop(isBatch bool) {
	var times []time.Duration
	size := 1
	if isBatch {
		size = batchSize
	}
	var failure error
	for now := time.Now(); now.Before(one.end) && failure == nil; now = time.Now() {
		some := make([]*primitive.Message, size)
		for i := range some {
			some[i] = primitive.NewMessage(one.topic, one.body)
		}
		if _, failure = one.client.SendSync(context.Background(), some...); failure == nil {
			times = append(times, time.Since(now))
		}
	}
	one.lock.Lock()
	defer one.lock.Unlock()
	one.messages += size * len(times)
	one.times = append(one.times, times...)
	one.failure = errors.Join(one.failure, failure)
}

func (one *load) async(inFlight int) {
	room := make(chan struct{}, inFlight)
	for time.Now().Before(one.end) {
		room <- struct{}{}
		began := time.Now()
		ended := func(_ context.Context, _ *primitive.SendResult, err error) {
			one.lock.Lock()
			if err == nil {
				one.messages++
				one.times = append(one.times, time.Since(began))
			}
			one.failure = errors.Join(one.failure, err)
			one.lock.Unlock()
			<-room
		}
		err := one.client.SendAsync(context.Background(), ended, primitive.NewMessage(one.topic, one.body))
		if err != nil {
			ended(nil, nil, err)
		}
	}
	for i := 0; i < inFlight; i++ {
		room <- struct{}{}
	}
}

// benchConsume consumes NAMESRV TOPIC GROUP COUNT BATCH: from the first message to the last of COUNT.
func benchConsume(words []string) error {
	count, err1 := strconv.Atoi(words[3])
	batch, err2 := strconv.Atoi(words[4])
	client, err3 := rocketmq.NewPushConsumer(
		consumer.WithGroupName(words[2]),
		consumer.WithInstance("bench-"+words[2]),
		consumer.WithNsResolver(resolver(words[0])),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithConsumeMessageBatchMaxSize(batch),
	)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	var (
		came   atomic.Int64
		first  sync.Once
		began  time.Time
		before float64
	)
	all := make(chan time.Duration, 1)
	listen := func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		first.Do(func() { began, before = time.Now(), cpuSeconds() })
		now := came.Add(int64(len(messages)))
		if now >= int64(count) && now-int64(len(messages)) < int64(count) {
			all <- time.Since(began)
		}
		return consumer.ConsumeSuccess, nil
	}
	if err := client.Subscribe(words[1], consumer.MessageSelector{}, listen); err != nil {
		return err
	}
	if err := client.Start(); err != nil {
		return err
	}
	took := <-all
	tell(count, took, cpuSeconds()-before, nil)
	return client.Shutdown()
}

func cpuSeconds() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func tell(messages int, took time.Duration, cpu float64, times []time.Duration) {
	slices.Sort(times)
	say(object{
		"messages": messages, "seconds": took.Seconds(), "cpu_s": cpu,
		"p50_us": quantile(times, 0.5), "p99_us": quantile(times, 0.99),
	})
}

func quantile(sorted []time.Duration, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[int(share*float64(len(sorted)-1))].Nanoseconds()) / 1e3
}
