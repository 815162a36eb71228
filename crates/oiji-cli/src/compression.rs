//! Compressed inputs: told by their first bytes, opened as readers of what was compressed.
//!
//! Nothing here knows files, pickles or limits: whoever reads stops when it has had enough. The formats are those that
//! pickles are kept in, each with several members or frames after one another, as their own tools read them.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::path::Path;

/// A way to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zlib,
    Bzip2,
    Xz,
    /// The format before xz, which `lzma` and joblib still write.
    Lzma,
    Zstd,
    Lz4,
}

/// How many first bytes tell a compression.
pub(crate) const HEAD_LEN: usize = 13;

/// Most memory that an xz or lzma file may ask for, in KiB. `xz -9` asks for 64 MiB.
const LZMA_MEMORY: u32 = 1 << 20;

impl Compression {
    /// The compression that `head`, the first bytes of an input, tells.
    ///
    /// Bytes that could begin a pickle as well are not enough: `B` and `(` are opcodes, so bzip2 and zstd are told by
    /// all of their magic.
    pub(crate) fn of(head: &[u8]) -> Option<Compression> {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Some(Compression::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', block @ ..] => {
                let begins = block.starts_with(b"1AY&SY") || block.starts_with(b"\x17rE8P\x90");
                begins.then_some(Compression::Bzip2)
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
            // No magic, but as `]` a list and 0 no opcode it begins no pickle. A dictionary of 2^n or 2^n + 2^(n-1) bytes
            // and a size that is unknown or below 256 GiB is what the `xz` program asks for too.
            [0x5d, d0, d1, d2, d3, size @ ..] if size.len() >= 8 => {
                let dictionary = u32::from_le_bytes([*d0, *d1, *d2, *d3]);
                let top_bits = dictionary.checked_shr(dictionary.trailing_zeros()).unwrap_or(0);
                let has_size = size[..8] == [0xff; 8] || size[5..8] == [0; 3] && size[4] < 0x40;
                (*d0 == 0 && matches!(top_bits, 1 | 3) && has_size).then_some(Compression::Lzma)
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Compression::Zstd),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Compression::Lz4),
            // No opcode is 0x78. The second byte makes the two a multiple of 31, and has no bit for a dictionary.
            [0x78, flags, ..] if (0x7800 + u16::from(*flags)).is_multiple_of(31) && flags & 0x20 == 0 => {
                Some(Compression::Zlib)
            }
            _ => None,
        }
    }

    /// Whether more bytes after `head` could still tell a compression.
    pub(crate) fn may_begin(head: &[u8]) -> bool {
        let magics: [&[u8]; 7] =
            [b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\x5d\0", b"\x78"];
        magics.iter().any(|magic| magic.starts_with(head) || head.starts_with(magic))
    }

    /// The compression that the end of a file's name promises.
    pub(crate) fn of_name(path: &Path) -> Option<Compression> {
        match path.extension()?.to_str()? {
            "gz" | "gzip" => Some(Compression::Gzip),
            "bz2" => Some(Compression::Bzip2),
            "xz" => Some(Compression::Xz),
            "lzma" => Some(Compression::Lzma),
            "zst" | "zstd" => Some(Compression::Zstd),
            "lz4" => Some(Compression::Lz4),
            _ => None,
        }
    }

    /// A reader of what was compressed.
    pub(crate) fn reader<R: BufRead + 'static>(self, reader: R) -> Box<dyn Read> {
        match self {
            Compression::Gzip => self.named(flate2::bufread::MultiGzDecoder::new(reader)),
            Compression::Zlib => self.named(Zlib(flate2::bufread::ZlibDecoder::new(reader))),
            Compression::Bzip2 => self.named(bzip2::bufread::MultiBzDecoder::new(reader)),
            Compression::Xz => self.named(lzma_rust2::XzReader::new_mem_limit(reader, true, LZMA_MEMORY)),
            Compression::Lzma => self.named(Lzma { stream: None, header: Some(reader) }),
            Compression::Zstd => self.named(Zstd::Closed(Some(reader))),
            Compression::Lz4 => self.named(Lz4::new(reader)),
        }
    }

    fn named<R: Read + 'static>(self, reader: R) -> Box<dyn Read> {
        Box::new(Named { compression: self, reader })
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::Gzip => "gzip",
            Compression::Zlib => "zlib",
            Compression::Bzip2 => "bzip2",
            Compression::Xz => "xz",
            Compression::Lzma => "lzma",
            Compression::Zstd => "zstd",
            Compression::Lz4 => "lz4",
        })
    }
}

/// Says in its errors which compression was at work.
struct Named<R> {
    compression: Compression,
    reader: R,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            // Otherwise a cut file would look like a pickle that ends early.
            _ => io::Error::other(format!("the {} data is broken or cut off: {error}", self.compression)),
        })
    }
}

/// One zlib stream, and nothing after it.
struct Zlib<R>(flate2::bufread::ZlibDecoder<R>);

impl<R: BufRead> Read for Zlib<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(buffer)?;
        if count == 0 && !buffer.is_empty() && !self.0.get_mut().fill_buf()?.is_empty() {
            return Err(io::Error::other("something follows its end"));
        }
        Ok(count)
    }
}

/// One lzma stream, and nothing after it. Its header is looked at when the first byte is asked for.
struct Lzma<R> {
    stream: Option<Box<lzma_rust2::LzmaReader<R>>>,
    header: Option<R>,
}

impl<R: BufRead> Read for Lzma<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(reader) = self.header.take() {
            self.stream = Some(Box::new(lzma_rust2::LzmaReader::new_mem_limit(reader, LZMA_MEMORY, None)?));
        }
        let Some(stream) = &mut self.stream else { return Err(io::Error::other("its header is broken")) };
        let count = stream.read(buffer)?;
        if count == 0 && !buffer.is_empty() && !stream.inner_mut().fill_buf()?.is_empty() {
            return Err(io::Error::other("something follows its end"));
        }
        Ok(count)
    }
}

/// The frames of an lz4 file.
struct Lz4<R: Read> {
    decoder: lz4_flex::frame::FrameDecoder<Ended<R>>,
    is_over: bool,
}

impl<R: BufRead> Lz4<R> {
    fn new(reader: R) -> Self {
        let reader = Ended { reader, is_at_end: false };
        Lz4 { decoder: lz4_flex::frame::FrameDecoder::new(reader), is_over: false }
    }
}

impl<R: BufRead> Read for Lz4<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() && !self.is_over {
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            // The decoder gives nothing at the end of a frame, and just so where the input ends inside one. Only in one
            // of the two cases has it asked for bytes that were not there.
            let input = self.decoder.get_mut();
            if input.is_at_end {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.is_over = input.reader.fill_buf()?.is_empty();
        }
        Ok(0)
    }
}

/// A reader that remembers whether more was asked for than it had.
struct Ended<R> {
    reader: R,
    is_at_end: bool,
}

impl<R: Read> Read for Ended<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.is_at_end |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

/// The frames of a zstd file, which is opened when the first byte is asked for.
enum Zstd<R: BufRead> {
    Closed(Option<R>),
    Open(Box<zstd::stream::read::Decoder<'static, R>>),
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Zstd::Closed(reader) = self {
            let Some(reader) = reader.take() else { return Err(io::Error::other("it could not be opened")) };
            *self = Zstd::Open(Box::new(zstd::stream::read::Decoder::with_buffer(reader)?));
        }
        match self {
            Zstd::Open(decoder) => decoder.read(buffer),
            Zstd::Closed(_) => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"salt, cucumbers, water; salt, cucumbers, water; wait";

    fn compressed(compression: Compression) -> Vec<u8> {
        match compression {
            Compression::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                writer.write_all(TEXT).unwrap();
                writer.finish().unwrap()
            }
            Compression::Zlib => {
                let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
                writer.write_all(TEXT).unwrap();
                writer.finish().unwrap()
            }
            Compression::Bzip2 => {
                let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
                writer.write_all(TEXT).unwrap();
                writer.finish().unwrap()
            }
            Compression::Xz => {
                let options = lzma_rust2::XzOptions::default();
                let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
                writer.write_all(TEXT).unwrap();
                writer.finish().unwrap()
            }
            Compression::Lzma => {
                let options = lzma_rust2::LzmaOptions::with_preset(1);
                let mut writer = lzma_rust2::LzmaWriter::new_use_header(Vec::new(), &options, None).unwrap();
                writer.write_all(TEXT).unwrap();
                writer.finish().unwrap()
            }
            Compression::Zstd => zstd::encode_all(TEXT, 1).unwrap(),
            Compression::Lz4 => {
                let mut writer = lz4_flex::frame::FrameEncoder::new(Vec::new());
                writer.write_all(TEXT).unwrap();
                writer.finish().unwrap()
            }
        }
    }

    const ALL: [Compression; 7] = [
        Compression::Gzip,
        Compression::Zlib,
        Compression::Bzip2,
        Compression::Xz,
        Compression::Lzma,
        Compression::Zstd,
        Compression::Lz4,
    ];

    fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let compression = Compression::of(&bytes).unwrap();
        let mut out = Vec::new();
        compression.reader(io::Cursor::new(bytes)).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn each_compression_is_told_by_its_first_bytes_and_undone() {
        for compression in ALL {
            let bytes = compressed(compression);
            assert_eq!(Compression::of(&bytes[..HEAD_LEN]), Some(compression));
            assert_eq!(read(bytes).unwrap(), TEXT, "{compression}");
        }
    }

    #[test]
    fn members_after_one_another_are_one_input() {
        let one_stream = [Compression::Zlib, Compression::Lzma];
        for compression in ALL.into_iter().filter(|compression| !one_stream.contains(compression)) {
            let twice = [compressed(compression), compressed(compression)].concat();
            assert_eq!(read(twice).unwrap(), [TEXT, TEXT].concat(), "{compression}");
        }
    }

    #[test]
    fn skippable_zstd_frames_are_skipped() {
        let skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc";
        let bytes = [&compressed(Compression::Zstd), &skippable[..], &compressed(Compression::Zstd)].concat();
        assert_eq!(read(bytes).unwrap(), [TEXT, TEXT].concat());
    }

    #[test]
    fn what_is_cut_off_is_an_error_wherever_it_is_cut() {
        for compression in ALL {
            let bytes = compressed(compression);
            for len in HEAD_LEN..bytes.len() {
                let error = read(bytes[..len].to_vec());
                assert!(error.is_err(), "{compression} cut to {len} of {}", bytes.len());
            }
        }
    }

    #[test]
    fn flipped_bits_do_not_panic() {
        for compression in ALL {
            let bytes = compressed(compression);
            for at in HEAD_LEN..bytes.len() {
                let mut broken = bytes.clone();
                broken[at] ^= 0x10;
                let _ = read(broken);
            }
        }
    }

    #[test]
    fn a_pickle_is_not_taken_for_compressed() {
        // bytes of 825 million characters, and a mark before an unknown opcode
        assert_eq!(Compression::of(b"BZh9AAAAAA"), None);
        assert_eq!(Compression::of(b"(\xb5"), None);
        assert_eq!(Compression::of(b"\x80\x04K\x01."), None);
        assert_eq!(Compression::of(b""), None);
    }
}
