// The npm package ali-ons, driven line by line; the lines are those of interop/client_program.py.
'use strict';

const readline = require('readline');
const { Consumer, Message, Producer } = require('ali-ons');

const producers = new Map();
const consumers = new Map();
const logger = { debug() {}, info() {}, warn: console.error, error: console.error };

function say(answer) {
  process.stdout.write(`@@ ${JSON.stringify(answer)}\n`);
}

function client(namesrv, more) {
  const httpclient = { request() { throw new Error('the name server was named, no address is asked for'); } };
  return { httpclient, logger, nameSrv: namesrv, clientIP: '127.0.0.1', ...more };
}

async function producerOf(namesrv) {
  if (!producers.has(namesrv)) {
    const one = new Producer(client(namesrv, {
      producerGroup: 'node_producer',
      instanceName: `producer-${namesrv}`,
    }));
    one.on('error', console.error);
    producers.set(namesrv, one);
    await one.ready();
  }
  return producers.get(namesrv);
}

// NAMESRV TOPIC MODE COUNT KIND SEED QUEUE; MODE is sync or delay-LEVEL: it has no oneway and no batch.
async function produce([ namesrv, topic, mode, count, kind, seed ]) {
  const producer = await producerOf(namesrv);
  for (let i = 0; i < Number(count); i++) {
    const message = new Message(topic, `Tag${'ABC'[i % 3]}`, body(kind, i));
    message.keys = [ `key-${seed}-${i}` ];
    message.properties.city = `東京 key-${seed}-${i}`;
    if (mode.startsWith('delay-')) {
      message.delayTimeLevel = Number(mode.slice('delay-'.length));
    } else if (mode !== 'sync') {
      throw new Error(`unknown mode ${mode}`);
    }
    const form = { keys: message.keys, tags: message.tags, body: message.body.toString('hex') };
    const result = await producer.send(message);
    say({
      ...form,
      msgId: result.msgId,
      status: result.sendStatus,
      queueId: Number(result.messageQueue.queueId),
      queueOffset: Number(result.queueOffset),
    });
  }
}

function body(kind, i) {
  switch (kind) {
    case 'unicode': return `héllo 消息 🚀 ${i}`;
    case 'large': return `${i} ${'the quick brown fox '.repeat(450)}`;
    default: return `message ${i} of Node`;
  }
}

// NAME NAMESRV GROUP TOPIC EXPRESSION FAILURES: the first FAILURES deliveries of each message fail.
async function consumeStart([ name, namesrv, group, topic, expression, failures ]) {
  const one = new Consumer(client(namesrv, {
    consumerGroup: group,
    instanceName: `consumer-${name}`,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  }));
  one.on('error', console.error);
  const running = { client: one, came: [], seen: new Map(), wake() {} };
  one.subscribe(topic, expression, async message => {
    running.came.push(describe(message));
    running.wake();
    const seen = (running.seen.get(message.keys) || 0) + 1;
    running.seen.set(message.keys, seen);
    return seen <= Number(failures) ? Consumer.ACTION_RETRY : undefined;
  });
  consumers.set(name, running);
  await one.ready();
}

function describe(message) {
  return {
    topic: message.topic,
    queueId: message.queueId,
    queueOffset: Number(message.queueOffset),
    msgId: message.msgId,
    keys: message.keys,
    tags: message.tags,
    reconsumeTimes: message.reconsumeTimes,
    born: Number(message.bornTimestamp),
    stored: Number(message.storeTimestamp),
    body: message.body.toString('hex'),
    properties: message.properties,
  };
}

// NAME COUNT TIMEOUT_MS: what came, as soon as COUNT messages are there or the time is over.
async function consumePoll([ name, count, timeout ]) {
  const running = consumers.get(name);
  const deadline = Date.now() + Number(timeout);
  while (running.came.length < Number(count) && Date.now() < deadline) {
    await new Promise(resolve => {
      const timer = setTimeout(resolve, deadline - Date.now());
      running.wake = () => { clearTimeout(timer); resolve(); };
    });
  }
  running.came.splice(0, Number(count)).forEach(say);
}

async function consumeStop([ name ]) {
  await consumers.get(name).client.close();
  consumers.delete(name);
}

const commands = {
  produce,
  'consume-start': consumeStart,
  'consume-poll': consumePoll,
  'consume-stop': consumeStop,
};

async function main() {
  say({ ready: true });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [ name, ...words ] = line.split('\t');
    try {
      await commands[name](words);
      say({ end: true });
    } catch (error) {
      say({ error: String(error) });
    }
  }
  process.exit(0);
}

main();
