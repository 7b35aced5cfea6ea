//! The part of the module that Python imports which is about a client's sends.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use crate::client_answers;
use crate::client_send::{Form, Spelling, append_message, append_raw_entry, unique_id};
use crate::python::{bytes, guard};

const WAIT: &str = "WAIT";
const UNIQ_KEY: &str = "UNIQ_KEY";

/// What a message's properties have, besides what was written of them.
#[derive(Default)]
struct Seen<'py> {
    wait: Option<Bound<'py, PyString>>,
    id: Option<Bound<'py, PyString>>,
}

/// Give each property to `write`; `None` when one of them is not plain.
fn each<'py>(
    properties: &Bound<'py, PyDict>,
    not_plain: &[String],
    mut write: impl FnMut(&str, &str) -> Option<()>,
) -> Option<Seen<'py>> {
    let mut seen = Seen::default();
    for (name, value) in properties.iter() {
        let (name, value) = (name.cast_into_exact::<PyString>().ok()?, value.cast_into_exact::<PyString>().ok()?);
        let (name, text) = (name.to_str().ok()?, value.to_str().ok()?);
        if not_plain.iter().any(|odd| odd == name) {
            return None;
        }
        write(name, text)?;
        match name {
            WAIT => seen.wait = Some(value),
            UNIQ_KEY => seen.id = Some(value),
            _ => {}
        }
    }
    Some(seen)
}

/// Give a message what all have, and to `write` what it didn't have; return its id.
fn complete<'py>(
    properties: &Bound<'py, PyDict>,
    seen: Seen<'py>,
    head: &str,
    count: u32,
    mut write: impl FnMut(&str, &str) -> Option<()>,
) -> PyResult<Option<Bound<'py, PyString>>> {
    if seen.wait.is_none() {
        if write(WAIT, "true").is_none() {
            return Ok(None);
        }
        properties.set_item(WAIT, "true")?;
    }
    if seen.id.is_some() {
        return Ok(seen.id);
    }
    let id = unique_id(head, count);
    if write(UNIQ_KEY, &id).is_none() {
        return Ok(None);
    }
    let id = PyString::new(properties.py(), &id);
    properties.set_item(UNIQ_KEY, &id)?;
    Ok(Some(id))
}

/// One kind of sends; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups", frozen)]
pub struct SendForm {
    form: Form,
    most_body: usize,
    not_plain: Vec<String>,
}

type Written<'py> = Option<(Bound<'py, PyString>, Bound<'py, PyBytes>)>;

#[pymethods]
impl SendForm {
    #[new]
    #[pyo3(signature = (pieces, most_body, not_plain, trailing, old_escapes, /))]
    fn new(pieces: [Vec<u8>; 5], most_body: usize, not_plain: Vec<String>, trailing: bool, old_escapes: bool) -> Self {
        let form = Form { pieces, spelling: Spelling { trailing, old_escapes } };
        SendForm { form, most_body, not_plain }
    }

    #[pyo3(signature = (properties, body, queue_id, born_timestamp, opaque, head, count, /))]
    #[allow(clippy::too_many_arguments)]
    fn write<'py>(
        &self,
        py: Python<'py>,
        properties: &Bound<'py, PyAny>,
        body: &Bound<'py, PyAny>,
        queue_id: i32,
        born_timestamp: i64,
        opaque: i32,
        head: &str,
        count: u32,
    ) -> PyResult<Written<'py>> {
        let (Ok(properties), Ok(body)) = (properties.cast_exact::<PyDict>(), body.cast_exact::<PyBytes>()) else {
            return Ok(None);
        };
        let body = body.as_bytes();
        if body.is_empty() || body.len() > self.most_body {
            return Ok(None);
        }
        guard(|| {
            let form = &self.form;
            let mut frame = form.begin(queue_id, born_timestamp, body.len());
            let seen = each(properties, &self.not_plain, |name, value| form.property(name, value, &mut frame));
            let Some(seen) = seen else {
                return Ok(None);
            };
            let write = |name: &str, value: &str| form.property(name, value, &mut frame);
            let Some(id) = complete(properties, seen, head, count, write)? else {
                return Ok(None);
            };
            Ok(form.end(opaque, body, frame).map(|frame| (id, PyBytes::new(py, &frame))))
        })
    }
}

/// What was added to a message that is in a batch.
struct Added<'py> {
    properties: Bound<'py, PyDict>,
    wait: bool,
    id: bool,
}

/// The messages of a batch that is being written.
struct Batch<'py> {
    body: Vec<u8>,
    ids: String,
    taken: u32, // of the new ids
    wait: Option<bool>,
    topic: Option<Bound<'py, PyString>>,
    added: Vec<Added<'py>>,
}

/// What is to be known of all batches of a producer; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups", frozen)]
pub struct BatchForm {
    message_type: Py<PyAny>,
    most_body: usize,
    not_plain: Vec<String>,
    trailing: bool,
}

impl BatchForm {
    /// Append a message; `None` where it is not plain.
    fn append<'py>(
        &self,
        message: &Bound<'py, PyAny>,
        head: &str,
        count: u32,
        batch: &mut Batch<'py>,
    ) -> PyResult<Option<()>> {
        let py = message.py();
        if !message.get_type().is(&self.message_type) {
            return Ok(None);
        }
        let (topic, flag) = (message.getattr(intern!(py, "topic"))?, message.getattr(intern!(py, "flag"))?);
        let (body, properties) = (message.getattr(intern!(py, "body"))?, message.getattr(intern!(py, "properties"))?);
        let (Ok(topic), Ok(flag)) = (topic.cast_into_exact::<PyString>(), flag.extract::<i32>()) else {
            return Ok(None);
        };
        let (Ok(body), Ok(properties)) = (body.cast_exact::<PyBytes>(), properties.cast_into_exact::<PyDict>()) else {
            return Ok(None);
        };
        let body = body.as_bytes();
        match &batch.topic {
            Some(first) if first.is(&topic) || PyAnyMethods::eq(first.as_any(), &topic)? => {}
            Some(_) => return Ok(None),
            None => batch.topic = Some(topic),
        }
        if body.is_empty() || body.len() > self.most_body {
            return Ok(None);
        }
        let (mut wait, mut found, mut failure) = (true, None, None);
        let (ids, added, taken) = (&mut batch.ids, &mut batch.added, &mut batch.taken);
        let done = append_message(flag, body, self.trailing, &mut batch.body, |out| {
            let seen = each(&properties, &self.not_plain, |name, value| append_raw_entry(name, value, out))?;
            if let Some(text) = &seen.wait {
                wait = match text.to_str().ok()? {
                    "true" => true,
                    "false" => false,
                    _ => return None,
                };
            }
            let before = (seen.wait.is_none(), seen.id.is_none());
            let write = |name: &str, value: &str| append_raw_entry(name, value, out);
            match complete(&properties, seen, head, count.wrapping_add(*taken), write) {
                Ok(id) => found = id,
                Err(error) => failure = Some(error),
            }
            added.push(Added { properties: properties.clone(), wait: before.0, id: before.1 });
            *taken += u32::from(before.1);
            Some(())
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        let (Some(()), Some(id)) = (done, found) else {
            return Ok(None);
        };
        if *batch.wait.get_or_insert(wait) != wait {
            return Ok(None);
        }
        if !ids.is_empty() {
            ids.push(',');
        }
        ids.push_str(id.to_str()?);
        Ok(Some(()))
    }
}

/// Take back what messages were given.
fn undo(added: Vec<Added<'_>>) -> PyResult<()> {
    for one in added.into_iter().rev() {
        if one.id && one.properties.contains(UNIQ_KEY)? {
            one.properties.del_item(UNIQ_KEY)?;
        }
        if one.wait && one.properties.contains(WAIT)? {
            one.properties.del_item(WAIT)?;
        }
    }
    Ok(())
}

type WrittenBatch<'py> = Option<(Bound<'py, PyBytes>, Bound<'py, PyString>, bool, u32)>;

#[pymethods]
impl BatchForm {
    #[new]
    #[pyo3(signature = (message_type, most_body, not_plain, trailing, /))]
    fn new(message_type: Py<PyAny>, most_body: usize, not_plain: Vec<String>, trailing: bool) -> Self {
        BatchForm { message_type, most_body, not_plain, trailing }
    }

    #[pyo3(signature = (messages, head, count, /))]
    fn write<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'py, PyAny>,
        head: &str,
        count: u32,
    ) -> PyResult<WrittenBatch<'py>> {
        let Ok(messages) = messages.cast::<PyList>() else {
            return Ok(None);
        };
        guard(|| {
            let mut batch = Batch {
                body: Vec::with_capacity(256 * messages.len()),
                ids: String::with_capacity(33 * messages.len()),
                taken: 0,
                wait: None,
                topic: None,
                added: Vec::with_capacity(messages.len()),
            };
            for message in messages.iter() {
                if self.append(&message, head, count, &mut batch)?.is_none() {
                    undo(batch.added)?;
                    return Ok(None);
                }
            }
            let Some(wait) = batch.wait else {
                return Ok(None); // no message
            };
            if batch.body.len() > self.most_body {
                undo(batch.added)?;
                return Ok(None);
            }
            Ok(Some((PyBytes::new(py, &batch.body), PyString::new(py, &batch.ids), wait, batch.taken)))
        })
    }
}

/// Reads the answers to a client's sends; see `rmqwire_speedups.pyi`.
#[pyclass(module = "rmqwire_speedups", frozen)]
pub struct SendAnswers {
    languages: Vec<Vec<u8>>,
    max_length: usize,
}

#[pymethods]
impl SendAnswers {
    #[new]
    #[pyo3(signature = (languages, max_frame, /))]
    fn new(languages: Vec<String>, max_frame: usize) -> Self {
        SendAnswers { languages: bytes(languages), max_length: max_frame.saturating_sub(4) }
    }

    #[pyo3(signature = (data, /))]
    fn read<'py>(&self, py: Python<'py>, data: &Bound<'py, PyBytes>) -> PyResult<(Bound<'py, PyList>, usize)> {
        guard(|| {
            let found = PyList::empty(py);
            let mut last: Option<(&str, Bound<'py, PyString>)> = None; // region
            let end = client_answers::read(data.as_bytes(), self.max_length, &self.languages, |begin, end, stored| {
                let Some(stored) = stored else {
                    return found.append((begin, end));
                };
                if let Some(region) = stored.region
                    && last.as_ref().is_none_or(|(text, _)| *text != region)
                {
                    last = Some((region, PyString::new(py, region)));
                }
                found.append((
                    begin,
                    end,
                    stored.opaque,
                    stored.queue_id,
                    stored.queue_offset,
                    stored.message_id,
                    stored.transaction_id,
                    stored.region.and(last.as_ref().map(|(_, text)| text)),
                    stored.trace_on,
                ))
            })?;
            Ok((found, end))
        })
    }
}
