//! How far reading or writing has come: a count that readers and writers keep, and a bar on standard error once it takes longer than a second.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use oiji::Result;
use oiji::archive::{Archive, Progress};
use oiji::source::{Chunk, Ready, Source};

/// What takes less time than this goes without a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two looks at the count.
const TICK: Duration = Duration::from_millis(100);

/// How far reading has come, in bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count(Arc<AtomicU64>);

impl Count {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// So many bytes more.
    pub(crate) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A reader, writer or source whose bytes are counted.
#[derive(Debug)]
pub(crate) struct Counted<T> {
    inner: T,
    count: Count,
}

impl<T> Counted<T> {
    pub(crate) fn new(inner: T, count: Count) -> Self {
        Counted { inner, count }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.count.add(len as u64);
        Ok(len)
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.inner.write(bytes)?;
        self.count.add(len as u64);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<'de, S: Source<'de>> Source<'de> for Counted<S> {
    #[inline]
    fn offset(&self) -> u64 {
        self.inner.offset()
    }

    /// Every op begins with this, and so it is enough to count here.
    #[inline]
    fn byte(&mut self) -> Result<Option<u8>> {
        self.count.set(self.inner.offset());
        self.inner.byte()
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.inner.array()
    }

    #[inline]
    fn take(&mut self, len: u64) -> Result<Chunk<'_, 'de>> {
        self.inner.take(len)
    }

    #[inline]
    fn line(&mut self) -> Result<Chunk<'_, 'de>> {
        self.inner.line()
    }

    #[inline]
    fn lines(&mut self) -> Result<(Chunk<'_, 'de>, usize)> {
        self.inner.lines()
    }

    #[inline]
    fn frame(&mut self, len: u64) -> Result<()> {
        self.inner.frame(len)
    }

    #[inline]
    fn ready(&mut self) -> Ready<'_, 'de> {
        self.inner.ready()
    }

    #[inline]
    fn advance(&mut self, len: usize) {
        self.inner.advance(len);
    }
}

/// What a bar shows about one input.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    /// The input, as messages name it.
    pub(crate) name: String,
    /// Bytes read so far.
    pub(crate) count: Count,
    /// Bytes at the end, if that is known.
    pub(crate) total: Option<u64>,
}

impl Watch {
    /// For work on the members of an archive, whose callback sets the count.
    pub(crate) fn of_archive(name: &str, archive: &Archive<'_>) -> Watch {
        let total = archive.members().iter().fold(0_u64, |size, member| size.saturating_add(member.size));
        Watch { name: name.to_owned(), count: Count::default(), total: Some(total) }
    }

    /// Takes over what an archive tells of.
    pub(crate) fn follow(&self, so_far: Progress<'_>) {
        self.count.set(so_far.done);
    }

    /// Does `work`, with a bar on standard error while it takes longer than a second, if that is a terminal.
    ///
    /// The bar is gone when this returns, so that what is written then does not get in its way.
    pub(crate) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        if !io::stderr().is_terminal() {
            return work();
        }
        let _watcher = Watcher::start(self.clone());
        work()
    }

    /// The same for work that writes to standard output meanwhile: no bar where that is a terminal too.
    pub(crate) fn beside_output<T>(&self, work: impl FnOnce() -> T) -> T {
        if io::stdout().is_terminal() {
            return work();
        }
        self.during(work)
    }
}

/// A thread that draws until it is dropped.
struct Watcher {
    over: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    fn start(watch: Watch) -> Watcher {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let until = Arc::clone(&over);
        // Without a thread to draw it there is no bar; the work is done all the same.
        let thread = thread::Builder::new().spawn(move || draw(&watch, &until)).ok();
        Watcher { over, thread }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        *self.over.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.over.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn draw(watch: &Watch, until: &(Mutex<bool>, Condvar)) {
    // True when the work is done within `time`.
    let over_within = |time| {
        let over = until.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = until.1.wait_timeout_while(over, time, |over| !*over);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    };
    if over_within(PATIENCE) {
        return;
    }
    let (bar, template) = match watch.total {
        Some(total) => (ProgressBar::new(total), "{msg} {wide_bar} {bytes}/{total_bytes} {eta}"),
        None => (ProgressBar::no_length(), "{msg} {spinner} {bytes} {elapsed}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(watch.name.clone());
    loop {
        bar.set_position(watch.count.bytes());
        if over_within(TICK) {
            bar.finish_and_clear();
            return;
        }
    }
}
