//! What of a consume queue changes with each message, and what one pass of sends brings many queues.
//!
//! With thousands of topics a pass has a queue for each send, and what is kept of these lies in no cache:
//! so it is in one place for each queue, and no Python object is made or looked at for it.

use std::borrow::Cow;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::lane::Units;

const UNIT: usize = 20;

/// The newest units of a queue and the offset of its next message; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups")]
pub struct QueueTail {
    /// What Python calls the queue; none once the collector of garbage has cleared it.
    queue: Option<Py<PyAny>>,
    #[pyo3(get, set)]
    next_offset: i64,
    /// Where in the queue the first unit in memory lies, in bytes.
    #[pyo3(get)]
    start: i64,
    #[pyo3(get, set)]
    is_unwritten: bool,
    units: Vec<u8>,
    counts: Counts,
}

/// What was stored since the last `take_counts`.
#[derive(Clone, Copy, Default)]
struct Counts {
    messages: u64,
    size: u64,
    sends: u64,
    ms: i64,
}

impl QueueTail {
    /// Where a position of the queue lies in the units, none before the first or behind the last.
    fn at(&self, position: i64) -> usize {
        usize::try_from(position - self.start).unwrap_or(0).min(self.units.len())
    }

    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    fn queue(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.queue.as_ref().map(|queue| queue.clone_ref(py))
    }
}

#[pymethods]
impl QueueTail {
    #[new]
    #[pyo3(signature = (queue, /))]
    fn new(queue: Py<PyAny>) -> Self {
        let (units, counts) = (Vec::new(), Counts::default());
        QueueTail { queue: Some(queue), next_offset: 0, start: 0, is_unwritten: false, units, counts }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.queue.as_ref().map_or(Ok(()), |queue| visit.call(queue))
    }

    fn __clear__(&mut self) {
        self.queue = None;
    }

    fn __len__(&self) -> usize {
        self.units.len()
    }

    #[getter]
    fn end(&self) -> i64 {
        self.start + self.units.len() as i64
    }

    #[pyo3(signature = (position, /))]
    fn restart(&mut self, position: i64) {
        self.start = position;
        self.units.clear();
    }

    #[pyo3(signature = (units, /))]
    fn append(&mut self, units: Cow<[u8]>) {
        self.units.extend_from_slice(&units);
    }

    #[pyo3(signature = (begin, stop, /))]
    fn read<'py>(&self, py: Python<'py>, begin: i64, stop: i64) -> Bound<'py, PyBytes> {
        let (begin, stop) = (self.at(begin), self.at(stop));
        PyBytes::new(py, self.units.get(begin..stop).unwrap_or_default())
    }

    #[pyo3(signature = (most, /))]
    fn shorten(&mut self, most: usize) {
        let surplus = self.units.len().saturating_sub(most);
        self.units.drain(..surplus);
        self.units.shrink_to(2 * most);
        self.start += surplus as i64;
    }

    #[pyo3(signature = (position, /))]
    fn cut(&mut self, position: i64) {
        if position < self.start {
            self.restart(position);
        } else {
            self.units.truncate(self.at(position));
        }
    }

    fn take_counts(&mut self) -> (u64, u64, u64, i64) {
        let Counts { messages, size, sends, ms } = std::mem::take(&mut self.counts);
        (messages, size, sends, ms)
    }
}

/// What a pass brings its queues; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups")]
pub struct Brought {
    rows: Vec<Units<Py<QueueTail>>>,
}

type PyRow = (Py<QueueTail>, i64, Vec<u8>, usize, usize);

impl Brought {
    pub fn of(rows: Vec<Units<Py<QueueTail>>>) -> Brought {
        Brought { rows }
    }
}

#[pymethods]
impl Brought {
    #[new]
    #[pyo3(signature = (rows, /))]
    fn new(rows: Vec<PyRow>) -> Self {
        let row = |(queue, next_offset, units, size, sends)| Units { queue, next_offset, units, size, sends };
        Brought { rows: rows.into_iter().map(row).collect() }
    }

    fn take_offsets(&self, py: Python<'_>) {
        for row in &self.rows {
            row.queue.borrow_mut(py).next_offset = row.next_offset;
        }
    }

    fn give_back(&self, py: Python<'_>) {
        for row in &self.rows {
            row.queue.borrow_mut(py).next_offset -= (row.units.len() / UNIT) as i64;
        }
    }

    fn units<'py>(&self, py: Python<'py>) -> Vec<(Py<PyAny>, Bound<'py, PyBytes>)> {
        let pair = |row: &Units<Py<QueueTail>>| Some((row.queue.borrow(py).queue(py)?, PyBytes::new(py, &row.units)));
        self.rows.iter().filter_map(pair).collect()
    }

    #[pyo3(signature = (limit, /))]
    fn dispatch(&self, py: Python<'_>, limit: usize) -> (Vec<Py<PyAny>>, Vec<Py<PyAny>>) {
        let (mut unwritten, mut long) = (Vec::new(), Vec::new());
        for row in &self.rows {
            let mut tail = row.queue.borrow_mut(py);
            tail.units.extend_from_slice(&row.units);
            if !std::mem::replace(&mut tail.is_unwritten, true) {
                unwritten.extend(tail.queue(py));
            }
            if tail.units.len() > limit {
                long.extend(tail.queue(py));
            }
        }
        (unwritten, long)
    }

    #[pyo3(signature = (elapsed_ms, /))]
    fn count(&self, py: Python<'_>, elapsed_ms: i64) -> Vec<Py<PyAny>> {
        let mut first = Vec::new();
        for row in &self.rows {
            let mut tail = row.queue.borrow_mut(py);
            if tail.counts.messages == 0 {
                first.extend(tail.queue(py));
            }
            let counts = &mut tail.counts;
            counts.messages += (row.units.len() / UNIT) as u64;
            counts.size += row.size as u64;
            counts.sends += row.sends as u64;
            counts.ms += elapsed_ms * row.sends as i64;
        }
        first
    }
}
