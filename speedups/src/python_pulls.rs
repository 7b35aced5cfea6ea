//! The part of the module that Python imports which is about pulls.

use std::ops::Range;

use pyo3::exceptions::{PyException, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::answer::pieces;
use crate::pull::{self, Found, Limits, Most, Queue};
use crate::pull_answer::PullAnswers;
use crate::python::{bytes, guard};
use crate::python_reads::Stretch;
use crate::{pull_lane, pull_request};

/// What stays the same for one broker's pulls, read from the attributes of a Python object.
#[derive(FromPyObject)]
struct PyPullSettings {
    codes: Vec<i32>,
    names: Vec<String>,
    languages: Vec<String>,
    max_frame: usize,
    block: i64,
    segment: i64,
    gap: i64,
    answer_json: String,
    answer_json_order: Vec<usize>,
    answer_fields: Vec<(String, usize)>,
    answer_language: u8,
    answer_version: u16,
}

impl From<PyPullSettings> for pull_lane::Settings {
    fn from(settings: PyPullSettings) -> Self {
        let fields = settings.answer_fields.into_iter().map(|(name, index)| (name.into_bytes(), index));
        pull_lane::Settings {
            codes: settings.codes,
            names: bytes(settings.names),
            languages: bytes(settings.languages),
            max_length: settings.max_frame.saturating_sub(4),
            answers: PullAnswers {
                json: pieces(settings.answer_json.as_bytes()),
                json_order: settings.answer_json_order,
                fields: fields.collect(),
                language: settings.answer_language,
                version: settings.answer_version,
            },
            block: settings.block.max(1),
            segment: settings.segment.max(1),
            gap: settings.gap,
        }
    }
}

/// Bytes that the Python gave: its own, or what was read ahead.
#[derive(FromPyObject)]
enum Lent<'py> {
    Bytes(Bound<'py, PyBytes>),
    Stretch(Bound<'py, Stretch>),
}

impl AsRef<[u8]> for Lent<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Lent::Bytes(data) => data.as_bytes(),
            Lent::Stretch(data) => data.get().as_ref(),
        }
    }
}

/// The Python's half of the pulls: four callables.
struct PullCallables<'a, 'py> {
    prepare: &'a Bound<'py, PyAny>,
    units: &'a Bound<'py, PyAny>,
    block: &'a Bound<'py, PyAny>,
    read: &'a Bound<'py, PyAny>,
}

/// Turn what a callable raised into nothing: the pull goes to the Python, which meets it again and answers.
fn given<T>(outcome: PyResult<Option<T>>, py: Python) -> PyResult<Option<T>> {
    match outcome {
        Err(error) if error.is_instance_of::<PyException>(py) => Ok(None),
        outcome => outcome,
    }
}

type PreparedAnswer<'py> =
    Option<(Py<PyAny>, Option<Vec<i64>>, Option<Bound<'py, PyBytes>>, i32, i64, i64, i64, i64)>;
type UnitsAnswer<'py> = Option<(Lent<'py>, i64, i64)>;

impl<'py> pull_lane::Broker for PullCallables<'_, 'py> {
    type Plan = Bound<'py, PyAny>;
    type Bytes = Lent<'py>;
    type Error = PyErr;

    fn prepare(&self, code: i32, pull: &pull_request::Pull) -> PyResult<Option<pull_lane::Prepared<Bound<'py, PyAny>>>> {
        let py = self.prepare.py();
        let own = pull.sys_flag & pull_request::OWN_SUBSCRIPTION;
        let asked =
            (code, pull.group, pull.topic, own, pull.subscription, pull.sub_version, pull.expression_type);
        let answer = self.prepare.call1(asked).and_then(|answer| answer.extract::<PreparedAnswer>());
        Ok(given(answer, py)?.map(|(plan, codes, topic, queues, near, far, topic_flag, group_flag)| {
            let topic = topic.map(|topic| topic.as_bytes().to_vec());
            let (plan, flags) = (plan.into_bound(py), (topic_flag, group_flag));
            pull_lane::Prepared { plan, codes, topic, queues, near, far, flags }
        }))
    }

    fn units(
        &self,
        plan: &Bound<'py, PyAny>,
        queue_id: i32,
        offset: i64,
        count: i64,
    ) -> PyResult<Option<pull_lane::Units<Lent<'py>>>> {
        let answer = self.units.call1((plan, queue_id, offset, count));
        let answer = answer.and_then(|answer| answer.extract::<UnitsAnswer>());
        let found = given(answer, self.units.py())?;
        Ok(found.map(|(units, low, high)| pull_lane::Units { units, low, high }))
    }

    fn block(&self, block: &Range<i64>, records: usize) -> PyResult<Option<(Lent<'py>, i64)>> {
        let answer = self.block.call1((block.start, block.end, records));
        let answer = answer.and_then(|answer| answer.extract::<Option<(Lent<'py>, i64)>>());
        given(answer, self.block.py())
    }

    fn read(&self, parts: &[Range<i64>]) -> PyResult<Option<Vec<Lent<'py>>>> {
        let ranges: Vec<(i64, i64)> = parts.iter().map(|part| (part.start, part.end - part.start)).collect();
        let answer = self.read.call1((ranges,));
        let answer = answer.and_then(|answer| answer.extract::<Vec<Lent<'py>>>()).map(Some);
        given(answer, self.read.py())
    }
}

/// The lane of one broker's pulls; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups")]
pub struct Pulls {
    settings: pull_lane::Settings,
    prepare: Py<PyAny>,
    units: Py<PyAny>,
    block: Py<PyAny>,
    read: Py<PyAny>,
    /// Kept for its room.
    answers: Vec<u8>,
}

/// Bytes of room for answers that are kept from one call to the next.
const KEPT: usize = 1 << 20;

type PullInputs<'py> = Vec<(Bound<'py, PyBytes>, usize, usize, i64)>;
type HereNow = (i64, i64, i64, i64, i64, Most, Most, i64);
type PullPart<'py> = (usize, usize, Bound<'py, PyBytes>);
type PyGot<'py> = (Bound<'py, PyAny>, usize, i32, usize, usize, i64, Option<i64>);

#[pymethods]
impl Pulls {
    #[new]
    fn new(
        settings: PyPullSettings,
        prepare: Py<PyAny>,
        units: Py<PyAny>,
        block: Py<PyAny>,
        read: Py<PyAny>,
    ) -> PyResult<Self> {
        if settings.names.len() < pull_request::KNOWN {
            return Err(PyRuntimeError::new_err("too few field names"));
        }
        Ok(Pulls { settings: settings.into(), prepare, units, block, read, answers: Vec::new() })
    }

    #[pyo3(signature = (inputs, here, /))]
    fn take<'py>(
        &mut self,
        py: Python<'py>,
        inputs: PullInputs<'py>,
        here: HereNow,
    ) -> PyResult<(Vec<PullPart<'py>>, Vec<PyGot<'py>>)> {
        let (log_start, log_end, memory_from, trusted_from, max_bytes, in_memory, on_disk, units) = here;
        let here = pull_lane::Here {
            log_start, log_end, memory_from, trusted_from, max_bytes, in_memory, on_disk, units,
        };
        let callables = PullCallables {
            prepare: self.prepare.bind(py),
            units: self.units.bind(py),
            block: self.block.bind(py),
            read: self.read.bind(py),
        };
        let inputs: Vec<pull_lane::Input> = inputs
            .iter()
            .map(|(data, position, stop, room)| {
                let data = data.as_bytes();
                pull_lane::Input { data, position: *position, stop: (*stop).min(data.len()), room: *room }
            })
            .collect();
        let (settings, answers) = (&self.settings, &mut self.answers);
        answers.clear();
        answers.shrink_to(KEPT);
        let taken = guard(|| pull_lane::take(settings, &inputs, &here, &callables, answers))?;
        let part = |part: pull_lane::Part| {
            (part.count, part.position, PyBytes::new(py, answers.get(part.answers).unwrap_or_default()))
        };
        let got = |got: pull_lane::Got<Bound<'py, PyAny>>| {
            (got.plan, got.input, got.queue_id, got.count, got.size, got.next_offset, got.commit)
        };
        Ok((taken.parts.into_iter().map(part).collect(), taken.got.into_iter().map(got).collect()))
    }
}

/// The records that a pull gets; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups", frozen)]
pub struct Pulled {
    found: Found,
    parts: Vec<Range<i64>>,
}

#[pymethods]
impl Pulled {
    #[getter]
    fn count(&self) -> usize {
        self.found.places.len()
    }

    #[getter]
    fn looked(&self) -> usize {
        self.found.looked
    }

    #[getter]
    fn newest(&self) -> i64 {
        self.found.newest
    }

    #[getter]
    fn indexes(&self) -> Vec<usize> {
        self.found.indexes.clone()
    }

    #[getter]
    fn parts(&self) -> Vec<(i64, i64)> {
        self.parts.iter().map(|part| (part.start, part.end - part.start)).collect()
    }

    #[pyo3(signature = (data, queue, /))]
    fn join<'py>(
        &self,
        py: Python<'py>,
        data: Vec<Bound<'py, PyBytes>>,
        queue: Option<(Bound<'py, PyBytes>, i32, i64)>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let data: Vec<&[u8]> = data.iter().map(|part| part.as_bytes()).collect();
        let queue = queue.as_ref().map(|(topic, queue_id, first)| Queue {
            topic: topic.as_bytes(),
            queue_id: *queue_id,
            first: *first,
        });
        let joined = guard(|| Ok(pull::join(&self.found, &self.parts, &data, queue.as_ref())))?;
        Ok(joined.map(|records| PyBytes::new(py, &records)))
    }
}

/// Choose the units of a pull.
#[pyfunction]
#[pyo3(signature = (units, limits, codes, gap, segment, /))]
pub fn scan_units(
    units: &[u8],
    limits: (Most, i64, Most, Most, i64),
    codes: Option<Vec<i64>>,
    gap: i64,
    segment: i64,
) -> PyResult<Option<Pulled>> {
    let (wanted, memory_from, in_memory, on_disk, log_start) = limits;
    let limits = Limits { wanted, memory_from, in_memory, on_disk, log_start };
    guard(|| {
        Ok(pull::scan(units, &limits, codes.as_deref()).map(|found| {
            let parts = pull::parts(&found.places, gap, segment);
            Pulled { found, parts }
        }))
    })
}
