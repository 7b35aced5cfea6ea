//! A thread that reads parts of files before somebody wants them.
//!
//! It needs nothing of the Python, so it reads while the loop answers. Who wants what it hasn't come to reads that
//! by himself. It opens the files, so nobody waits for it before one is closed, cut or removed: whose file became
//! another one meanwhile forgets what was begun, and has the thread forget its file.

use std::fs::File;
use std::io::{Read as _, Seek, SeekFrom};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A file stays open so long behind its last read.
const KEPT: Duration = Duration::from_millis(500);
/// Buffers that are kept for the next reads.
const SPARE: usize = 4;

/// Buffers that are used again: memory that nobody has touched yet costs more than what is read into it.
///
/// Nobody waits for another one here: who can't have the list at once does without.
#[derive(Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    /// Return a buffer of at least `size` bytes; `None` when there is no memory.
    fn get(&self, size: usize) -> Option<Vec<u8>> {
        if let Ok(mut spare) = self.0.try_lock()
            && let Some(number) = spare.iter().position(|buffer| buffer.len() >= size)
        {
            return Some(spare.swap_remove(number));
        }
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(size).ok()?;
        buffer.resize(size, 0);
        Some(buffer)
    }

    fn give_back(&self, buffer: Vec<u8>) {
        if let Ok(mut spare) = self.0.try_lock()
            && spare.len() < SPARE
            && !buffer.is_empty()
        {
            spare.push(buffer);
        }
    }

    fn clear(&self) {
        if let Ok(mut spare) = self.0.try_lock() {
            spare.clear();
        }
    }
}

/// What was read; its buffer goes back when it is dropped.
#[derive(Default)]
pub struct Stretch {
    buffer: Vec<u8>,
    size: usize,
    spare: Arc<Spare>,
}

impl AsRef<[u8]> for Stretch {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.size]
    }
}

impl Drop for Stretch {
    fn drop(&mut self) {
        self.spare.give_back(std::mem::take(&mut self.buffer));
    }
}

/// The file of the last read, open for the next.
#[derive(Default)]
struct Open(Option<(PathBuf, File)>);

impl Open {
    /// Read; `None` when not all of it is there, or the disk failed.
    fn read(&mut self, part: &Part) -> Option<Stretch> {
        let mut file = match self.0.take() {
            Some((path, file)) if path == part.path => file,
            _ => File::open(&part.path).ok()?,
        };
        let mut stretch = Stretch { buffer: part.spare.get(part.size)?, size: part.size, spare: part.spare.clone() };
        let place = SeekFrom::Start(part.offset); // clients use this crate on systems without pread, too
        let read = file.seek(place).and_then(|_| file.read_exact(&mut stretch.buffer[..part.size]));
        self.0 = Some((part.path.clone(), file));
        read.is_ok().then_some(stretch)
    }
}

/// A part of a file, read by whoever claims it.
struct Part {
    path: PathBuf,
    size: usize,
    offset: u64,
    spare: Arc<Spare>,
    claimed: AtomicBool,
}

impl Part {
    /// Return true to who asks first.
    fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::AcqRel)
    }
}

/// What the thread is told.
enum Call {
    Read(Arc<Part>, Sender<Stretch>),
    Forget,
}

/// A read that was begun.
pub struct Read {
    part: Arc<Part>,
    found: Mutex<Receiver<Stretch>>,
    process: u32,
}

impl Read {
    /// Return what was read, if it is there already.
    pub fn ready(&self) -> Option<Stretch> {
        self.found.try_lock().ok()?.try_recv().ok()
    }

    /// Return what was read, once: it is waited for while the thread reads it, and read now if that hasn't come
    /// to it. `None` when it isn't there, or the disk failed.
    pub fn take(&self) -> Option<Stretch> {
        if self.part.claim() {
            return Open::default().read(&self.part);
        }
        if self.process != process::id() {
            return None; // the thread is the parent's
        }
        self.found.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
    }
}

struct Running {
    calls: Sender<Call>,
    thread: JoinHandle<()>,
    process: u32,
}

/// The thread; it is started by the first read.
#[derive(Default)]
pub struct ReadAhead {
    spare: Arc<Spare>,
    ended: Arc<AtomicBool>,
    running: Option<Running>,
}

impl ReadAhead {
    /// Have `size` bytes at `offset` read.
    pub fn begin(&mut self, path: PathBuf, size: usize, offset: u64) -> Read {
        let part = Arc::new(Part { path, size, offset, spare: self.spare.clone(), claimed: AtomicBool::new(false) });
        let (sender, found) = channel();
        self.call(Call::Read(part.clone(), sender));
        Read { part, found: Mutex::new(found), process: process::id() }
    }

    /// Open files anew for what is begun from now on: they may be others.
    pub fn forget(&mut self) {
        if self.running.is_some() {
            self.call(Call::Forget);
        }
    }

    /// Take no more reads; return the thread, which ends behind the one that it is making.
    pub fn end(&mut self) -> Option<JoinHandle<()>> {
        self.ended.store(true, Ordering::Release);
        self.running.take().filter(|running| running.process == process::id()).map(|running| running.thread)
    }

    /// Tell the thread; where there is none, what was to be read is read by who wants it.
    fn call(&mut self, call: Call) {
        if self.running.is_none() && !self.ended.load(Ordering::Acquire) {
            self.running = start(self.ended.clone(), self.spare.clone());
        }
        if let Some(running) = &self.running
            && running.process == process::id()
        {
            let _ = running.calls.send(call); // a thread that panicked takes none any more
        }
    }
}

/// Start the thread; `None` when the process may have no more.
fn start(ended: Arc<AtomicBool>, spare: Arc<Spare>) -> Option<Running> {
    let (calls, told) = channel();
    let thread = thread::Builder::new().name("rmqwire-read".into()).spawn(move || run(&told, &ended, &spare)).ok()?;
    Some(Running { calls, thread, process: process::id() })
}

fn run(told: &Receiver<Call>, ended: &AtomicBool, spare: &Spare) {
    let mut open = Open::default();
    loop {
        let call = match &open.0 {
            Some(_) => told.recv_timeout(KEPT),
            None => told.recv().map_err(RecvTimeoutError::from),
        };
        if ended.load(Ordering::Acquire) {
            return;
        }
        match call {
            Ok(Call::Read(part, found)) if part.claim() => {
                if let Some(stretch) = open.read(&part) {
                    let _ = found.send(stretch); // nobody may want it any more
                }
            }
            Ok(Call::Read(..)) => {}
            Ok(Call::Forget) => open = Open::default(),
            Err(RecvTimeoutError::Timeout) => {
                open = Open::default();
                spare.clear();
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests;
