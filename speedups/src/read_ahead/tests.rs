use std::fs;

use super::*;

/// A file of ten bytes that is removed in the end.
struct Ten(PathBuf);

impl Ten {
    fn new(name: &str) -> Ten {
        let path = std::env::temp_dir().join(format!("rmqwire-{}-{name}", process::id()));
        fs::write(&path, b"0123456789").unwrap();
        Ten(path)
    }

    fn begin(&self, ahead: &mut ReadAhead, size: usize, offset: u64) -> Read {
        ahead.begin(self.0.clone(), size, offset)
    }
}

impl Drop for Ten {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn bytes(found: Option<Stretch>) -> Option<Vec<u8>> {
    found.map(|stretch| stretch.as_ref().to_vec())
}

/// Wait for what the thread, and nobody else, reads.
fn by_thread(read: &Read) -> Option<Vec<u8>> {
    while !read.part.claimed.load(Ordering::Acquire) {
        thread::yield_now();
    }
    bytes(read.take())
}

#[test]
fn reads_are_there_in_any_order_whoever_makes_them_and_once() {
    let file = Ten::new("order");
    let mut ahead = ReadAhead::default();
    let reads: Vec<_> = (0..8).map(|at| file.begin(&mut ahead, 3, at)).collect();
    for (at, read) in reads.iter().enumerate().rev() {
        assert_eq!(bytes(read.take()).as_deref(), b"0123456789".get(at..at + 3));
        assert!(read.take().is_none());
    }
    let read = file.begin(&mut ahead, 10, 0);
    assert_eq!(by_thread(&read).unwrap(), b"0123456789");
    assert!(read.ready().is_none());
}

#[test]
fn what_is_not_there_is_nothing_and_the_next_is_read() {
    let file = Ten::new("short");
    let mut ahead = ReadAhead::default();
    for (path, size, offset) in [(file.0.clone(), 11, 0), (file.0.clone(), 1, 10), (file.0.join("gone"), 1, 0)] {
        assert!(by_thread(&ahead.begin(path.clone(), size, offset)).is_none());
        ahead.ended.store(true, Ordering::Release);
        assert!(ahead.begin(path, size, offset).take().is_none());
        ahead = ReadAhead::default();
    }
    assert!(ahead.begin(file.0.clone(), usize::MAX, 0).take().is_none());
    assert_eq!(by_thread(&file.begin(&mut ahead, 2, 4)).unwrap(), b"45");
}

#[test]
fn a_file_that_became_another_one_is_opened_anew() {
    let file = Ten::new("anew");
    let mut ahead = ReadAhead::default();
    assert_eq!(by_thread(&file.begin(&mut ahead, 2, 0)).unwrap(), b"01");
    fs::remove_file(&file.0).unwrap();
    fs::write(&file.0, b"abc").unwrap();
    ahead.forget();
    assert_eq!(by_thread(&file.begin(&mut ahead, 2, 0)).unwrap(), b"ab");
    assert!(by_thread(&file.begin(&mut ahead, 2, 2)).is_none());
}

#[test]
fn buffers_are_used_again_and_some_are_kept() {
    let file = Ten::new("spare");
    let mut ahead = ReadAhead::default();
    assert!(ahead.end().is_none()); // a thread would give spare buffers back in time
    let at = |stretch: &Stretch| stretch.buffer.as_ptr() as usize;
    let first = file.begin(&mut ahead, 10, 0).take().unwrap();
    let place = at(&first);
    drop(first);
    let again = file.begin(&mut ahead, 3, 7).take().unwrap();
    assert_eq!((at(&again), again.as_ref()), (place, &b"789"[..]));
    let many: Vec<_> = (0..9).map(|_| file.begin(&mut ahead, 1, 0).take()).collect();
    drop(many);
    assert_eq!(ahead.spare.0.lock().unwrap().len(), SPARE);
}

#[test]
fn at_the_end_the_thread_is_gone_and_who_wants_something_reads_it() {
    let file = Ten::new("end");
    let mut ahead = ReadAhead::default();
    assert!(ahead.end().is_none());
    ahead = ReadAhead::default();
    let reads: Vec<_> = (0..8).map(|at| file.begin(&mut ahead, 1, at)).collect();
    ahead.end().unwrap().join().unwrap();
    for (at, read) in reads.iter().enumerate() {
        assert_eq!(bytes(read.take()).as_deref(), b"0123456789".get(at..=at));
    }
    assert_eq!(bytes(file.begin(&mut ahead, 1, 0).take()).unwrap(), b"0");
    assert!(ahead.running.is_none());
}

#[test]
fn nobody_waits_for_a_thread_that_another_process_has() {
    let file = Ten::new("fork");
    let mut ahead = ReadAhead::default();
    let mut read = file.begin(&mut ahead, 1, 0);
    let _ = by_thread(&read);
    read.process = 0;
    assert!(read.take().is_none());
    ahead.running.as_mut().unwrap().process = 0;
    assert_eq!(bytes(file.begin(&mut ahead, 1, 5).take()).unwrap(), b"5");
    assert!(ahead.end().is_none());
}
