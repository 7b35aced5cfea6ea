//! The frames at the front of a buffer: what is plain is turned into records, units and answers.

use std::collections::HashMap;

use crate::answer::{Answer, Answers, is_plain_key};
use crate::batch;
use crate::frame::{content, end_of_frame};
use crate::header::{self, Serialization};
use crate::properties::{self, Entry, Plan, Plans};
use crate::record::{BLANK, Record, append_unit};
use crate::send::{self, Names, Send};

/// What stays the same for one broker.
pub struct Settings {
    pub codes: Vec<Names>,
    pub languages: Vec<Vec<u8>>,
    /// Bits that sysFlag may have.
    pub harmless: i32,
    /// Bytes of the largest frame behind its length word.
    pub max_length: usize,
    pub max_body: usize,
    pub store_host: Vec<u8>,
    /// The store host in hex digits, which begins every message id.
    pub host_id: String,
    /// The broker's own properties, whole entries.
    pub ours: Vec<Vec<u8>>,
    /// Whether the property string ends in a separator.
    pub trailing: bool,
    /// Whether the messages of a batch are stored as they came.
    pub batches: bool,
    pub answers: Answers,
}

/// A queue that plain messages are for.
struct Known<Q> {
    queue: Q,
    /// The last run that used it, and its number among the queues of that.
    run: u64,
    number: usize,
}

/// The queues that the Python has told, until it says that something has changed.
pub struct Places<Q> {
    /// By topic and queue id, the number of each.
    numbers: HashMap<Vec<u8>, usize>,
    known: Vec<Known<Q>>,
    version: u64,
    runs: u64,
}

impl<Q> Default for Places<Q> {
    fn default() -> Self {
        Places { numbers: HashMap::new(), known: Vec::new(), version: 0, runs: 0 }
    }
}

impl<Q> Places<Q> {
    /// Begin a run; what was told for another version is forgotten.
    fn begin(&mut self, version: u64) {
        if self.version != version {
            self.numbers.clear();
            self.known.clear();
            self.version = version;
        }
        self.runs += 1;
    }

    /// Return a queue, which is known from now on if the Python says that it is plain.
    fn find<E>(
        &mut self,
        key: &[u8],
        ask: impl FnOnce() -> Result<Option<Q>, E>,
    ) -> Result<Option<&mut Known<Q>>, E> {
        if let Some(&number) = self.numbers.get(key) {
            return Ok(self.known.get_mut(number));
        }
        let Some(queue) = ask()? else {
            return Ok(None);
        };
        self.numbers.insert(key.to_vec(), self.known.len());
        self.known.push(Known { queue, run: 0, number: 0 });
        Ok(self.known.last_mut())
    }
}

/// The units that one queue gets.
pub struct Units<Q> {
    pub queue: Q,
    pub next_offset: i64,
    pub units: Vec<u8>,
    /// Bytes of their records.
    pub size: usize,
    pub sends: usize,
}

/// What one connection brought.
pub struct Input<'a> {
    pub data: &'a [u8],
    /// Where its first frame begins.
    pub position: usize,
    pub born_host: &'a [u8],
}

/// What the frames at the front of one input became.
#[derive(Default)]
pub struct Part {
    /// Where the first frame begins that was not taken,
    pub position: usize,
    /// and where what the Python must look at ends: the same when no whole frame is left.
    pub stop: usize,
    /// Sends taken.
    pub count: usize,
    pub answers: Vec<u8>,
}

/// What the inputs of a call became.
pub struct Taken<Q> {
    pub parts: Vec<Part>,
    pub records: Vec<u8>,
    pub last_size: usize,
    pub messages: usize,
    pub queues: Vec<Units<Q>>,
}

/// Where the messages of one call go.
pub struct Here {
    /// Offset at which the next record begins.
    pub log_end: i64,
    /// Bytes that its file has room for.
    pub room: usize,
    pub store_timestamp: i64,
    /// Of what `Broker::place` says.
    pub places_version: u64,
}

/// What is asked of the Python.
pub trait Broker {
    type Queue;
    type Error;

    /// Return the queue of a message; `None` when that is not plain.
    ///
    /// # Errors
    /// What the Python raised.
    fn place(&self, topic: &str, queue_id: i32) -> Result<Option<Self::Queue>, Self::Error>;

    /// Return a queue for a run, and the offset of its next message.
    ///
    /// # Errors
    /// What the Python raised.
    fn begin(&self, queue: &Self::Queue) -> Result<(Self::Queue, i64), Self::Error>;

    /// Return what to do with properties of these names; `None` when they are not plain.
    ///
    /// # Errors
    /// What the Python raised.
    fn plan(&self, names: Vec<&str>) -> Result<Option<Plan>, Self::Error>;
}

/// A plain send that has been looked at.
struct Ready<'a> {
    send: Send<'a>,
    serialization: Serialization,
    opaque: i32,
    oneway: bool,
    unique: Option<&'a [u8]>,
}

/// A message with its properties as they are stored.
struct Message<'a> {
    flag: i32,
    body: &'a [u8],
    properties: &'a [u8],
    tags_code: i32,
    /// Of its record, once it is known that there is room for it.
    size: usize,
}

const ONEWAY: i32 = 2;

/// Take the plain sends at the front of each input.
///
/// # Errors
/// What the Python raised; nothing was taken then.
pub fn take<B: Broker>(
    settings: &Settings,
    plans: &mut Plans,
    places: &mut Places<B::Queue>,
    inputs: &[Input],
    here: &Here,
    broker: &B,
) -> Result<Taken<B::Queue>, B::Error> {
    let parts = Vec::with_capacity(inputs.len());
    let taken = Taken { parts, records: Vec::new(), last_size: 0, messages: 0, queues: Vec::new() };
    places.begin(here.places_version);
    let key = Vec::new();
    let mut run = Run { settings, here, broker, taken, part: Part::default(), born_host: &[], places, key };
    let mut properties = Vec::new();
    for input in inputs {
        run.part = Part { position: input.position, stop: input.position, ..Part::default() };
        run.born_host = input.born_host;
        while let Some(end) = end_of_frame(input.data, run.part.position, settings.max_length) {
            let frame = content(input.data, run.part.position, end);
            if !run.take_frame(frame, plans, &mut properties)? {
                run.part.stop = run.others(input.data, end);
                break;
            }
            run.part.position = end;
            run.part.stop = end;
        }
        run.taken.parts.push(std::mem::take(&mut run.part));
    }
    run.taken.queues.retain(|queue| queue.size > 0); // the rest got a message that had no room
    Ok(run.taken)
}

struct Run<'a, B: Broker> {
    settings: &'a Settings,
    here: &'a Here,
    broker: &'a B,
    taken: Taken<B::Queue>,
    /// Of the input that is looked at, and its sender.
    part: Part,
    born_host: &'a [u8],
    places: &'a mut Places<B::Queue>,
    /// Topic and queue id of the send that is looked at.
    key: Vec<u8>,
}

impl<B: Broker> Run<'_, B> {
    /// Return where the frames end that are no plain sends, behind one that is the Python's.
    fn others(&self, data: &[u8], mut position: usize) -> usize {
        while let Some(end) = end_of_frame(data, position, self.settings.max_length) {
            let frame = content(data, position, end);
            match header::peek_code(frame) {
                Some(code) if self.names(code).is_none() => position = end,
                _ if header::names_transaction(frame) => position = end,
                _ => break,
            }
        }
        position
    }

    fn names(&self, code: i32) -> Option<&Names> {
        self.settings.codes.iter().find(|names| names.code == code)
    }

    /// Take one frame; tell whether it was plain. Nothing is left of one that was not.
    fn take_frame(
        &mut self,
        frame: &[u8],
        plans: &mut Plans,
        out: &mut Vec<u8>,
    ) -> Result<bool, B::Error> {
        if header::peek_code(frame).and_then(|code| self.names(code)).is_none() {
            return Ok(false);
        }
        let Some((header, body)) = header::read(frame, &self.settings.languages) else {
            return Ok(false);
        };
        let Some(names) = self.names(header.code).filter(|_| header.flag & !ONEWAY == 0) else {
            return Ok(false);
        };
        let Some(send) = send::read(&header, names, self.settings.harmless) else {
            return Ok(false);
        };
        if body.is_empty() || body.len() > self.settings.max_body {
            return Ok(false);
        }
        let mut entries = Vec::with_capacity(8);
        if properties::split(send.properties, &mut entries).is_none() {
            return Ok(false);
        }
        let broker = self.broker;
        let Some(plan) = plans.find(&entries, |entries| make_plan(broker, entries))? else {
            return Ok(false);
        };
        let Some((unique, tags_code)) = self.check(plan, &entries, out) else {
            return Ok(false);
        };
        let (serialization, opaque, oneway) = (header.serialization, header.opaque, header.flag == ONEWAY);
        let ready = Ready { serialization, opaque, oneway, unique, send };
        if !ready.send.batch {
            let message = Message { flag: ready.send.flag, body, properties: out, tags_code, size: 0 };
            return self.store(&ready, &mut [message]);
        }
        match self.members(body, plans)? {
            Some(mut messages) => self.store(&ready, &mut messages),
            None => Ok(false),
        }
    }

    /// Return the messages of a batch's body; `None` when one of them is not plain.
    fn members<'m>(&self, mut body: &'m [u8], plans: &mut Plans) -> Result<Option<Vec<Message<'m>>>, B::Error> {
        let mut messages = Vec::new();
        let mut entries = Vec::with_capacity(8);
        let broker = self.broker;
        while self.settings.batches && !body.is_empty() {
            let Some(member) = batch::first(&mut body) else {
                return Ok(None);
            };
            if properties::split(member.properties, &mut entries).is_none() {
                return Ok(None);
            }
            let Some(plan) = plans.find(&entries, |entries| make_plan(broker, entries))? else {
                return Ok(None);
            };
            let tags = plan.tags.and_then(|index| entries.get(index));
            let Some(tags_code) = tags.map_or(Some(0), |tags| properties::tags_code(tags.value)) else {
                return Ok(None);
            };
            let batch::Entry { flag, body, properties } = member;
            messages.push(Message { flag, body, properties, tags_code, size: 0 });
        }
        Ok((!messages.is_empty()).then_some(messages))
    }

    /// Look at the values that count, and write the stored properties to `out`.
    fn check<'e>(&self, plan: &Plan, entries: &[Entry<'e>], out: &mut Vec<u8>) -> Option<(Option<&'e [u8]>, i32)> {
        let value = |index: Option<usize>| index.and_then(|index| entries.get(index)).map(|entry| entry.value);
        if value(plan.wait).is_some_and(|wait| wait != b"true") {
            return None;
        }
        let unique = value(plan.unique).filter(|_| self.settings.answers.has_key);
        if !unique.is_none_or(is_plain_key) {
            return None;
        }
        let tags_code = value(plan.tags).map_or(Some(0), properties::tags_code)?;
        properties::write(plan, entries, &self.settings.ours, self.settings.trailing, out)?;
        Some((unique, tags_code))
    }

    /// Store all messages of a send, or none.
    fn store(&mut self, ready: &Ready, messages: &mut [Message]) -> Result<bool, B::Error> {
        let send = &ready.send;
        let Some(number) = self.queue_of(send)? else {
            return Ok(false);
        };
        let (settings, here) = (self.settings, self.here);
        let mut end = self.taken.records.len() + BLANK;
        for message in &mut *messages {
            let record = record(settings, (here, self.born_host), 0, (0, send), message);
            let Some(size) = record.size().filter(|size| end + size <= here.room) else {
                return Ok(false);
            };
            message.size = size;
            end += size;
        }
        let (queue_id, queue_offset) = (send.queue_id, self.taken.queues[number].next_offset);
        let mut message_id = String::with_capacity(33 * messages.len());
        for message in messages {
            let place = self.append(number, send, message);
            if !message_id.is_empty() {
                message_id.push(',');
            }
            message_id.push_str(&settings.host_id);
            push_hex(place, &mut message_id);
        }
        self.taken.queues[number].sends += 1;
        self.part.count += 1;
        if !ready.oneway {
            let (serialization, opaque) = (ready.serialization, ready.opaque);
            let transaction_id = ready.unique;
            let answer = Answer { serialization, opaque, queue_id, queue_offset, message_id: &message_id, transaction_id };
            settings.answers.append(&answer, &mut self.part.answers);
        }
        Ok(true)
    }

    /// Append one message's record, which fits, and its unit; return where it lies in the log.
    fn append(&mut self, number: usize, send: &Send, message: &Message) -> i64 {
        let (settings, here) = (self.settings, self.here);
        let place = here.log_end + self.taken.records.len() as i64;
        let queue = &mut self.taken.queues[number];
        let record = record(settings, (here, self.born_host), place, (queue.next_offset, send), message);
        record.append(message.size, &mut self.taken.records);
        append_unit(place, message.size, message.tags_code, &mut queue.units);
        queue.size += message.size;
        queue.next_offset += 1;
        self.taken.last_size = message.size;
        self.taken.messages += 1;
        place
    }

    /// Return the number that a send's queue has in this run.
    fn queue_of(&mut self, send: &Send) -> Result<Option<usize>, B::Error> {
        let Ok(topic) = std::str::from_utf8(send.topic) else {
            return Ok(None);
        };
        self.key.clear();
        self.key.extend_from_slice(send.topic);
        self.key.extend_from_slice(&send.queue_id.to_be_bytes());
        let (broker, run) = (self.broker, self.places.runs);
        let Some(known) = self.places.find(&self.key, || broker.place(topic, send.queue_id))? else {
            return Ok(None);
        };
        if known.run != run {
            let (queue, next_offset) = broker.begin(&known.queue)?;
            (known.run, known.number) = (run, self.taken.queues.len());
            self.taken.queues.push(Units { queue, next_offset, units: Vec::new(), size: 0, sends: 0 });
        }
        Ok(Some(known.number))
    }
}

/// Return the record of a message that is stored at `physical_offset`.
fn record<'m>(
    settings: &'m Settings,
    (here, born_host): (&Here, &'m [u8]),
    physical_offset: i64,
    (queue_offset, send): (i64, &'m Send),
    message: &'m Message,
) -> Record<'m> {
    Record {
        queue_id: send.queue_id,
        flag: message.flag,
        queue_offset,
        physical_offset,
        sys_flag: send.sys_flag,
        born_timestamp: send.born_timestamp,
        born_host,
        store_timestamp: here.store_timestamp,
        store_host: &settings.store_host,
        reconsume_times: send.reconsume_times,
        body: message.body,
        topic: send.topic,
        properties: message.properties,
    }
}

/// Append a number's sixteen hexadecimal digits.
fn push_hex(number: i64, text: &mut String) {
    for shift in (0..64).step_by(4).rev() {
        let digit = (number >> shift & 0xF) as u8;
        text.push(char::from(if digit < 10 { b'0' + digit } else { b'A' - 10 + digit }));
    }
}

/// Ask for the plan of a message's names.
fn make_plan<B: Broker>(broker: &B, entries: &[Entry]) -> Result<Option<Plan>, B::Error> {
    let names: Result<Vec<&str>, _> = entries.iter().map(|entry| std::str::from_utf8(entry.name)).collect();
    names.map_or(Ok(None), |names| broker.plan(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::pieces;

    struct Table;

    impl Broker for Table {
        type Queue = i32;
        type Error = ();

        fn place(&self, topic: &str, queue_id: i32) -> Result<Option<i32>, ()> {
            match topic {
                "T" => Ok(Some(queue_id)),
                "broken" => Err(()),
                _ => Ok(None),
            }
        }

        fn begin(&self, queue: &i32) -> Result<(i32, i64), ()> {
            Ok((*queue, 10))
        }

        fn plan(&self, names: Vec<&str>) -> Result<Option<Plan>, ()> {
            let at = |name| names.iter().position(|known| *known == name);
            let plan = Plan { pick: (0..=names.len()).collect(), tags: at("TAGS"), unique: at("UNIQ_KEY"), wait: at("WAIT") };
            Ok((!names.contains(&"DELAY")).then_some(plan))
        }
    }

    fn settings() -> Settings {
        Settings {
            codes: vec![Names { code: 310, fields: b"abcdefghijklmn".iter().map(|letter| vec![*letter]).collect() }],
            languages: vec![b"JAVA".to_vec()],
            harmless: 1,
            max_length: 1000,
            max_body: 100,
            store_host: vec![127, 0, 0, 1, 0, 0, 0x2A, 0x9F],
            host_id: "7F00000100002A9F".to_owned(),
            ours: vec![b"CLUSTER\x01c".to_vec()],
            trailing: true,
            batches: true,
            answers: Answers {
                json: pieces(b"%d,%d,%s,%d,%d"),
                json_with_key: pieces(b"%d,%d,%s,%s,%d,%d"),
                tail: Vec::new(),
                language: 3,
                version: 500,
                has_key: true,
            },
        }
    }

    fn batch_frame(members: &[&str]) -> Vec<u8> {
        let mut body = String::new();
        for properties in members {
            body += "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\u{7}\0\0\0\u{1}b\0";
            body.push(properties.len() as u8 as char);
            body += properties;
        }
        frame_with(310, "T", "UNIQ_KEY\u{1}K1", &body, "true")
    }

    fn frame(code: u16, topic: &str, properties: &str, body: &str) -> Vec<u8> {
        frame_with(code, topic, properties, body, "false")
    }

    fn frame_with(code: u16, topic: &str, properties: &str, body: &str, batch: &str) -> Vec<u8> {
        let mut entries = Vec::new();
        for (name, value) in [
            ("a", "g"), ("b", topic), ("c", "D"), ("d", "4"), ("e", "1"), ("f", "0"), ("g", "99"), ("h", "5"),
            ("i", properties), ("m", batch),
        ] {
            entries.extend_from_slice(&(name.len() as u16).to_be_bytes());
            entries.extend_from_slice(name.as_bytes());
            entries.extend_from_slice(&(value.len() as u32).to_be_bytes());
            entries.extend_from_slice(value.as_bytes());
        }
        let mut frame = vec![0; 4];
        frame.extend_from_slice(&(1u32 << 24 | (21 + entries.len()) as u32).to_be_bytes());
        frame.extend_from_slice(&code.to_be_bytes());
        frame.extend_from_slice(&[0, 1, 237, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
        frame.extend_from_slice(&(entries.len() as u32).to_be_bytes());
        frame.extend_from_slice(&entries);
        frame.extend_from_slice(body.as_bytes());
        let length = (frame.len() - 4) as u32;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        frame
    }

    fn run_all(inputs: &[&[u8]], room: usize) -> Result<Taken<i32>, ()> {
        let inputs: Vec<Input> = inputs.iter().map(|data| Input { data, position: 0, born_host: &[0; 8] }).collect();
        let here = Here { log_end: 1000, room, store_timestamp: 6, places_version: 1 };
        take(&settings(), &mut Plans::default(), &mut Places::default(), &inputs, &here, &Table)
    }

    fn run(data: &[u8], room: usize) -> Result<Taken<i32>, ()> {
        run_all(&[data], room)
    }

    #[test]
    fn plain_sends_are_taken_up_to_the_first_that_is_not() {
        let plain = frame(310, "T", "TAGS\u{1}a\u{2}UNIQ_KEY\u{1}K1\u{2}", "body");
        let other = frame(34, "", "", "");
        let odd = frame(310, "T", "DELAY\u{1}3", "body");
        let data = [&plain[..], &plain, &odd, &other, &other, &plain, &plain[..9]].concat();
        let taken = run(&data, 10_000).unwrap();
        assert_eq!(taken.parts[0].count, 2);
        assert_eq!(taken.parts[0].position, 2 * plain.len());
        assert_eq!(taken.parts[0].stop, taken.parts[0].position + odd.len() + 2 * other.len());
        let half = frame(310, "T", "TRAN_MSG\u{1}true", "body");
        let data = [&half[..], &half, &other, &half, &plain].concat();
        assert_eq!(run(&data, 10_000).unwrap().parts[0].stop, data.len() - plain.len());
        assert_eq!(taken.records.len(), 2 * taken.last_size);
        assert_eq!((taken.queues.len(), taken.queues[0].units.len()), (1, 40));
        assert_eq!(taken.queues[0].next_offset, 12);
        assert_eq!(taken.queues[0].size, taken.records.len());
    }

    #[test]
    fn whatever_is_not_plain_is_handed_back_whole() {
        let plain = "UNIQ_KEY\u{1}K1";
        for odd in [
            frame(310, "U", plain, "body"),
            frame(310, "T", plain, ""),
            frame(310, "T", plain, &"x".repeat(101)),
            frame(310, "T", "WAIT\u{1}false", "body"),
            frame(310, "T", "UNIQ_KEY\u{1}K-1", "body"),
            frame(310, "T", "UNIQ_KEY", "body"),
            frame(311, "T", plain, "body"),
        ] {
            let taken = run(&odd, 10_000).unwrap();
            assert_eq!((taken.parts[0].count, taken.parts[0].position, taken.parts[0].stop), (0, 0, odd.len()));
            assert!(taken.records.is_empty() && taken.parts[0].answers.is_empty());
        }
    }

    #[test]
    fn a_oneway_send_has_no_answer() {
        let mut oneway = frame(310, "T", "UNIQ_KEY\u{1}K1", "body");
        oneway[20] = 2;
        let taken = run(&oneway, 10_000).unwrap();
        assert_eq!((taken.parts[0].count, taken.parts[0].answers.len()), (1, 0));
        oneway[20] = 1;
        assert_eq!(run(&oneway, 10_000).unwrap().parts[0].count, 0);
    }

    #[test]
    fn the_messages_of_a_batch_are_stored_all_or_none() {
        let two = batch_frame(&["TAGS\u{1}a\u{2}UNIQ_KEY\u{1}K2", "UNIQ_KEY\u{1}K3"]);
        let taken = run(&two, 10_000).unwrap();
        assert_eq!((taken.parts[0].count, taken.queues[0].sends, taken.queues[0].units.len()), (1, 1, 40));
        assert_eq!(taken.queues[0].next_offset, 12);
        assert!(taken.parts[0].answers.windows(33).any(|part| part[32] == b','));
        assert_eq!(run(&two, taken.records.len() + BLANK - 1).unwrap().records.len(), 0);
        for odd in [&["UNIQ_KEY\u{1}K2", "DELAY\u{1}1"][..], &["UNIQ_KEY\u{1}K2", "a"], &[]] {
            assert_eq!(run(&batch_frame(odd), 10_000).unwrap().parts[0].count, 0);
        }
    }

    #[test]
    fn hexadecimal_digits_are_those_of_the_formatter() {
        for number in [0, 9, 10, 0x0123_4567_89AB_CDEF, i64::MAX, -1] {
            let mut text = String::new();
            push_hex(number, &mut text);
            assert_eq!(text, format!("{number:016X}"));
        }
    }

    #[test]
    fn a_record_that_does_not_fit_into_its_file_is_handed_back() {
        let plain = frame(310, "T", "UNIQ_KEY\u{1}K1", "body");
        let size = run(&plain, 10_000).unwrap().last_size;
        let data = [&plain[..], &plain].concat();
        let taken = run(&data, 2 * size + BLANK - 1).unwrap();
        assert_eq!((taken.parts[0].count, taken.parts[0].stop), (1, data.len()));
        assert_eq!(run(&data, 2 * size + BLANK).unwrap().parts[0].count, 2);
        assert!(run(&plain, 0).unwrap().queues.is_empty());
    }

    #[test]
    fn many_inputs_share_records_and_units_but_not_answers() {
        let plain = frame(310, "T", "UNIQ_KEY\u{1}K1", "body");
        let odd = frame(310, "U", "UNIQ_KEY\u{1}K1", "body");
        let two = [&plain[..], &plain].concat();
        let taken = run_all(&[&two, &odd, &plain], 10_000).unwrap();
        let counts: Vec<usize> = taken.parts.iter().map(|part| part.count).collect();
        assert_eq!(counts, [2, 0, 1]);
        assert_eq!(taken.parts[0].answers.len(), 2 * taken.parts[2].answers.len());
        assert_eq!((taken.parts[1].position, taken.parts[1].stop), (0, odd.len()));
        assert_eq!((taken.queues.len(), taken.queues[0].units.len(), taken.queues[0].sends), (1, 60, 3));
        assert_eq!(taken.records.len(), 3 * taken.last_size);
        assert!(run_all(&[&plain, &frame(310, "broken", "", "body")], 10_000).is_err());
    }

    #[test]
    fn an_error_of_the_python_is_passed_on() {
        assert!(run(&frame(310, "broken", "", "body"), 10_000).is_err());
    }

    #[test]
    fn every_change_of_one_byte_is_survived() {
        let plain = frame(310, "T", "TAGS\u{1}a\u{2}UNIQ_KEY\u{1}K1\u{2}", "body");
        for at in 0..plain.len() {
            for byte in 0..=255 {
                let mut data = plain.clone();
                data[at] = byte;
                let taken = run(&data, 10_000).unwrap();
                assert!(taken.parts[0].position <= taken.parts[0].stop && taken.parts[0].stop <= data.len());
            }
        }
    }
}
