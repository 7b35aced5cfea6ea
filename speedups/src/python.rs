//! The module that Python imports: `rmqwire_speedups`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use pyo3::exceptions::{PyIndexError, PyRuntimeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::answer::{Answers, pieces};
use crate::dispatch::{self, Queues as DispatchQueues, Range};
use crate::heads;
use crate::index;
use crate::keys::{self, Key};
use crate::lane::{Broker, Here, Input, Places, Settings, take};
use crate::properties::{Plan, Plans};
use crate::queue_tail::{Brought, QueueTail};
use crate::send::{KNOWN, Names};

/// What the two sides agree on; a module of another version is not used.
const VERSION: u32 = 19;

/// What stays the same for one broker, read from the attributes of a Python object.
#[derive(FromPyObject)]
struct PySettings {
    codes: Vec<(i32, Vec<String>)>,
    languages: Vec<String>,
    harmless_sys_flag: i32,
    max_frame: usize,
    max_body: usize,
    store_host: Vec<u8>,
    host_id: String,
    ours: Vec<String>,
    trailing_separator: bool,
    takes_batches: bool,
    answer_json: String,
    answer_json_with_key: String,
    answer_tail: Vec<u8>,
    answer_language: u8,
    answer_version: u16,
    answers_key: bool,
}

pub fn bytes(texts: Vec<String>) -> Vec<Vec<u8>> {
    texts.into_iter().map(String::into_bytes).collect()
}

impl From<PySettings> for Settings {
    fn from(settings: PySettings) -> Self {
        Settings {
            codes: settings
                .codes
                .into_iter()
                .map(|(code, fields)| Names { code, fields: bytes(fields) })
                .collect(),
            languages: bytes(settings.languages),
            harmless: settings.harmless_sys_flag,
            max_length: settings.max_frame.saturating_sub(4),
            max_body: settings.max_body,
            store_host: settings.store_host,
            host_id: settings.host_id,
            ours: bytes(settings.ours),
            trailing: settings.trailing_separator,
            batches: settings.takes_batches,
            answers: Answers {
                json: pieces(settings.answer_json.as_bytes()),
                json_with_key: pieces(settings.answer_json_with_key.as_bytes()),
                tail: settings.answer_tail,
                language: settings.answer_language,
                version: settings.answer_version,
                has_key: settings.answers_key,
            },
        }
    }
}

/// The Python's half: two callables.
struct Callables<'a, 'py> {
    py: Python<'py>,
    place: &'a Py<PyAny>,
    plan: &'a Py<PyAny>,
}

type PlanAnswer = Option<(Vec<usize>, isize, isize, isize)>;

impl Broker for Callables<'_, '_> {
    type Queue = Py<QueueTail>;
    type Error = PyErr;

    fn place(&self, topic: &str, queue_id: i32) -> PyResult<Option<Py<QueueTail>>> {
        Ok(self.place.bind(self.py).call1((topic, queue_id))?.extract()?)
    }

    fn begin(&self, queue: &Py<QueueTail>) -> PyResult<(Py<QueueTail>, i64)> {
        Ok((queue.clone_ref(self.py), queue.borrow(self.py).next_offset()))
    }

    fn plan(&self, names: Vec<&str>) -> PyResult<Option<Plan>> {
        let answer: PlanAnswer = self.plan.bind(self.py).call1((names,))?.extract()?;
        let index = |number: isize| usize::try_from(number).ok();
        Ok(answer.map(|(pick, tags, unique, wait)| Plan {
            pick,
            tags: index(tags),
            unique: index(unique),
            wait: index(wait),
        }))
    }
}

/// The lane of one broker's sends; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups")]
struct Sends {
    settings: Settings,
    plans: Plans,
    places: Places<Py<QueueTail>>,
    place: Py<PyAny>,
    plan: Py<PyAny>,
}

type Part<'py> = (usize, usize, usize, Bound<'py, PyBytes>);
type Run<'py> = (Vec<Part<'py>>, Bound<'py, PyBytes>, usize, (usize, usize), Option<Brought>);
type Inputs<'py> = Vec<(Bound<'py, PyAny>, Bound<'py, PyBytes>, usize)>;

#[pymethods]
impl Sends {
    #[new]
    fn new(settings: PySettings, place: Py<PyAny>, plan: Py<PyAny>) -> PyResult<Self> {
        if settings.codes.iter().any(|(_, fields)| fields.len() < KNOWN) {
            return Err(PyRuntimeError::new_err("too few field names"));
        }
        Ok(Sends { settings: settings.into(), plans: Plans::default(), places: Places::default(), place, plan })
    }

    #[pyo3(signature = (inputs, log_end, room, store_timestamp, places_version, /))]
    fn take<'py>(
        &mut self,
        py: Python<'py>,
        inputs: Inputs<'py>,
        log_end: i64,
        room: usize,
        store_timestamp: i64,
        places_version: u64,
    ) -> PyResult<Run<'py>> {
        let here = Here { log_end, room, store_timestamp, places_version };
        let callables = Callables { py, place: &self.place, plan: &self.plan };
        let (settings, plans, places) = (&self.settings, &mut self.plans, &mut self.places);
        let host = |(peer, _, _): &(Bound<'py, PyAny>, _, _)| {
            Ok(peer.getattr(intern!(py, "peer_host"))?.cast_into::<PyBytes>()?)
        };
        let hosts = inputs.iter().map(host).collect::<PyResult<Vec<_>>>()?;
        let inputs: Vec<Input> = inputs
            .iter()
            .zip(&hosts)
            .map(|((_, data, position), host)| Input { data: data.as_bytes(), position: *position, born_host: host.as_bytes() })
            .collect();
        let taken = guard(|| take(settings, plans, places, &inputs, &here, &callables))?;
        let counts = (taken.messages, taken.parts.iter().map(|part| part.count).sum());
        let parts = taken
            .parts
            .into_iter()
            .map(|part| (part.count, part.position, part.stop, PyBytes::new(py, &part.answers)))
            .collect();
        let brought = (!taken.queues.is_empty()).then(|| Brought::of(taken.queues));
        Ok((parts, PyBytes::new(py, &taken.records), taken.last_size, counts, brought))
    }
}

/// Turn a panic into an error, which ends one connection; nothing has been stored by then.
pub fn guard<T>(work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(PyRuntimeError::new_err("the native lane panicked")))
}

/// Two more callables: those of a walk over records.
struct QueueCallables<'a, 'py> {
    find: &'a Bound<'py, PyAny>,
    has: &'a Bound<'py, PyAny>,
}

impl DispatchQueues for QueueCallables<'_, '_> {
    type Queue = Py<PyAny>;
    type Error = PyErr;

    fn find(&self, topic: &[u8], queue_id: i32, place: i64) -> PyResult<Option<(Py<PyAny>, i64)>> {
        self.find.call1((PyBytes::new(self.find.py(), topic), queue_id, place))?.extract()
    }

    fn has(&self, queue: &Py<PyAny>, offset: i64, place: i64, size: usize) -> PyResult<bool> {
        self.has.call1((queue, offset, place, size))?.extract()
    }
}

type Units<'py> = Vec<(Py<PyAny>, i64, Bound<'py, PyBytes>, Vec<i32>)>;

/// Collect the units of the records in a part of the log.
#[pyfunction]
#[pyo3(signature = (data, position, stop, base, appends_from, check_crc, find, has, /))]
#[allow(clippy::too_many_arguments)]
fn walk_units<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyBytes>,
    position: usize,
    stop: usize,
    base: i64,
    appends_from: i64,
    check_crc: bool,
    find: &Bound<'py, PyAny>,
    has: &Bound<'py, PyAny>,
) -> PyResult<(usize, usize, usize, i64, Units<'py>)> {
    let range = Range { position, stop, base, appends_from, check_crc };
    let queues = QueueCallables { find, has };
    let found = guard(|| dispatch::walk(data.as_bytes(), &range, &queues))?;
    let units = found
        .queues
        .into_iter()
        .map(|one| (one.queue, one.next_offset, PyBytes::new(py, &one.units), one.codes))
        .collect();
    Ok((found.position, found.count, found.last_size, found.last_stored, units))
}

/// The keys of records; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups", frozen)]
struct Keys {
    keys: Vec<Key>,
}

#[pymethods]
impl Keys {
    fn __len__(&self) -> usize {
        self.keys.len()
    }

    fn __getitem__(&self, at: usize) -> PyResult<Key> {
        self.keys.get(at).copied().ok_or_else(|| PyIndexError::new_err("no such key"))
    }
}

/// Keys of ``walk_keys``, or others.
#[derive(FromPyObject)]
enum SomeKeys<'py> {
    Walked(Bound<'py, Keys>),
    Given(Vec<Key>),
}

/// Hash the keys of the records in a part of the log; other threads may run meanwhile.
#[pyfunction]
#[pyo3(signature = (data, position, base, most, tags, /))]
fn walk_keys(
    py: Python<'_>,
    data: &Bound<'_, PyBytes>,
    position: usize,
    base: i64,
    most: usize,
    tags: bool,
) -> PyResult<(Keys, usize, usize)> {
    let data = data.as_bytes();
    let found = py.detach(|| guard(|| Ok(keys::walk(data, position, base, most, tags))))?;
    Ok((Keys { keys: found.keys }, found.position, found.count))
}

/// The slots of an index file; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups", frozen)]
struct Slots {
    slots: Mutex<index::Slots>,
}

impl Slots {
    /// Do something with the slots while other threads may run.
    fn with<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut index::Slots) -> T + Send) -> PyResult<T> {
        py.detach(|| {
            guard(|| {
                let locked = self.slots.lock();
                let mut slots = locked.map_err(|_| PyRuntimeError::new_err("the slots were left by a panic"))?;
                Ok(work(&mut slots))
            })
        })
    }
}

#[pymethods]
impl Slots {
    #[new]
    #[pyo3(signature = (slot_num, empty, /))]
    fn new(slot_num: usize, empty: bool) -> Self {
        Slots { slots: Mutex::new(index::Slots::new(slot_num, empty)) }
    }

    fn get(&self, py: Python<'_>, slot: usize) -> PyResult<Option<i32>> {
        self.with(py, |slots| slots.get(slot))
    }

    fn load(&self, py: Python<'_>, page: usize, data: &[u8]) -> PyResult<()> {
        self.with(py, |slots| slots.load(page, data))
    }

    fn changed_run<'py>(&self, py: Python<'py>, page: usize) -> PyResult<Option<(usize, Bound<'py, PyBytes>)>> {
        let run = self.with(py, |slots| slots.changed_run(page))?;
        Ok(run.map(|(page, data)| (page, PyBytes::new(py, &data))))
    }

    fn written(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |slots| slots.written())
    }

    #[pyo3(signature = (keys, first, stop, number, begin, /))]
    fn append<'py>(
        &self,
        py: Python<'py>,
        keys: SomeKeys<'py>,
        first: usize,
        stop: usize,
        number: i32,
        begin: i64,
    ) -> PyResult<(Bound<'py, PyBytes>, usize, i64)> {
        let keys = match &keys {
            SomeKeys::Walked(keys) => &keys.get().keys,
            SomeKeys::Given(keys) => keys,
        };
        let keys = keys.get(first..stop).ok_or_else(|| PyIndexError::new_err("no such keys"))?;
        let done = self.with(py, |slots| slots.append(keys, number, begin))?;
        let missing = done.missing.map_or(-1, |page| page as i64);
        Ok((PyBytes::new(py, &done.entries), done.fresh, missing))
    }
}

/// Read the records of a pull's answer as far as a consumer looks at them; `None` where one is damaged.
#[pyfunction]
#[pyo3(signature = (data, broker_name, min_offset, max_offset, /))]
fn record_heads<'py>(
    data: &Bound<'py, PyBytes>,
    broker_name: &Bound<'py, PyAny>,
    min_offset: &Bound<'py, PyAny>,
    max_offset: &Bound<'py, PyAny>,
) -> PyResult<Option<(Bound<'py, PyList>, i32, i64)>> {
    let py = data.py();
    guard(|| {
        let found = PyList::empty(py);
        let (mut flags, mut lowest) = (0, i64::MAX);
        let mut left = data.as_bytes();
        let mut topic: Option<(&[u8], Bound<'py, PyString>)> = None;
        while !left.is_empty() {
            let Some(head) = heads::read(left) else {
                return Ok(None);
            };
            if topic.as_ref().is_none_or(|(raw, _)| *raw != head.topic) {
                let Ok(text) = std::str::from_utf8(head.topic) else {
                    return Ok(None);
                };
                topic = Some((head.topic, PyString::new(py, text)));
            }
            let Some((_, text)) = &topic else {
                return Ok(None);
            };
            flags |= head.sys_flag;
            lowest = lowest.min(head.queue_offset);
            found.append((
                text,
                PyBytes::new(py, head.body),
                head.queue_offset,
                head.sys_flag,
                head.reconsume_times,
                head.queue_id,
                head.properties_at,
                PyBytes::new(py, head.record),
                broker_name,
                min_offset,
                max_offset,
            ))?;
            left = &left[head.record.len()..];
        }
        Ok(Some((found, flags, lowest)))
    })
}

/// Panic, for the test that a panic ends one connection only.
#[pyfunction]
fn panic_for_a_test() -> PyResult<()> {
    guard(|| panic!("a test asked for it"))
}

#[pymodule]
mod rmqwire_speedups {
    #[pymodule_export]
    use super::{Keys, Sends, Slots};

    #[pymodule_export]
    use crate::queue_tail::{Brought, QueueTail};

    #[pymodule_export]
    use crate::python_client::{BatchForm, SendAnswers, SendForm};

    #[pymodule_export]
    use crate::python_pulls::{Pulled, Pulls, scan_units};

    #[pymodule_export]
    use crate::python_reads::{Read, ReadAhead, Stretch};

    #[pymodule_export]
    use super::{panic_for_a_test, record_heads, walk_keys, walk_units};

    #[pymodule_export]
    const VERSION: u32 = super::VERSION;
}
