//! Writes a ZIP member by member. Stored members begin at multiples of 64 bytes, so that they can be mapped.

use std::io::{self, BufWriter, Write};

use flate2::CrcWriter;
use flate2::write::DeflateEncoder;
use rawzip::extra_fields::ExtraFieldId;
use rawzip::path::ZipFilePath;
use rawzip::{CompressionMethod, DataDescriptorOutput, Header, ZipArchiveWriter};

use crate::archive::Compression;
use crate::archive::zip::invalid;
use crate::error::{Error, Result};

/// Where the data of stored members begins: at multiples of this.
const ALIGNMENT: u64 = 64;

/// The field that fills a header up, by a name that nobody else has.
const PADDING: ExtraFieldId = ExtraFieldId::new(0x4f4a);

/// How long a local header is without name and fields, and the beginning of a field.
const HEADER: u64 = 30;
const FIELD: u64 = 4;

/// Writes a ZIP member by member.
pub(crate) struct ZipWriter<W: Write> {
    archive: ZipArchiveWriter<BufWriter<W>>,
}

impl<W: Write> ZipWriter<W> {
    pub(crate) fn new(to: W) -> Self {
        ZipWriter { archive: ZipArchiveWriter::new(BufWriter::new(to)) }
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
        let at = self.archive.stream_offset() + HEADER + name.len() as u64;
        let file = self.archive.new_file(name).unix_permissions(0o100_644);
        if compression == Compression::Deflated {
            let file = file.compression_method(CompressionMethod::DEFLATE);
            let (mut entry, config) = file.start().map_err(failed)?;
            let encoder = DeflateEncoder::new(&mut entry, flate2::Compression::default());
            let mut writer = config.wrap(encoder);
            write(&mut writer)?;
            let (encoder, descriptor) = writer.finish().map_err(failed)?;
            encoder.finish()?;
            entry.finish(descriptor).map_err(failed)?;
            return Ok(());
        }
        // A field is at least its own header; one that is not needed is left out.
        let file = match at % ALIGNMENT {
            0 => file,
            _ => {
                let len = (ALIGNMENT - (at + FIELD) % ALIGNMENT) % ALIGNMENT;
                file.extra_field(PADDING, &vec![0; len as usize], Header::LOCAL).map_err(failed)?
            }
        };
        let (mut entry, _) = file.start().map_err(failed)?;
        // Several times as fast as the crate's own sum.
        let mut writer = CrcWriter::new(&mut entry);
        write(&mut writer)?;
        let sum = writer.crc().sum();
        let size = entry.compressed_bytes();
        entry.finish(DataDescriptorOutput::new(sum, size)).map_err(failed)?;
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

fn failed(error: rawzip::Error) -> Error {
    match error.into_kind() {
        rawzip::ErrorKind::IO(error) => error.into(),
        other => invalid(other.to_string().to_lowercase()),
    }
}
