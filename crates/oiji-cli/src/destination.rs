//! Where `convert` and its like write: a file that appears whole or not at all, compressed as its name says, or standard output.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use crate::compression::Compression;
use crate::failure::{Failure, explain, explain_io};
use crate::output::{self, Stdout};
use crate::pages::Pages;
use crate::progress::{Count, Counted, Watch};
use crate::replace::Replacement;

/// An open destination. Unless it is finished, a file stays as it was.
pub(crate) struct Destination {
    name: String,
    packer: Packer,
    /// Whether an error met while reading and writing came from here.
    is_broken: bool,
}

/// What is written to.
enum Target {
    Stdout(Stdout),
    File(Replacement),
}

/// What is written to, behind a compression.
enum Packer {
    Plain(Target),
    Gzip(flate2::write::GzEncoder<Target>),
    Bzip2(bzip2::write::BzEncoder<Target>),
    Xz(Box<lzma_rust2::XzWriter<Target>>),
    Zstd(zstd::stream::write::Encoder<'static, Target>),
    Lz4(Box<lz4_flex::frame::FrameEncoder<Target>>),
}

impl Destination {
    /// Opens the file at `path`, or standard output where there is no path or `-`, which a terminal is only for text.
    pub(crate) fn open(path: Option<&Path>, is_text: bool) -> Result<Destination, Failure> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            if !is_text && io::stdout().is_terminal() {
                let problem = "will not write bytes to a terminal; give -o FILE or pipe it on";
                return Err(Failure::about("standard output", problem));
            }
            let packer = Packer::Plain(Target::Stdout(output::stdout()));
            return Ok(Destination { name: "standard output".to_owned(), packer, is_broken: false });
        };
        let name = output::name(path);
        let about = |error: io::Error| Failure::about(&name, explain_io(&error));
        let compression = Compression::of_name(path);
        if let Some(compression @ Compression::Lzma) = compression {
            let problem = "is read but not written; end the name in .gz, .bz2, .xz, .zst or .lz4, or pipe it on";
            return Err(Failure::about(&name, format!("{compression} {problem}")));
        }
        let target = Target::File(Replacement::begin(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::about(&name, "no such folder to write to"),
            _ => about(error),
        })?);
        let packer = match compression {
            Some(Compression::Gzip) => Packer::Gzip(flate2::write::GzEncoder::new(target, Default::default())),
            Some(Compression::Bzip2) => Packer::Bzip2(bzip2::write::BzEncoder::new(target, Default::default())),
            Some(Compression::Xz) => {
                let writer = lzma_rust2::XzWriter::new(target, lzma_rust2::XzOptions::default()).map_err(about)?;
                Packer::Xz(Box::new(writer))
            }
            Some(Compression::Zstd) => {
                let mut writer =
                    zstd::stream::write::Encoder::new(target, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(about)?;
                writer.include_checksum(true).map_err(about)?;
                Packer::Zstd(writer)
            }
            Some(Compression::Lz4) => Packer::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(target))),
            _ => Packer::Plain(target),
        };
        Ok(Destination { name, packer, is_broken: false })
    }

    /// Lets `work` write, about the input `name`, with a bar while it takes long: of `total` bytes, if they are known. Pages
    /// of the input are given back on the way.
    pub(crate) fn write_with(
        &mut self,
        name: &str,
        total: Option<u64>,
        pages: Pages<'_>,
        work: impl FnOnce(&mut dyn Write) -> oiji::Result<()>,
    ) -> Result<(), Failure> {
        let count = Count::default();
        let watch = Watch { name: self.name.clone(), count: count.clone(), total };
        let written = watch.during(|| work(&mut pages.while_writing(Counted::new(&mut *self, count))));
        match written {
            Ok(()) => Ok(()),
            Err(error) if self.is_broken() => Err(self.failure(error.into())),
            Err(error) => Err(Failure::about(name, explain(&error))),
        }
    }

    /// What is to be said of an error of writing.
    pub(crate) fn failure(&self, error: io::Error) -> Failure {
        match self.packer {
            Packer::Plain(Target::Stdout(_)) => Failure::writing(error),
            _ => Failure::about(&self.name, explain_io(&error)),
        }
    }

    /// Whether an error met while reading and writing came from here.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Writes what is left and puts a file in its place.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        let is_stdout = matches!(self.packer, Packer::Plain(Target::Stdout(_)));
        let finished = self.packer.finish().and_then(|target| match target {
            Target::Stdout(mut out) => out.flush(),
            Target::File(file) => file.finish(),
        });
        finished.map_err(|error| match is_stdout {
            true => Failure::writing(error),
            false => Failure::about(&self.name, explain_io(&error)),
        })
    }
}

impl Packer {
    fn finish(self) -> io::Result<Target> {
        match self {
            Packer::Plain(target) => Ok(target),
            Packer::Gzip(writer) => writer.finish(),
            Packer::Bzip2(writer) => writer.finish(),
            Packer::Xz(writer) => writer.finish(),
            Packer::Zstd(writer) => writer.finish(),
            Packer::Lz4(writer) => writer.finish().map_err(io::Error::other),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Packer::Plain(target) => target,
            Packer::Gzip(writer) => writer,
            Packer::Bzip2(writer) => writer,
            Packer::Xz(writer) => writer,
            Packer::Zstd(writer) => writer,
            Packer::Lz4(writer) => writer,
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.packer.writer().write(bytes);
        self.is_broken |= result.is_err();
        result
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.packer.writer().flush();
        self.is_broken |= result.is_err();
        result
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Stdout(out) => out.write(bytes),
            Target::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::Stdout(out) => out.flush(),
            Target::File(file) => file.flush(),
        }
    }
}
