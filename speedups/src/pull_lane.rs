//! The plain pulls at the front of what connections brought: from their frames to their answers.
//!
//! What a group may do, and where its queues are, the Python says once for each kind of pull of a call.
//! It also gives units and blocks of the log; which records of them are an answer is told here.

use std::cell::RefCell;
use std::ops::Range;

use crate::frame::{content, end_of_frame};
use crate::header::{self, Serialization};
use crate::pull::{Found, Limits, Most, Queue, is_right, parts, scan};
use crate::pull_answer::PullAnswers;
use crate::pull_request::{self, OWN_SUBSCRIPTION, Pull};

/// What stays the same for one broker.
pub struct Settings {
    pub codes: Vec<i32>,
    pub names: Vec<Vec<u8>>,
    pub languages: Vec<Vec<u8>>,
    /// Bytes of the largest frame behind its length word.
    pub max_length: usize,
    pub answers: PullAnswers,
    /// Bytes of a block of the log, and of a file of it.
    pub block: i64,
    pub segment: i64,
    /// Bytes that may lie between two records which are read together.
    pub gap: i64,
}

/// How the log is now, and what bounds a pull.
pub struct Here {
    pub log_start: i64,
    pub log_end: i64,
    /// From this offset on records count as in memory,
    pub memory_from: i64,
    /// and from this one on they are surely right.
    pub trusted_from: i64,
    pub max_bytes: i64,
    pub in_memory: Most,
    pub on_disk: Most,
    /// Units that are looked at, unless more messages are wanted.
    pub units: i64,
}

/// What one connection brought.
pub struct Input<'a> {
    pub data: &'a [u8],
    pub position: usize,
    pub stop: usize,
    /// Bytes of answers behind which no more pulls are taken.
    pub room: i64,
}

/// What the Python has checked for pulls of one kind.
pub struct Prepared<P> {
    pub plan: P,
    pub codes: Option<Vec<i64>>,
    /// The topic that the records name; `None`: it isn't known.
    pub topic: Option<Vec<u8>>,
    /// Queue ids are below this.
    pub queues: i32,
    /// Broker to pull from next, and the same for who lags behind.
    pub near: i64,
    pub far: i64,
    pub flags: (i64, i64),
}

/// Some units of a queue.
pub struct Units<B> {
    pub units: B,
    /// Offset of the queue's first message, and behind its last.
    pub low: i64,
    pub high: i64,
}

/// A pull that was answered.
pub struct Got<P> {
    pub plan: P,
    /// Which connection's.
    pub input: usize,
    pub queue_id: i32,
    pub count: usize,
    pub size: usize,
    pub next_offset: i64,
    pub commit: Option<i64>,
}

/// What the frames at the front of one input became.
pub struct Part {
    /// Pulls taken.
    pub count: usize,
    /// Where the first frame begins that was not taken.
    pub position: usize,
    pub answers: Range<usize>,
}

/// What the inputs of a call became.
pub struct Taken<P> {
    pub parts: Vec<Part>,
    pub got: Vec<Got<P>>,
}

/// What is asked of the Python; whatever it doesn't give makes a pull one that is not plain.
pub trait Broker {
    type Plan: Clone;
    type Bytes: AsRef<[u8]>;
    type Error;

    /// Return what is true of all pulls of this kind; its queue and offset don't matter.
    ///
    /// # Errors
    /// What ends the call.
    fn prepare(&self, code: i32, pull: &Pull) -> Result<Option<Prepared<Self::Plan>>, Self::Error>;

    /// Return up to `count` units of a queue from `offset` on.
    ///
    /// # Errors
    /// What ends the call.
    fn units(
        &self,
        plan: &Self::Plan,
        queue_id: i32,
        offset: i64,
        count: i64,
    ) -> Result<Option<Units<Self::Bytes>>, Self::Error>;

    /// Return bytes that hold a block of the log, of which `records` records are wanted now, and the offset
    /// of the first of them.
    ///
    /// # Errors
    /// What ends the call.
    fn block(&self, block: &Range<i64>, records: usize) -> Result<Option<(Self::Bytes, i64)>, Self::Error>;

    /// Return parts of the log.
    ///
    /// # Errors
    /// What ends the call.
    fn read(&self, parts: &[Range<i64>]) -> Result<Option<Vec<Self::Bytes>>, Self::Error>;
}

/// Take the plain pulls at the front of each input; their answers are appended to `out`.
///
/// # Errors
/// What ended the call; nothing counts of it then.
pub fn take<B: Broker>(
    settings: &Settings,
    inputs: &[Input],
    here: &Here,
    broker: &B,
    out: &mut Vec<u8>,
) -> Result<Taken<B::Plan>, B::Error> {
    let taken = Taken { parts: Vec::with_capacity(inputs.len()), got: Vec::new() };
    let mut run = Run { settings, here, broker, known: Vec::new(), blocks: RefCell::default(), taken };
    for (number, input) in inputs.iter().enumerate() {
        let mut part = Part { count: 0, position: input.position, answers: out.len()..out.len() };
        while part.position < input.stop && part.answers.len() as i64 <= input.room {
            let Some(end) = end_of_frame(input.data, part.position, settings.max_length) else {
                break;
            };
            let Some(got) = run.take_frame(content(input.data, part.position, end), number, out)? else {
                out.truncate(part.answers.end);
                break;
            };
            run.taken.got.push(got);
            part.count += 1;
            part.position = end;
            part.answers.end = out.len();
        }
        run.taken.parts.push(part);
    }
    Ok(run.taken)
}

/// A kind of pull that was asked about in this call.
struct Known<P> {
    code: i32,
    group: String,
    topic: String,
    sys_flag: i32,
    subscription: Option<String>,
    sub_version: Option<i64>,
    expression_type: Option<String>,
    prepared: Option<Prepared<P>>,
}

impl<P> Known<P> {
    fn is_of(&self, code: i32, pull: &Pull) -> bool {
        self.code == code
            && self.topic == pull.topic
            && self.group == pull.group
            && (self.sys_flag ^ pull.sys_flag) & OWN_SUBSCRIPTION == 0
            && self.subscription.as_deref() == pull.subscription
            && self.sub_version == pull.sub_version
            && self.expression_type.as_deref() == pull.expression_type
    }
}

/// A block of the log, and the bytes that hold it.
struct Block<T> {
    begin: i64,
    data: T,
    /// Offset of the first of the bytes.
    data_begin: i64,
}

impl<T: AsRef<[u8]>> Block<T> {
    /// Return what it has of `size` bytes of the log from `offset` on.
    fn cut(&self, offset: i64, size: usize) -> &[u8] {
        cut(self.data.as_ref(), offset - self.data_begin, size)
    }
}

struct Run<'a, B: Broker> {
    settings: &'a Settings,
    here: &'a Here,
    broker: &'a B,
    known: Vec<Known<B::Plan>>,
    /// Blocks of the log that were asked for: pulls of queues that were written in turn share them.
    blocks: RefCell<Vec<Block<B::Bytes>>>,
    taken: Taken<B::Plan>,
}

impl<B: Broker> Run<'_, B> {
    /// Answer one frame; `None` when it is not plain: what stands in `out` then is to be forgotten.
    fn take_frame(&mut self, frame: &[u8], input: usize, out: &mut Vec<u8>) -> Result<Option<Got<B::Plan>>, B::Error> {
        let settings = self.settings;
        if !header::peek_code(frame).is_some_and(|code| settings.codes.contains(&code)) {
            return Ok(None);
        }
        let Some((header, body)) = header::read(frame, &settings.languages) else {
            return Ok(None);
        };
        if header.flag != 0 || !settings.codes.contains(&header.code) || !body.is_empty() {
            return Ok(None);
        }
        let Some(pull) = pull_request::read(&header, &settings.names) else {
            return Ok(None);
        };
        let number = self.number_of(header.code, &pull)?;
        let Some(prepared) = &self.known[number].prepared else {
            return Ok(None);
        };
        if !(0..prepared.queues).contains(&pull.queue_id) {
            return Ok(None);
        }
        self.answer(prepared, &pull, (header.serialization, header.opaque), input, out)
    }

    /// Return the number that this kind of pull has in this call.
    fn number_of(&mut self, code: i32, pull: &Pull) -> Result<usize, B::Error> {
        if let Some(number) = self.known.iter().position(|known| known.is_of(code, pull)) {
            return Ok(number);
        }
        let prepared = self.broker.prepare(code, pull)?;
        self.known.push(Known {
            code,
            group: pull.group.to_owned(),
            topic: pull.topic.to_owned(),
            sys_flag: pull.sys_flag,
            subscription: pull.subscription.map(str::to_owned),
            sub_version: pull.sub_version,
            expression_type: pull.expression_type.map(str::to_owned),
            prepared,
        });
        Ok(self.known.len() - 1)
    }

    fn answer(
        &self,
        prepared: &Prepared<B::Plan>,
        pull: &Pull,
        asked: (Serialization, i32),
        input: usize,
        out: &mut Vec<u8>,
    ) -> Result<Option<Got<B::Plan>>, B::Error> {
        let here = self.here;
        let most = i64::from(pull.max_msg_nums);
        let budget = here.units.max(most);
        let wish = if prepared.codes.is_none() { (most.max(1) + 1).min(budget) } else { budget };
        let Some(units) = self.broker.units(&prepared.plan, pull.queue_id, pull.queue_offset, wish)? else {
            return Ok(None);
        };
        let limits = Limits {
            wanted: (here.max_bytes, most),
            memory_from: here.memory_from,
            in_memory: here.in_memory,
            on_disk: here.on_disk,
            log_start: here.log_start,
        };
        let Some(found) = scan(units.units.as_ref(), &limits, prepared.codes.as_deref()) else {
            return Ok(None);
        };
        let Some(lowest) = found.places.iter().map(|place| place.0).min() else {
            return Ok(None);
        };
        let mut queue = None;
        if lowest < here.trusted_from {
            let Some(topic) = &prepared.topic else {
                return Ok(None);
            };
            queue = Some(Queue { topic, queue_id: pull.queue_id, first: pull.queue_offset });
        }
        let size = found.places.iter().map(|place| place.1).sum();
        let next_offset = pull.queue_offset + found.looked as i64;
        let next_broker = if found.newest < here.memory_from { prepared.far } else { prepared.near };
        let (topic_flag, group_flag) = prepared.flags;
        let numbers = [next_broker, next_offset, units.low, units.high, topic_flag, group_flag];
        self.settings.answers.append(asked, &numbers, size, out);
        if !self.append_records(&found, queue.as_ref(), out)? {
            return Ok(None);
        }
        let commit = pull.commit_offset.filter(|_| pull.commits());
        let (plan, queue_id, count) = (prepared.plan.clone(), pull.queue_id, found.places.len());
        Ok(Some(Got { plan, input, queue_id, count, size, next_offset, commit }))
    }

    /// Append all records; tell whether they are there, and what they should be.
    fn append_records(&self, found: &Found, queue: Option<&Queue>, out: &mut Vec<u8>) -> Result<bool, B::Error> {
        let sources = self.sources(found)?;
        let alone: Vec<_> =
            found.places.iter().zip(&sources).filter(|(_, of)| of.is_none()).map(|(place, _)| *place).collect();
        let ranges = parts(&alone, self.settings.gap, self.settings.segment);
        let read = if ranges.is_empty() { Some(Vec::new()) } else { self.broker.read(&ranges)? };
        let Some(read) = read.filter(|read| read.len() == ranges.len()) else {
            return Ok(false);
        };
        let blocks = self.blocks.borrow();
        let mut part = 0;
        for ((&(offset, size), index), of) in found.places.iter().zip(&found.indexes).zip(&sources) {
            let record_at = out.len();
            if let Some((first, last)) = *of {
                out.extend_from_slice(blocks[first].cut(offset, size));
                let missing = size - (out.len() - record_at);
                out.extend_from_slice(blocks[last].cut(blocks[last].begin, missing));
            } else {
                while ranges.get(part).is_some_and(|range| range.end <= offset) {
                    part += 1;
                }
                let Some(range) = ranges.get(part) else {
                    return Ok(false);
                };
                out.extend_from_slice(cut(read[part].as_ref(), offset - range.start, size));
            }
            let record = &out[record_at..];
            if record.len() != size || queue.is_some_and(|queue| !is_right(record, (offset, size), queue, *index)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Say which block each record begins in and which it ends in; `None`: it is to be read by itself.
    fn sources(&self, found: &Found) -> Result<Vec<Option<(usize, usize)>>, B::Error> {
        let mut sources = Vec::with_capacity(found.places.len());
        let (mut block, mut number, mut records) = (0..0, None, 0);
        for (place, &(offset, size)) in found.places.iter().enumerate() {
            if !block.contains(&offset) {
                block = self.block_of(offset);
                records = found.places[place..].iter().take_while(|other| block.contains(&other.0)).count();
                number = self.number_of_block(&block, records)?;
            }
            let end = offset.saturating_add(size as i64);
            let last = if number.is_none() || end <= block.end {
                number
            } else {
                let next = self.block_of(block.end);
                let goes_on = end <= next.end && block.end % self.settings.segment != 0;
                if goes_on { self.number_of_block(&next, records)? } else { None }
            };
            sources.push(number.zip(last));
        }
        Ok(sources)
    }

    /// Return the number that a block has in this call; `None` when it is not to be had.
    fn number_of_block(&self, block: &Range<i64>, records: usize) -> Result<Option<usize>, B::Error> {
        let known = self.blocks.borrow().iter().position(|known| known.begin == block.start);
        if known.is_some() || block.start < self.here.log_start || block.end > self.here.log_end {
            return Ok(known);
        }
        let data = self.broker.block(block, records)?;
        let mut blocks = self.blocks.borrow_mut();
        Ok(data.map(|(data, data_begin)| {
            blocks.push(Block { begin: block.start, data, data_begin });
            blocks.len() - 1
        }))
    }

    fn block_of(&self, offset: i64) -> Range<i64> {
        let (size, segment) = (self.settings.block, self.settings.segment);
        let base = offset - offset.rem_euclid(segment);
        let begin = base + (offset - base) / size * size;
        begin..begin.saturating_add(size).min(base.saturating_add(segment))
    }
}

/// Return what `data` has of the `size` bytes at `at`.
fn cut(data: &[u8], at: i64, size: usize) -> &[u8] {
    let rest = usize::try_from(at).ok().and_then(|at| data.get(at..)).unwrap_or_default();
    &rest[..size.min(rest.len())]
}

#[cfg(test)]
mod tests;
