//! The part of the module that Python imports which reads ahead.

use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PySlice, PyTuple};

use crate::read_ahead;

/// A part of a file in memory; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups", frozen)]
pub struct Stretch(read_ahead::Stretch);

impl AsRef<[u8]> for Stretch {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

#[pymethods]
impl Stretch {
    fn __len__(&self) -> usize {
        self.as_ref().len()
    }

    fn __getitem__<'py>(&self, py: Python<'py>, part: &Bound<'py, PySlice>) -> PyResult<Bound<'py, PyBytes>> {
        let data = self.as_ref();
        let part = part.indices(data.len() as isize)?;
        if part.step != 1 {
            return Err(PyValueError::new_err("a step other than 1"));
        }
        let begin = part.start as usize;
        Ok(PyBytes::new(py, data.get(begin..begin + part.slicelength).unwrap_or_default()))
    }
}

/// A read that was begun; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups", frozen)]
pub struct Read(read_ahead::Read);

#[pymethods]
impl Read {
    fn __call__(&self, py: Python) -> Stretch {
        let found = self.0.ready().or_else(|| py.detach(|| self.0.take()));
        Stretch(found.unwrap_or_default())
    }
}

/// The thread that reads; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups")]
#[derive(Default)]
pub struct ReadAhead(read_ahead::ReadAhead);

#[pymethods]
impl ReadAhead {
    #[new]
    fn new() -> ReadAhead {
        ReadAhead::default()
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_of))]
    fn __exit__(&mut self, py: Python, _of: &Bound<PyTuple>) {
        if let Some(thread) = self.0.end() {
            py.detach(|| thread.join()).unwrap_or_default(); // one that panicked has ended, too
        }
    }

    #[pyo3(signature = (path, size, offset, /))]
    fn begin(&mut self, path: PathBuf, size: usize, offset: u64) -> Read {
        Read(self.0.begin(path, size, offset))
    }

    fn forget(&mut self) {
        self.0.forget();
    }
}
