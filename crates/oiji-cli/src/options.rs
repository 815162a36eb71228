//! Options that several commands share.

use oiji::archive::Compression;
use oiji::op::text::{DecodeErrors, Py2Encoding};
use oiji::{Limits, ReadOptions};

/// How much an input may make the command do.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Most bytes taken from one input, after decompression: a number with K, M, G or T if it is large
    #[arg(long, value_name = "SIZE", value_parser = parse_size, conflicts_with = "unlimited")]
    max_bytes: Option<u64>,

    /// No limits at all: only for files that you trust
    #[arg(long)]
    unlimited: bool,
}

/// Most bytes that come out of a compressed input unless `--max-bytes` says otherwise: a small file may claim any size.
const DECOMPRESSED: u64 = 4 << 30;

impl LimitArgs {
    /// The limits for one input.
    pub(crate) fn limits(self, compressed: bool) -> Limits {
        if self.unlimited {
            return Limits::unlimited();
        }
        let mut limits = Limits::default();
        if compressed {
            limits.bytes = limits.bytes.min(DECOMPRESSED);
        }
        limits.bytes = self.max_bytes.unwrap_or(limits.bytes);
        limits
    }
}

/// How members of archives are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Compress {
    /// Smaller
    Deflate,
    /// Smaller and faster, for oiji alone: NumPy does not read it
    Zstd,
}

impl Compress {
    /// The compression that was asked for, or none.
    pub(crate) fn of(asked: Option<Compress>) -> Compression {
        match asked {
            None => Compression::Stored,
            Some(Compress::Deflate) => Compression::Deflated,
            Some(Compress::Zstd) => Compression::Zstd,
        }
    }
}

/// What to take the strings of Python 2 for, and its names.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Python 2")]
pub(crate) struct Py2Args {
    /// Decode Python 2 strings: ASCII, latin1, utf-8 or bytes [default: leave them a type of their own]
    #[arg(long, value_name = "NAME")]
    encoding: Option<Py2Encoding>,

    /// What to do with bytes that the encoding does not have: strict, ignore, replace, backslashreplace, surrogateescape
    /// or surrogatepass
    #[arg(long, value_name = "MODE", default_value = "strict", requires = "encoding", hide_default_value = true)]
    errors: DecodeErrors,

    /// Leave names of Python 2 modules and classes as they stand in protocols 0 to 2
    #[arg(long)]
    no_fix_imports: bool,

    /// Take \r\n for the end of a line: for files of protocol 0 that went through a text mode of Windows
    #[arg(long)]
    crlf: bool,
}

impl Py2Args {
    /// Whether strings are to be decoded, or lines mended: then ops cannot stay as they stand.
    pub(crate) fn is_decoding(self) -> bool {
        self.encoding.is_some() || self.crlf
    }

    /// Whether names are to be mapped.
    pub(crate) fn fix_imports(self) -> bool {
        !self.no_fix_imports
    }

    /// Options for reading.
    pub(crate) fn read_options(self) -> ReadOptions<'static> {
        let options = ReadOptions::new().fix_imports(!self.no_fix_imports).crlf(self.crlf);
        match self.encoding {
            Some(encoding) => options.py2_strings(encoding, self.errors),
            None => options,
        }
    }
}

/// `500`, `64K`, `1.5G`, `2GiB`: powers of 1024.
fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no size; write 500, 64K, 10M, 2G or 1T");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return Err(wrong()),
    };
    if let Ok(whole) = digits.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(wrong);
    }
    match digits.parse::<f64>() {
        Ok(size) if size >= 0.0 && size * (factor as f64) < u64::MAX as f64 => Ok((size * factor as f64) as u64),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
impl LimitArgs {
    /// What holds when nothing is said.
    pub(crate) const NONE: LimitArgs = LimitArgs { max_bytes: None, unlimited: false };

    pub(crate) fn of_bytes(bytes: u64) -> LimitArgs {
        LimitArgs { max_bytes: Some(bytes), ..LimitArgs::NONE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        let sizes = ["0", "500", "64K", "1.5k", "2GiB", "1t"].map(|text| parse_size(text).unwrap());
        assert_eq!(sizes, [0, 500, 64 << 10, 1536, 2 << 30, 1 << 40]);
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "K", "-1", "1X", "nan", "inf", "99999999999999999999", "20000000T", "1e30T"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn less_may_come_out_of_a_compressed_input() {
        let args = LimitArgs::NONE;
        assert!(args.limits(true).bytes < args.limits(false).bytes);
        assert_eq!(LimitArgs::of_bytes(9).limits(true).bytes, 9);
        assert_eq!(LimitArgs { unlimited: true, ..args }.limits(true), Limits::unlimited());
    }
}
