//! Writes a ZIP member by member. Stored members begin at multiples of 64 bytes, so that they can be mapped.

use std::io::{self, BufWriter, Read, Write};

use flate2::CrcWriter;
use flate2::write::DeflateEncoder;
use rawzip::extra_fields::ExtraFieldId;
use rawzip::path::{EntryPath, ZipFilePath};
use rawzip::{CompressionMethod, DataDescriptorOutput, Header, ZipArchiveWriter, ZipVerification};

use crate::archive::Compression;
use crate::archive::zip::invalid;
use crate::error::{Error, Result};

/// Where the data of stored members begins: at multiples of this.
const ALIGNMENT: u64 = 64;

/// The field that fills a header up, by a name that nobody else has.
const PADDING: ExtraFieldId = ExtraFieldId::new(0x4f4a);

/// A plain file that all may read.
const MODE: u32 = 0o100_644;

/// How long a local header is without name and fields, and the beginning of a field.
const HEADER: u64 = 30;
const FIELD: u64 = 4;

/// Writes a ZIP member by member.
pub(crate) struct ZipWriter<W: Write> {
    archive: ZipArchiveWriter<BufWriter<W>>,
}

impl<W: Write> ZipWriter<W> {
    pub(crate) fn new(to: W) -> Self {
        ZipWriter::at(to, 0)
    }

    /// Writes on from `offset` in a file.
    pub(crate) fn at(to: W, offset: u64) -> Self {
        ZipWriter { archive: ZipArchiveWriter::builder().with_offset(offset).build(BufWriter::new(to)) }
    }

    /// Where the next member, or the directory, begins.
    pub(crate) fn offset(&self) -> u64 {
        self.archive.stream_offset()
    }

    /// The name that a member asked for by `name` has: without steps out of the folder it may be taken out into.
    pub(crate) fn clean(name: &str) -> String {
        ZipFilePath::from_str(name).as_str().trim_end_matches('/').to_owned()
    }

    /// Writes one member by `write`.
    ///
    /// # Errors
    /// `Io`, and what `write` says.
    pub(crate) fn member(
        &mut self,
        name: &str,
        compression: Compression,
        write: impl FnOnce(&mut dyn Write) -> Result<()>,
    ) -> Result<()> {
        let method = match compression {
            Compression::Stored => CompressionMethod::STORE,
            Compression::Deflated => CompressionMethod::DEFLATE,
            Compression::Zstd if cfg!(feature = "zstd") => CompressionMethod::ZSTD,
            Compression::Zstd => return Err(invalid("nothing is compressed by zstd without the feature zstd")),
            Compression::Other(method) => {
                return Err(invalid(format!("nothing is compressed by method {method} here")));
            }
        };
        let padding = self.padding(name.len()).filter(|_| compression == Compression::Stored);
        let file = self.archive.new_file(name).unix_permissions(MODE).compression_method(method);
        let file = match padding {
            None => file,
            Some(padding) => file.extra_field(PADDING, &padding, Header::LOCAL).map_err(failed)?,
        };
        let (mut entry, _) = file.start().map_err(failed)?;
        let sum = match compression {
            Compression::Deflated => {
                let encoder = DeflateEncoder::new(&mut entry, flate2::Compression::default());
                let (encoder, sum) = summed(encoder, write)?;
                encoder.finish()?;
                sum
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd => {
                let encoder = zstd::stream::write::Encoder::new(&mut entry, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                let (encoder, sum) = summed(encoder, write)?;
                encoder.finish()?;
                sum
            }
            _ => summed(&mut entry, write)?.1,
        };
        entry.finish(sum).map_err(failed)?;
        Ok(())
    }

    /// What fills the header of a member up, if anything does: its data then begins where stored data is to.
    fn padding(&self, name_len: usize) -> Option<Vec<u8>> {
        let at = self.archive.stream_offset() + HEADER + name_len as u64;
        // A field is at least its own header; one that is not needed is left out.
        let len = (ALIGNMENT - (at + FIELD) % ALIGNMENT) % ALIGNMENT;
        (!at.is_multiple_of(ALIGNMENT)).then(|| vec![0; len as usize])
    }

    /// Writes one member of another ZIP as it stands there, compressed or not.
    ///
    /// # Errors
    /// `Io`, and that of `raw`.
    pub(crate) fn raw_member(
        &mut self,
        name: &[u8],
        method: CompressionMethod,
        sum: ZipVerification,
        raw: &mut dyn Read,
    ) -> Result<()> {
        let padding = self.padding(name.len()).filter(|_| method == CompressionMethod::STORE);
        let file = self.archive.new_file(EntryPath::verbatim(name)).unix_permissions(MODE).compression_method(method);
        let file = match padding {
            None => file,
            Some(padding) => file.extra_field(PADDING, &padding, Header::LOCAL).map_err(failed)?,
        };
        let (mut entry, _) = file.start().map_err(failed)?;
        io::copy(raw, &mut entry)?;
        entry.finish(DataDescriptorOutput::new(sum.crc, sum.uncompressed_size)).map_err(failed)?;
        Ok(())
    }

    /// Writes the directory.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn finish(self) -> Result<W> {
        let buffered = self.archive.finish().map_err(failed)?;
        Ok(buffered.into_inner().map_err(io::IntoInnerError::into_error)?)
    }
}

/// Writes by `write`; what was written has this length and checksum.
fn summed<W: Write>(to: W, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<(W, DataDescriptorOutput)> {
    /// Counts as the checksum is made.
    struct Counted<W>(W, u64);
    impl<W: Write> Write for Counted<W> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = self.0.write(bytes)?;
            self.1 += len as u64;
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }
    // Several times as fast as the sum of `rawzip`.
    let mut writer = CrcWriter::new(Counted(to, 0));
    write(&mut writer)?;
    let sum = writer.crc().sum();
    let Counted(to, size) = writer.into_inner();
    Ok((to, DataDescriptorOutput::new(sum, size)))
}

fn failed(error: rawzip::Error) -> Error {
    match error.into_kind() {
        rawzip::ErrorKind::IO(error) => error.into(),
        other => invalid(other.to_string().to_lowercase()),
    }
}
