//! Log lines of threads that serve, written several at a time: while such a thread has work its lines wait, and before it
//! waits for more they are written. On an idle service a line is out at once; on a busy one, a write is shared by some ten.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// Bytes that one write takes at most: what a pipe keeps whole (`PIPE_BUF`), so that lines of two threads never mix.
const MOST: usize = 4096;
/// For how long lines wait at most on a thread that says more.
const WAITS: Duration = Duration::from_millis(100);

thread_local! {
    static HELD: RefCell<Held> = const { RefCell::new(Held { bytes: Vec::new(), since: None, serves: false, out: None }) };
}

/// What one thread has said and not written.
struct Held {
    bytes: Vec<u8>,
    since: Option<Instant>,
    /// Whether the thread tells [`before_waiting`]; nobody would write what another one holds.
    serves: bool,
    /// Where what was said goes.
    out: Option<&'static File>,
}

impl Held {
    fn say(&mut self, line: &[u8], at_once: bool, out: &mut impl Write) -> io::Result<()> {
        // This line is tried whatever becomes of those before.
        let before = if self.bytes.len() + line.len() > MOST { self.write(out) } else { Ok(()) };
        self.bytes.extend_from_slice(line);
        let since = *self.since.get_or_insert_with(Instant::now);
        if at_once || !self.serves || self.bytes.len() >= MOST || since.elapsed() >= WAITS {
            self.write(out)?;
        }
        before
    }

    fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        self.since = None;
        if self.bytes.is_empty() {
            return Ok(());
        }
        let written = out.write_all(&self.bytes);
        self.bytes.clear();
        written
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(mut out) = self.out {
            // A thread that ends has nobody to tell.
            let _ = self.write(&mut out);
        }
    }
}

/// To be called by each thread that serves before it waits for work, as the runtime's workers do (`on_thread_park`).
pub fn before_waiting() {
    // A thread that ends holds nothing any more, and a log that cannot be written to is nobody's to repair here.
    let _ = HELD.try_with(|held| {
        let mut held = held.borrow_mut();
        held.serves = true;
        match held.out {
            Some(mut out) => held.write(&mut out),
            None => Ok(()),
        }
    });
}

/// Where lines go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batches(&'static File);

impl Batches {
    /// Standard error, without the lock that all threads share; for the rest of the process.
    ///
    /// # Errors
    /// When it is closed.
    pub(super) fn to_stderr() -> io::Result<Self> {
        io::stderr().as_fd().try_clone_to_owned().map(File::from).map(Self::to)
    }

    fn to(file: File) -> Self {
        Self(Box::leak(Box::new(file)))
    }
}

/// Takes one line.
#[derive(Debug)]
pub(super) struct Line {
    out: &'static File,
    at_once: bool,
}

impl<'a> MakeWriter<'a> for Batches {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { out: self.0, at_once: true }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        // What needs attention may be the last that is said.
        Line { out: self.0, at_once: *metadata.level() <= Level::WARN }
    }
}

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut out = self.out;
        let said = HELD.try_with(|held| {
            let mut held = held.borrow_mut();
            held.out = Some(self.out);
            held.say(line, self.at_once, &mut out)
        });
        match said {
            Ok(said) => said?,
            Err(_ended) => out.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes each write.
    #[derive(Default)]
    struct Writes(Vec<String>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(String::from_utf8(bytes.to_vec()).expect("UTF-8"));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn held(serves: bool) -> Held {
        Held { bytes: Vec::new(), since: None, serves, out: None }
    }

    #[test]
    fn a_thread_that_serves_writes_its_lines_together_before_it_waits() {
        let (mut held, mut out) = (held(true), Writes::default());
        held.say(b"1\n", false, &mut out).expect("said");
        held.say(b"2\n", false, &mut out).expect("said");
        assert_eq!(out.0, Vec::<String>::new());
        held.write(&mut out).expect("written");
        held.write(&mut out).expect("written");
        assert_eq!(out.0, ["1\n2\n"]);
    }

    #[test]
    fn what_needs_attention_is_out_at_once_and_behind_what_was_said_before() {
        let (mut held, mut out) = (held(true), Writes::default());
        held.say(b"info\n", false, &mut out).expect("said");
        held.say(b"warn\n", true, &mut out).expect("said");
        assert_eq!(out.0, ["info\nwarn\n"]);
    }

    #[test]
    fn a_line_is_tried_also_where_those_before_it_could_not_be_written() {
        /// Takes one write, once it has refused one.
        struct Full(bool, Vec<u8>);

        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                if std::mem::take(&mut self.0) {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                self.1.extend_from_slice(bytes);
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let (mut held, mut out) = (held(true), Full(true, Vec::new()));
        held.say(&[b'x'; MOST - 1], false, &mut out).expect("kept");
        assert!(held.say(b"error\n", true, &mut out).is_err());
        assert_eq!(out.1, b"error\n");
    }

    #[test]
    fn a_worker_of_the_runtime_writes_what_it_holds_when_its_work_is_done() {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let batches = Batches::to(log.reopen().expect("open"));
        let read = move || std::fs::read_to_string(log.path()).expect("readable");
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).on_thread_park(before_waiting).build().expect("a runtime");
        runtime.block_on(async {
            // Sooner or later it has nothing to do, and waits.
            let serves = || tokio::spawn(async { HELD.with(|held| held.borrow().serves) });
            while !serves().await.expect("asked") {
                tokio::task::yield_now().await;
            }
            let busy = tokio::spawn(async move {
                for line in ["1\n", "2\n"] {
                    Line { out: batches.0, at_once: false }.write_all(line.as_bytes()).expect("said");
                }
                (read(), read)
            });
            let (meanwhile, read) = busy.await.expect("said");
            assert_eq!(meanwhile, "");
            while read().is_empty() {
                tokio::task::yield_now().await;
            }
            assert_eq!(read(), "1\n2\n");
        });
    }

    #[test]
    fn any_other_thread_writes_each_line() {
        let (mut held, mut out) = (held(false), Writes::default());
        held.say(b"1\n", false, &mut out).expect("said");
        held.say(b"2\n", false, &mut out).expect("said");
        assert_eq!(out.0, ["1\n", "2\n"]);
    }

    #[test]
    fn no_write_is_larger_than_a_pipe_keeps_whole_but_for_a_line_that_is() {
        let (mut held, mut out) = (held(true), Writes::default());
        let line = format!("{}\n", "x".repeat(999));
        for _ in 0..9 {
            held.say(line.as_bytes(), false, &mut out).expect("said");
        }
        let long = format!("{}\n", "y".repeat(9_999));
        held.say(long.as_bytes(), false, &mut out).expect("said");
        held.say(b"z\n", false, &mut out).expect("said");
        held.write(&mut out).expect("written");
        assert_eq!(out.0, [line.repeat(4), line.repeat(4), line, long, "z\n".to_owned()]);
    }

    #[test]
    fn lines_wait_no_longer_than_they_may() {
        let (mut held, mut out) = (held(true), Writes::default());
        held.say(b"1\n", false, &mut out).expect("said");
        held.since = held.since.and_then(|since| since.checked_sub(WAITS));
        held.say(b"2\n", false, &mut out).expect("said");
        assert_eq!(out.0, ["1\n2\n"]);
    }
}
