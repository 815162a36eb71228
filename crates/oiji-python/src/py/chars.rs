//! The characters of a str, in whichever width it keeps them.

/// Room for the longest UTF-8 of so many characters is made at once.
const SHORT: usize = 1 << 10;

/// The characters of a str.
pub(crate) enum Chars<'a> {
    Ascii(&'a [u8]),
    Latin1(&'a [u8]),
    Two(&'a [u16]),
    Four(&'a [u32]),
}

impl Chars<'_> {
    pub(crate) fn each(&self, mut work: impl FnMut(u32)) {
        match self {
            Chars::Ascii(chars) | Chars::Latin1(chars) => chars.iter().for_each(|char| work(u32::from(*char))),
            Chars::Two(chars) => chars.iter().for_each(|char| work(u32::from(*char))),
            Chars::Four(chars) => chars.iter().for_each(|char| work(*char)),
        }
    }

    /// Appends UTF-8, surrogates let through.
    pub(crate) fn utf8(&self, out: &mut Vec<u8>) {
        if let Chars::Ascii(chars) = self {
            return out.extend_from_slice(chars);
        }
        let (count, most) = match self {
            Chars::Ascii(chars) | Chars::Latin1(chars) => (chars.len(), 2),
            Chars::Two(chars) => (chars.len(), 3),
            Chars::Four(chars) => (chars.len(), 4),
        };
        if count < SHORT {
            out.reserve(most * count);
        }
        self.each(|char| match char {
            ..0x80 => out.push(char as u8),
            0x80..0x800 => out.extend([0xc0 | (char >> 6) as u8, 0x80 | (char & 0x3f) as u8]),
            0x800..0x1_0000 => {
                out.extend([0xe0 | (char >> 12) as u8, 0x80 | (char >> 6 & 0x3f) as u8, 0x80 | (char & 0x3f) as u8]);
            }
            _ => out.extend([
                0xf0 | (char >> 18) as u8,
                0x80 | (char >> 12 & 0x3f) as u8,
                0x80 | (char >> 6 & 0x3f) as u8,
                0x80 | (char & 0x3f) as u8,
            ]),
        });
    }
}
