//! What commands read: files, mapped into memory where they can be, standard input, and what was compressed in either.
//!
//! A mapped file is read where it lies and nothing of it is copied; everything else comes as a stream. Commands see a
//! slice or nothing, and a source, and need not know which of both it was.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Cursor, Read, Seek as _};
use std::path::Path;

use oiji::archive::{lone_file, may_be_packed};
use oiji::source::{BufferedSource, Chunk, Ready, SliceSource, Source};
use oiji::store::Store;
use oiji::{Error, ErrorKind, Limits, Opcode, ReadOptions, Result};
use oiji_mmap::Map;

use crate::compression::{Compression, HEAD_LEN};
use crate::failure::{Failure, explain_io};
use crate::holding::{Folder, may_be_archive};
use crate::options::LimitArgs;
use crate::output;
use crate::pages::Pages;
use crate::progress::{Count, Counted, Watch};

/// What names the tensors of a distributed checkpoint of torch.
const METADATA: &str = ".metadata";

/// Bytes read at once from what is not mapped.
const BUFFER: usize = 1 << 16;

/// Bytes of what was compressed by which it is told what it is: a pickle of joblib says so where its first array stands.
const AHEAD: usize = 1 << 20;

/// An open input.
pub(crate) struct Input {
    name: String,
    folder: Folder,
    body: Body,
    limits: Limits,
    compression: Option<Compression>,
    /// What the file stands in alone: a ZIP or a tar.
    container: Option<&'static str>,
    /// What it is if it is no pickle, as far as its first bytes tell.
    looks_like: Option<&'static str>,
    /// Whether it begins as an archive of arrays does.
    may_be_archive: bool,
    /// Whether it begins as a store of many pickles may.
    may_be_store: bool,
    /// Bytes read of the file, before decompression.
    count: Count,
    /// How long the file is, if that is known.
    total: Option<u64>,
}

enum Body {
    Mapped(Map),
    Stream {
        reader: Stream,
        taken: Count,
    },
    /// A stream that was read to its end.
    Read(Vec<u8>),
}

/// A stream, decompressed, with its bytes counted.
type Stream = BufReader<Counted<Box<dyn Read>>>;

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &Path, limits: LimitArgs) -> Result<Input, Failure> {
        let is_stdin = path.as_os_str() == "-";
        let name = if is_stdin { "standard input".to_owned() } else { output::name(path) };
        // What torch's distributed checkpoints are called by is their folder.
        let inside = path.join(METADATA);
        let path = if !is_stdin && inside.is_file() { inside.as_path() } else { path };
        let folder = path.parent().filter(|_| !is_stdin).map(Path::to_owned);
        let opened = if is_stdin {
            Input::of_stream(io::stdin().lock(), None, limits)
        } else {
            File::open(path).and_then(|file| Input::of_file(file, limits))
        };
        match opened {
            Ok(input) => {
                let mut input = Input { name: name.clone(), folder, ..input };
                input.unwrap_lone()?;
                let head = input.first_bytes();
                let (kind, is_archive) = (head.and_then(looks_like), head.is_some_and(may_be_archive));
                let is_store = head.is_some_and(Store::may_be);
                (input.looks_like, input.may_be_archive, input.may_be_store) = (kind, is_archive, is_store);
                Ok(input)
            }
            Err(error) => Err(Failure::about(&name, explain_io(&error))),
        }
    }

    fn of_file(mut file: File, limits: LimitArgs) -> io::Result<Input> {
        let status = file.metadata()?;
        if !status.is_file() {
            return Input::of_stream(file, None, limits);
        }
        let head = head(&mut file)?;
        if Compression::of(&head).is_none() && status.len() > 0 {
            // What cannot be mapped is read, as a pipe is.
            if let Ok(map) = Map::of(&file) {
                return Ok(Input::new(Body::Mapped(map), None, Count::default(), Some(status.len()), limits));
            }
        }
        file.rewind()?;
        Input::of_stream(file, Some(status.len()), limits)
    }

    fn of_stream(reader: impl Read + 'static, total: Option<u64>, limits: LimitArgs) -> io::Result<Input> {
        let count = Count::default();
        let mut reader = BufReader::with_capacity(BUFFER, Counted::new(reader, count.clone()));
        let mut head = head(&mut reader)?;
        let compression = Compression::of(&head);
        // What is there already is looked at too: nobody waits for that.
        head.extend_from_slice(reader.buffer());
        reader.consume(reader.buffer().len());
        let whole = Cursor::new(head).chain(reader);
        let (decompressed, looked_at) = match compression {
            Some(compression) => (ahead(compression.reader(BufReader::with_capacity(BUFFER, whole))), AHEAD),
            None => (Box::new(whole) as Box<dyn Read>, BUFFER),
        };
        let taken = Count::default();
        let reader = BufReader::with_capacity(looked_at, Counted::new(decompressed, taken.clone()));
        Ok(Input::new(Body::Stream { reader, taken }, compression, count, total, limits))
    }

    fn new(body: Body, compression: Option<Compression>, count: Count, total: Option<u64>, limits: LimitArgs) -> Input {
        let limits = limits.limits(compression.is_some());
        let name = String::new();
        let (looks_like, may_be_archive, may_be_store) = (None, false, false);
        let (container, folder) = (None, None);
        Input {
            name,
            folder,
            body,
            limits,
            compression,
            container,
            looks_like,
            may_be_archive,
            may_be_store,
            count,
            total,
        }
    }

    /// As messages name it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What may be spent on it.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// The folder that it stands in, if it is a file.
    pub(crate) fn folder(&self) -> Folder {
        self.folder.clone()
    }

    /// How it was packed: `gzip`, `zip`, `tar, gzip`.
    pub(crate) fn packing(&self) -> Option<String> {
        match (self.container, self.compression) {
            (None, None) => None,
            (Some(container), None) => Some(container.to_owned()),
            (None, Some(compression)) => Some(compression.to_string()),
            (Some(container), Some(compression)) => Some(format!("{container}, {compression}")),
        }
    }

    /// Takes the only file of a ZIP or tar for the input, as pandas writes pickles.
    fn unwrap_lone(&mut self) -> Result<(), Failure> {
        let Some(head) = self.first_bytes().filter(|head| may_be_packed(head)) else { return Ok(()) };
        let container = if head.starts_with(b"PK") { "zip" } else { "tar" };
        let limits = self.limits;
        // What is wrong with it is told by those who read it as an archive.
        if let Ok(Some(file)) = lone_file(self.bytes()?, &limits) {
            let file = file.into_owned();
            (self.body, self.container) = (Body::Read(file), Some(container));
        }
        Ok(())
    }

    /// Whether it begins as an archive of arrays does, and not as a pickle.
    pub(crate) fn may_be_archive(&self) -> bool {
        self.may_be_archive
    }

    /// The same of a store of many pickles.
    pub(crate) fn may_be_store(&self) -> bool {
        self.may_be_store
    }

    /// Some bytes from its beginning, before any is taken. Errors are met again by those who read.
    fn first_bytes(&mut self) -> Option<&[u8]> {
        match &mut self.body {
            Body::Mapped(map) => Some(map),
            Body::Read(bytes) => Some(bytes),
            Body::Stream { reader, .. } => reader.fill_buf().ok(),
        }
    }

    /// Its bytes where they are in memory, else none, and a source of all of them.
    pub(crate) fn source(&mut self) -> (&[u8], InputSource<'_>) {
        match &mut self.body {
            Body::Mapped(map) => in_memory(map, Pages::of(Some(map)), self.limits, &self.count),
            Body::Read(bytes) => in_memory(bytes, Pages::none(), self.limits, &self.count),
            Body::Stream { reader, .. } => {
                (&[], InputSource::Stream(BufferedSource::with_limit(reader, self.limits.bytes)))
            }
        }
    }

    /// All of its bytes.
    pub(crate) fn bytes(&mut self) -> Result<&[u8], Failure> {
        let watch = self.watch();
        if let Body::Stream { reader, .. } = &mut self.body {
            let mut bytes = Vec::new();
            let mut reader = reader.take(self.limits.bytes.saturating_add(1));
            let read = watch.during(|| reader.read_to_end(&mut bytes));
            read.map_err(|error| Failure::about(&self.name, explain_io(&error)))?;
            self.body = Body::Read(bytes);
        }
        let bytes = match &self.body {
            Body::Mapped(map) => &map[..],
            Body::Read(bytes) => bytes,
            Body::Stream { .. } => &[],
        };
        if bytes.len() as u64 > self.limits.bytes {
            let error = Error::from(ErrorKind::Limit { limit: "bytes", allowed: self.limits.bytes });
            return Err(self.failure(&error));
        }
        Ok(bytes)
    }

    /// All of its bytes, and the pages that they stand in.
    pub(crate) fn bytes_and_pages(&mut self) -> Result<(&[u8], Pages<'_>), Failure> {
        self.bytes()?;
        Ok(match &self.body {
            Body::Mapped(map) => (&map[..], Pages::of(Some(map))),
            Body::Read(bytes) => (&bytes[..], Pages::none()),
            Body::Stream { .. } => (&[], Pages::none()),
        })
    }

    /// How many bytes there are in all. What no source has taken yet is read and dropped.
    pub(crate) fn len(&mut self) -> Result<u64, Failure> {
        match &mut self.body {
            Body::Mapped(map) => Ok(map.len() as u64),
            Body::Read(bytes) => Ok(bytes.len() as u64),
            Body::Stream { reader, taken } => {
                let most = self.limits.bytes.saturating_sub(taken.bytes());
                let rest = io::copy(&mut reader.by_ref().take(most), &mut io::sink());
                rest.map_err(|error| Failure::about(&self.name, explain_io(&error)))?;
                Ok(taken.bytes() - reader.buffer().len() as u64)
            }
        }
    }

    /// For work that reads from it and may take long.
    pub(crate) fn watch(&self) -> Watch {
        Watch { name: self.name.clone(), count: self.count.clone(), total: self.total }
    }

    /// An error where its first pickle should be.
    pub(crate) fn no_pickle(&self, error: &Error) -> Failure {
        if matches!(error.kind(), ErrorKind::Io(_) | ErrorKind::Limit { .. } | ErrorKind::EndOfInput) {
            return self.failure(error);
        }
        let mut text = crate::failure::explain(error);
        if let Some(kind) = self.looks_like {
            text = format!("{text}; this looks like {kind}");
        }
        if error.offset() == Some(0) {
            text = format!("not a pickle: {text}");
        }
        Failure::about(&self.name, text)
    }

    /// An error of the library about it.
    pub(crate) fn failure(&self, error: &Error) -> Failure {
        Failure::about(&self.name, crate::failure::explain(error))
    }
}

/// A stream of which some is read already. An error comes where it was met.
fn ahead(mut reader: Box<dyn Read>) -> Box<dyn Read> {
    struct Failed(Option<io::Error>);
    impl Read for Failed {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0.take().map_or(Ok(0), Err)
        }
    }
    let mut bytes = Vec::new();
    let read = reader.by_ref().take(AHEAD as u64).read_to_end(&mut bytes);
    Box::new(Cursor::new(bytes).chain(Failed(read.err())).chain(reader))
}

/// The first bytes, as many as it takes to tell a compression, an archive or a store. No more are waited for where none is possible.
fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(CONTAINER_HEAD);
    let goes_on = |head: &[u8]| match head.len() {
        len if len < HEAD_LEN && Compression::may_begin(head) => true,
        len if len < CONTAINER_HEAD && may_begin_container(head) => true,
        len => len < TAR_HEAD && may_begin_tar(head),
    };
    while goes_on(&head) {
        let before = head.len();
        reader.take(1).read_to_end(&mut head)?;
        if head.len() == before {
            break;
        }
    }
    Ok(head)
}

/// Bytes by which every archive and store is told.
const CONTAINER_HEAD: usize = 64;

/// Whether some bytes may begin an archive or a store, and no pickle.
fn may_begin_container(head: &[u8]) -> bool {
    const MAGICS: [&[u8]; 4] = [b"PK\x03\x04", b"SQLite format 3\0", b"FS21", b"FS30"];
    let is_no_opcode =
        head.first().is_some_and(|code| Opcode::from_code(*code).is_none_or(|it| it == Opcode::StackGlobal));
    is_no_opcode || !head.is_empty() && MAGICS.iter().any(|magic| magic.starts_with(head) || head.starts_with(magic))
}

/// Bytes by which a tar is told.
const TAR_HEAD: usize = 262;

/// Whether some bytes may begin a tar: the name of a file with zeros behind it. A pickle that comes to its end there is none.
fn may_begin_tar(head: &[u8]) -> bool {
    const NAME: usize = 100;
    let name = &head[..head.len().min(NAME)];
    let (name, rest) = name.split_at(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
    let is_name = !name.is_empty() && !name.iter().any(u8::is_ascii_control) && rest.iter().all(|byte| *byte == 0);
    is_name && !matches!(ReadOptions::new().pickles(head).next(), Some(Ok(_)))
}

/// The formats that are most often taken for pickles, by their first bytes.
fn looks_like(head: &[u8]) -> Option<&'static str> {
    const FORMATS: [(&[u8], &str); 11] = [
        (b"PK\x03\x04", "a ZIP archive (PyTorch, numpy .npz), whose members `oiji list` shows"),
        (b"\x93NUMPY", "a numpy .npy array, which `oiji show` reads"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
        (b"GGUF", "a GGUF model"),
        (b"PAR1", "Parquet"),
        (b"\0\x06\x15\x61", "a hash file of Berkeley DB 1.85, which `db_dump185` reads"),
        (b"\x61\x15\x06\0", "a hash file of Berkeley DB 1.85, which `db_dump185` reads"),
        (b"version https://git-lfs", "a Git LFS pointer: the file itself is not here; `git lfs pull` fetches it"),
        (b"{", "JSON"),
        (b"<", "HTML or XML"),
    ];
    let known = FORMATS.iter().find(|(magic, _)| head.starts_with(magic)).map(|&(_, kind)| kind);
    known.or_else(|| {
        Store::may_be(head).then_some("a store of pickles under keys, which `oiji show`, `list` and `get` read")
    })
}

fn in_memory<'a>(bytes: &'a [u8], pages: Pages<'a>, limits: Limits, count: &Count) -> (&'a [u8], InputSource<'a>) {
    let source = SliceSource::with_limit(bytes, limits.bytes);
    (bytes, InputSource::Slice(Counted::new(source, count.clone()), pages))
}

/// The bytes of an input, whichever way they come.
pub(crate) enum InputSource<'a> {
    Slice(Counted<SliceSource<'a>>, Pages<'a>),
    Stream(BufferedSource<&'a mut Stream>),
}

/// The same call on either.
macro_rules! either {
    ($self:ident, $source:ident => $call:expr) => {
        match $self {
            InputSource::Slice($source, _) => $call,
            InputSource::Stream($source) => $call,
        }
    };
}

impl<'a> InputSource<'a> {
    /// The pages that its bytes stand in.
    pub(crate) fn pages(&self) -> Pages<'a> {
        match self {
            InputSource::Slice(_, pages) => *pages,
            InputSource::Stream(_) => Pages::none(),
        }
    }
}

impl<'a> Source<'a> for InputSource<'a> {
    #[inline]
    fn offset(&self) -> u64 {
        either!(self, source => source.offset())
    }

    /// Comes often enough to give pages back here.
    #[inline]
    fn byte(&mut self) -> Result<Option<u8>> {
        if let InputSource::Slice(source, pages) = self {
            pages.done(source.offset());
        }
        either!(self, source => source.byte())
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        either!(self, source => source.array())
    }

    #[inline]
    fn take(&mut self, len: u64) -> Result<Chunk<'_, 'a>> {
        either!(self, source => source.take(len))
    }

    #[inline]
    fn line(&mut self) -> Result<Chunk<'_, 'a>> {
        either!(self, source => source.line())
    }

    #[inline]
    fn lines(&mut self) -> Result<(Chunk<'_, 'a>, usize)> {
        either!(self, source => source.lines())
    }

    #[inline]
    fn frame(&mut self, len: u64) -> Result<()> {
        either!(self, source => source.frame(len))
    }

    #[inline]
    fn ready(&mut self) -> Ready<'_, 'a> {
        either!(self, source => source.ready())
    }

    #[inline]
    fn advance(&mut self, len: usize) {
        either!(self, source => source.advance(len));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const NO_LIMITS: LimitArgs = LimitArgs::NONE;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_plain_file_is_mapped_and_a_compressed_one_is_not() {
        let mut plain = Input::open(file(b"\x80\x04N.").path(), NO_LIMITS).unwrap();
        assert_eq!(plain.source().0, b"\x80\x04N.");
        let mut packed = Input::open(file(&gzip(b"\x80\x04N.")).path(), NO_LIMITS).unwrap();
        assert_eq!(packed.source().0, b"");
        assert_eq!(packed.packing().as_deref(), Some("gzip"));
        assert_eq!(packed.bytes().unwrap(), b"\x80\x04N.");
        assert_eq!(packed.source().0, b"\x80\x04N.");
    }

    #[test]
    fn a_tar_is_waited_for_and_a_pickle_that_is_there_is_not() {
        let mut tar = vec![0; 600];
        tar[..8].copy_from_slice(b"data.pkl");
        tar[257..262].copy_from_slice(b"ustar");
        let mut rest = &tar[..];
        assert_eq!(head(&mut rest).unwrap(), &tar[..TAR_HEAD]);
        for (text, len) in [(&b"N.data.pkl"[..], 2), (b"(lp0\n.", 5), (b"cos\nsystem\n", 4)] {
            assert_eq!(head(&mut &text[..]).unwrap().len(), len, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn an_empty_file_is_an_input_without_bytes() {
        let mut input = Input::open(file(b"").path(), NO_LIMITS).unwrap();
        assert_eq!(input.source().1.byte().unwrap(), None);
        assert_eq!(input.len().unwrap(), 0);
    }

    #[test]
    fn the_length_of_a_stream_counts_what_was_taken_and_what_was_not() {
        let mut input = Input::open(file(&gzip(b"N.K\x07.rest")).path(), NO_LIMITS).unwrap();
        assert_eq!(input.source().1.byte().unwrap(), Some(b'N'));
        assert_eq!(input.len().unwrap(), 9);
    }

    #[test]
    fn what_comes_out_of_a_compressed_input_is_limited() {
        let bomb = gzip(&vec![b'N'; 1 << 20]);
        let limits = LimitArgs::of_bytes(1000);
        let mut input = Input::open(file(&bomb).path(), limits).unwrap();
        let error = input.bytes().unwrap_err().to_string();
        assert!(error.contains("larger than 1000 bytes; give --max-bytes SIZE"), "{error}");
        assert!(Input::open(file(&bomb).path(), limits).unwrap().len().unwrap() <= 1000);
    }
}
