// The npm package rocketmq-client-nodejs, driven line by line; the lines are those of interop/proxy/programs.py.
'use strict';

const readline = require('readline');
const {
  ConsumeResult, FilterExpression, LitePushConsumerImpl, Producer, PushConsumer, SimpleConsumer,
} = require('rocketmq-client-nodejs');
const { FilterType, TransactionResolution } = require('rocketmq-client-nodejs/proto/apache/rocketmq/v2/definition_pb');

const AWAIT_MS = 5000;
const producers = new Map();
const consumers = new Map();
const held = new Map();
const logger = { debug() {}, info() {}, warn: console.error, error: console.error };
let sessionCredentials;

function say(answer) {
  process.stdout.write(`@@ ${JSON.stringify(answer)}\n`);
}

function sign({ accessKey, secretKey }) {
  sessionCredentials = { accessKey, accessSecret: secretKey };
}

function client(endpoints, more) {
  return { endpoints, namespace: '', sslEnabled: false, requestTimeout: 30000, logger, sessionCredentials, ...more };
}

async function producerOf(endpoints, topic) {
  const key = `${endpoints} ${topic} ${sessionCredentials?.accessKey}`;
  if (!producers.has(key)) {
    const checker = { check: async view => TransactionResolution[view.properties.get('verdict')] };
    const made = new Producer(client(endpoints, { topic, checker }));
    await made.startup();
    producers.set(key, made);
  }
  return producers.get(key);
}

async function send({ endpoints, messages }) {
  for (const form of messages) {
    const producer = await producerOf(endpoints, form.topic);
    const transaction = form.end ? producer.beginTransaction() : undefined;
    const receipt = await producer.send(messageOf(form), transaction);
    if (form.end === 'commit') {
      await transaction.commit();
    } else if (form.end === 'rollback') {
      await transaction.rollback();
    }
    say({ messageId: receipt.messageId, recallHandle: receipt.recallHandle });
  }
}

function messageOf(form) {
  return {
    topic: form.topic,
    body: Buffer.from(form.body),
    tag: form.tag,
    keys: form.key ? [ form.key ] : [],
    messageGroup: form.group,
    liteTopic: form.lite,
    deliveryTimestamp: form.deliverAt ? new Date(form.deliverAt) : undefined,
    priority: form.priority,
    properties: new Map(Object.entries(form.properties || {})),
  };
}

async function recall({ endpoints, topic, handle }) {
  const producer = await producerOf(endpoints, topic);
  const receipt = await producer.recallMessage(topic, handle);
  say({ messageId: receipt.messageId });
}

function subscriptions({ topic, filter, expression }) {
  const type = filter === 'SQL92' ? FilterType.SQL : FilterType.TAG;
  return new Map([[ topic, new FilterExpression(expression, type) ]]);
}

async function simple(words) {
  const made = new SimpleConsumer(client(words.endpoints, {
    consumerGroup: words.group,
    subscriptions: subscriptions(words),
    awaitDuration: AWAIT_MS,
  }));
  await made.startup();
  consumers.set(words.name, { client: made });
}

async function receive({ name, max, seconds }) {
  for (const view of await consumers.get(name).client.receive(max, seconds * 1000)) {
    const handle = String(held.size);
    held.set(handle, view);
    say({ handle, ...describe(view) });
  }
}

async function ack({ name, handle }) {
  await consumers.get(name).client.ack(held.get(handle));
}

async function change({ name, handle, seconds }) {
  await consumers.get(name).client.changeInvisibleDuration(held.get(handle), seconds * 1000);
}

// The first `failures` deliveries of each message fail; `lite`: lite topics of the topic.
async function push(words) {
  const running = { came: [], seen: new Map(), wake() {} };
  const Kind = words.lite ? LitePushConsumerImpl : PushConsumer;
  running.client = new Kind(client(words.endpoints, {
    consumerGroup: words.group,
    ...(words.lite ? { bindTopic: words.topic } : { subscriptions: subscriptions(words) }),
    messageListener: {
      async consume(view) {
        running.came.push(describe(view));
        running.wake();
        const seen = (running.seen.get(view.messageId) || 0) + 1;
        running.seen.set(view.messageId, seen);
        return seen <= words.failures ? ConsumeResult.FAILURE : ConsumeResult.SUCCESS;
      },
    },
  }));
  consumers.set(words.name, running);
  await running.client.startup();
  for (const name of words.lite || []) {
    await running.client.subscribeLite(name);
  }
}

async function poll({ name, count, ms }) {
  const running = consumers.get(name);
  const deadline = Date.now() + ms;
  while (running.came.length < count && Date.now() < deadline) {
    await new Promise(resolve => {
      const timer = setTimeout(resolve, deadline - Date.now());
      running.wake = () => { clearTimeout(timer); resolve(); };
    });
  }
  running.came.splice(0, count).forEach(say);
}

async function close({ name }) {
  await consumers.get(name).client.shutdown();
  consumers.delete(name);
}

function describe(view) {
  return {
    messageId: view.messageId,
    topic: view.topic,
    body: view.body.toString(),
    tag: view.tag || null,
    key: view.keys[0] || null,
    group: view.messageGroup || null,
    lite: view.liteTopic || null,
    attempt: view.deliveryAttempt,
    properties: Object.fromEntries(view.properties),
    cameAt: Date.now(),
  };
}

const commands = { sign, send, recall, simple, receive, ack, change, push, poll, close };

async function main() {
  say({ ready: true });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const at = line.indexOf('\t');
    try {
      await commands[line.slice(0, at)](JSON.parse(line.slice(at + 1)));
      say({ end: true });
    } catch (error) {
      console.error(error);
      say({ error: String(error) });
    }
  }
  process.exit(0);
}

main();
