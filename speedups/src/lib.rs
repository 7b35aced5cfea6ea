//! The native lane of rmqwire: what the Python does for each plain send, done for a whole buffer.
//!
//! A frame is *plain* when its header, its fields and its properties are all of sets that are known
//! to be harmless. Everything else is handed back untouched, and the Python, which is complete and
//! the reference, answers it. So nothing here ever refuses a request or decides anything: it is the
//! Python's bytes, made faster.
//!
//! ```text
//! frame.rs       where frames begin and end
//! header.rs      both serialisations of a command's header -> code, flag, opaque, fields
//! json.rs        the texts and numbers of JSON, in the only spelling Java writes
//! send.rs        the fields of a send, checked
//! batch.rs       the messages in the body of a batch send
//! properties.rs  the property string, in the order that the Python planned; the tags' hash
//! record.rs      the commit log record and the consume queue unit
//! answer.rs      the answer's frame
//! lane.rs        all of it, for the frames at the front of a buffer
//! keys.rs        the keys of stored records, for the index
//! index.rs       those keys -> entries of an index file and its slots
//! dispatch.rs    stored records -> units of consume queues
//! pull_request.rs  the fields of a pull, checked
//! pull.rs        units of a consume queue -> the records that a pull gets
//! heads.rs       records of a pull's answer, as far as a consumer looks at them
//! pull_answer.rs the frame of a pull's answer
//! pull_lane.rs   all of it, for the pulls at the front of buffers
//! read_ahead.rs  a thread that reads parts of files before somebody wants them
//! client_send.rs  the frames of a client's sends, and the bodies of its batches
//! client_answers.rs  what a client is answered to its sends
//! queue_tail.rs  the newest units of a queue, and what a pass brings many queues
//! python.rs      the module that Python imports, with python_pulls.rs, python_reads.rs and python_client.rs
//! ```
#![forbid(unsafe_code)]

pub mod answer;
pub mod batch;
pub mod client_answers;
pub mod client_send;
pub mod dispatch;
pub mod frame;
pub mod header;
pub mod heads;
pub mod index;
pub mod json;
pub mod keys;
pub mod lane;
pub mod properties;
pub mod pull;
pub mod pull_answer;
pub mod pull_lane;
pub mod pull_request;
#[cfg(feature = "python")]
mod python;
#[cfg(feature = "python")]
mod python_client;
#[cfg(feature = "python")]
mod python_pulls;
#[cfg(feature = "python")]
mod python_reads;
#[cfg(feature = "python")]
mod queue_tail;
pub mod read_ahead;
pub mod record;
pub mod send;
