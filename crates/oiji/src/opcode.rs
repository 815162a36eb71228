//! The opcode table: one row for each of the 68 opcodes of protocols 0 to 5, and all that is derived from it.
//!
//! Reader, writer, disassembler and documentation take what they know of an opcode from its row. What an opcode does to
//! the stack is in `machine`. Source: `pickletools.opcodes`, against which a test holds the table.

use std::fmt;

/// The protocol that writers use unless told otherwise: what CPython 3.8 to 3.13 write, and 3.4 and later read.
pub const DEFAULT_PROTOCOL: u8 = 4;

/// The highest protocol there is.
pub const HIGHEST_PROTOCOL: u8 = 5;

macro_rules! opcodes {
    ($($variant:ident = $code:literal, $name:literal, $protocol:literal, $arg:ident, [$($before:ident),*] => [$($after:ident),*], $doc:literal;)*) => {
        /// An opcode of protocols 0 to 5. A byte that is none of these is an error, not a variant.
        ///
        /// ```
        /// use oiji::Opcode;
        /// assert_eq!(Opcode::from_code(b'('), Some(Opcode::Mark));
        /// assert_eq!(Opcode::ShortBinUnicode.name(), "SHORT_BINUNICODE");
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Opcode {
            $(#[doc = $doc] $variant = $code,)*
        }

        impl Opcode {
            /// Every opcode, in the order of the table.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$variant),*];

            /// The opcode with this byte.
            #[inline]
            pub fn from_code(code: u8) -> Option<Opcode> {
                match code {
                    $($code => Some(Opcode::$variant),)*
                    _ => None,
                }
            }

            /// The whole row of the table.
            pub const fn row(self) -> &'static Row {
                match self {
                    $(Opcode::$variant => &Row {
                        opcode: Opcode::$variant,
                        name: $name,
                        protocol: $protocol,
                        arg: ArgKind::$arg,
                        before: &[$(StackItem::$before),*],
                        after: &[$(StackItem::$after),*],
                        doc: $doc,
                    },)*
                }
            }
        }
    };
}

/// One row of the opcode table.
#[derive(Debug)]
pub struct Row {
    /// The opcode.
    pub opcode: Opcode,
    /// Its name in `pickletools`.
    pub name: &'static str,
    /// The first protocol that has it.
    pub protocol: u8,
    /// What follows its byte.
    pub arg: ArgKind,
    /// What it takes from the stack, the deepest first.
    pub before: &'static [StackItem],
    /// What it leaves on the stack, the deepest first.
    pub after: &'static [StackItem],
    /// What it does, in one line.
    pub doc: &'static str,
}

opcodes! {
    Int = b'I', "INT", 0, DecimalNlShort, [] => [IntOrBool], "An int, or a bool as `00` and `01`, as decimal text.";
    BinInt = b'J', "BININT", 1, Int4, [] => [Int], "An int of four signed bytes.";
    BinInt1 = b'K', "BININT1", 1, Uint1, [] => [Int], "An int of one unsigned byte.";
    BinInt2 = b'M', "BININT2", 1, Uint2, [] => [Int], "An int of two unsigned bytes.";
    Long = b'L', "LONG", 0, DecimalNlLong, [] => [Int], "An int of any size as decimal text with a final `L`.";
    Long1 = 0x8a, "LONG1", 2, Long1, [] => [Int], "An int of up to 255 bytes, two's complement.";
    Long4 = 0x8b, "LONG4", 2, Long4, [] => [Int], "An int of up to 2^31 bytes, two's complement.";
    String = b'S', "STRING", 0, StringNl, [] => [BytesOrStr], "A Python 2 `str` in quotes with escapes.";
    BinString = b'T', "BINSTRING", 1, String4, [] => [BytesOrStr], "A Python 2 `str` with a signed four-byte length.";
    ShortBinString = b'U', "SHORT_BINSTRING", 1, String1, [] => [BytesOrStr], "A Python 2 `str` of up to 255 bytes.";
    BinBytes = b'B', "BINBYTES", 3, Bytes4, [] => [Bytes], "Bytes with a four-byte length.";
    ShortBinBytes = b'C', "SHORT_BINBYTES", 3, Bytes1, [] => [Bytes], "Bytes, up to 255 of them.";
    BinBytes8 = 0x8e, "BINBYTES8", 4, Bytes8, [] => [Bytes], "Bytes with an eight-byte length.";
    ByteArray8 = 0x96, "BYTEARRAY8", 5, ByteArray8, [] => [ByteArray], "A bytearray with an eight-byte length.";
    NextBuffer = 0x97, "NEXT_BUFFER", 5, None, [] => [Buffer], "The next out-of-band buffer.";
    ReadonlyBuffer = 0x98, "READONLY_BUFFER", 5, None, [Buffer] => [Buffer], "Makes the buffer on top of the stack read-only.";
    None = b'N', "NONE", 0, None, [] => [None], "None.";
    NewTrue = 0x88, "NEWTRUE", 2, None, [] => [Bool], "True.";
    NewFalse = 0x89, "NEWFALSE", 2, None, [] => [Bool], "False.";
    Unicode = b'V', "UNICODE", 0, UnicodeStringNl, [] => [Str], "A str as a line of raw-unicode-escape text.";
    ShortBinUnicode = 0x8c, "SHORT_BINUNICODE", 4, UnicodeString1, [] => [Str], "A str of up to 255 bytes of UTF-8.";
    BinUnicode = b'X', "BINUNICODE", 1, UnicodeString4, [] => [Str], "A str with a four-byte length.";
    BinUnicode8 = 0x8d, "BINUNICODE8", 4, UnicodeString8, [] => [Str], "A str with an eight-byte length.";
    Float = b'F', "FLOAT", 0, FloatNl, [] => [Float], "A float as decimal text.";
    BinFloat = b'G', "BINFLOAT", 1, Float8, [] => [Float], "A float of eight bytes, big-endian.";
    EmptyList = b']', "EMPTY_LIST", 1, None, [] => [List], "An empty list.";
    Append = b'a', "APPEND", 0, None, [List, Any] => [List], "Appends the top value to the list below it.";
    Appends = b'e', "APPENDS", 1, None, [List, Mark, Slice] => [List], "Appends all values above the mark to the list below it.";
    List = b'l', "LIST", 0, None, [Mark, Slice] => [List], "A list of all values above the mark.";
    EmptyTuple = b')', "EMPTY_TUPLE", 1, None, [] => [Tuple], "The empty tuple.";
    Tuple = b't', "TUPLE", 0, None, [Mark, Slice] => [Tuple], "A tuple of all values above the mark.";
    Tuple1 = 0x85, "TUPLE1", 2, None, [Any] => [Tuple], "A tuple of the top value.";
    Tuple2 = 0x86, "TUPLE2", 2, None, [Any, Any] => [Tuple], "A tuple of the two top values.";
    Tuple3 = 0x87, "TUPLE3", 2, None, [Any, Any, Any] => [Tuple], "A tuple of the three top values.";
    EmptyDict = b'}', "EMPTY_DICT", 1, None, [] => [Dict], "An empty dict.";
    Dict = b'd', "DICT", 0, None, [Mark, Slice] => [Dict], "A dict of the keys and values above the mark.";
    SetItem = b's', "SETITEM", 0, None, [Dict, Any, Any] => [Dict], "Sets one key to one value in the dict below them.";
    SetItems = b'u', "SETITEMS", 1, None, [Dict, Mark, Slice] => [Dict], "Sets all keys and values above the mark in the dict below it.";
    EmptySet = 0x8f, "EMPTY_SET", 4, None, [] => [Set], "An empty set.";
    AddItems = 0x90, "ADDITEMS", 4, None, [Set, Mark, Slice] => [Set], "Adds all values above the mark to the set below it.";
    FrozenSet = 0x91, "FROZENSET", 4, None, [Mark, Slice] => [FrozenSet], "A frozenset of all values above the mark.";
    Pop = b'0', "POP", 0, None, [Any] => [], "Drops the top value, or the mark if that is on top.";
    Dup = b'2', "DUP", 0, None, [Any] => [Any, Any], "Pushes the top value once more.";
    Mark = b'(', "MARK", 0, None, [] => [Mark], "Pushes a mark.";
    PopMark = b'1', "POP_MARK", 1, None, [Mark, Slice] => [], "Drops everything down to the topmost mark, and the mark.";
    Get = b'g', "GET", 0, DecimalNlShort, [] => [Any], "Pushes the memo entry at a decimal index.";
    BinGet = b'h', "BINGET", 1, Uint1, [] => [Any], "Pushes the memo entry at a one-byte index.";
    LongBinGet = b'j', "LONG_BINGET", 1, Uint4, [] => [Any], "Pushes the memo entry at a four-byte index.";
    Put = b'p', "PUT", 0, DecimalNlShort, [] => [], "Puts the top value into the memo at a decimal index.";
    BinPut = b'q', "BINPUT", 1, Uint1, [] => [], "Puts the top value into the memo at a one-byte index.";
    LongBinPut = b'r', "LONG_BINPUT", 1, Uint4, [] => [], "Puts the top value into the memo at a four-byte index.";
    Memoize = 0x94, "MEMOIZE", 4, None, [Any] => [Any], "Puts the top value into the memo at the index that counts its entries.";
    Ext1 = 0x82, "EXT1", 2, Uint1, [] => [Any], "A global by its one-byte extension code.";
    Ext2 = 0x83, "EXT2", 2, Uint2, [] => [Any], "A global by its two-byte extension code.";
    Ext4 = 0x84, "EXT4", 2, Int4, [] => [Any], "A global by its four-byte extension code.";
    Global = b'c', "GLOBAL", 0, StringNlNoEscapePair, [] => [Any], "A global by module and name, a line each.";
    StackGlobal = 0x93, "STACK_GLOBAL", 4, None, [Str, Str] => [Any], "A global by the module and name on the stack.";
    Reduce = b'R', "REDUCE", 0, None, [Any, Any] => [Any], "Calls the callable with the tuple of arguments above it.";
    Build = b'b', "BUILD", 0, None, [Any, Any] => [Any], "Gives the top value as state to the object below it.";
    Inst = b'i', "INST", 0, StringNlNoEscapePair, [Mark, Slice] => [Any], "An instance of a class named in two lines, with the arguments above the mark.";
    Obj = b'o', "OBJ", 1, None, [Mark, Any, Slice] => [Any], "An instance of the class just above the mark, with the arguments above it.";
    NewObj = 0x81, "NEWOBJ", 2, None, [Any, Any] => [Any], "`cls.__new__(cls, *args)`.";
    NewObjEx = 0x92, "NEWOBJ_EX", 4, None, [Any, Any, Any] => [Any], "`cls.__new__(cls, *args, **kwargs)`.";
    Proto = 0x80, "PROTO", 2, Uint1, [] => [], "States the protocol; first in every pickle from protocol 2 on.";
    Stop = b'.', "STOP", 0, None, [Any] => [], "Ends the pickle; the top value is the result.";
    Frame = 0x95, "FRAME", 4, Uint8, [] => [], "States that the next so many bytes belong together.";
    PersId = b'P', "PERSID", 0, StringNlNoEscape, [] => [Any], "A value kept outside, by a line of text.";
    BinPersId = b'Q', "BINPERSID", 1, None, [Any] => [Any], "A value kept outside, by the id on the stack.";
}

impl Opcode {
    /// The byte that stands for it in a pickle.
    #[inline]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Its name in `pickletools`: `SHORT_BINUNICODE`.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// What follows its byte.
    pub const fn arg(self) -> ArgKind {
        self.row().arg
    }

    /// The first protocol that has it.
    pub const fn protocol(self) -> u8 {
        self.row().protocol
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What follows an opcode's byte. The names are those of `pickletools`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgKind {
    /// Nothing.
    None,
    /// One unsigned byte.
    Uint1,
    /// Two bytes, unsigned, little-endian.
    Uint2,
    /// Four bytes, unsigned, little-endian.
    Uint4,
    /// Eight bytes, unsigned, little-endian.
    Uint8,
    /// Four bytes, signed, little-endian.
    Int4,
    /// Eight bytes, IEEE 754, big-endian.
    Float8,
    /// A float in text, up to a newline.
    FloatNl,
    /// An int in text, up to a newline.
    DecimalNlShort,
    /// An int in text with an `L`, up to a newline.
    DecimalNlLong,
    /// A length byte, then a little-endian two's-complement int.
    Long1,
    /// A signed four-byte length, then a little-endian two's-complement int.
    Long4,
    /// A quoted and escaped byte string, up to a newline.
    StringNl,
    /// Text up to a newline.
    StringNlNoEscape,
    /// Two lines of text.
    StringNlNoEscapePair,
    /// A line of raw-unicode-escape text.
    UnicodeStringNl,
    /// A length byte, then a Python 2 `str`.
    String1,
    /// A signed four-byte length, then a Python 2 `str`.
    String4,
    /// A length byte, then bytes.
    Bytes1,
    /// A four-byte length, then bytes.
    Bytes4,
    /// An eight-byte length, then bytes.
    Bytes8,
    /// An eight-byte length, then the bytes of a bytearray.
    ByteArray8,
    /// A length byte, then UTF-8 with surrogates let through.
    UnicodeString1,
    /// A four-byte length, then UTF-8 with surrogates let through.
    UnicodeString4,
    /// An eight-byte length, then UTF-8 with surrogates let through.
    UnicodeString8,
}

impl ArgKind {
    /// Its name in `pickletools`, or nothing for no argument.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            ArgKind::None => return None,
            ArgKind::DecimalNlShort => "decimalnl_short",
            ArgKind::DecimalNlLong => "decimalnl_long",
            ArgKind::Int4 => "int4",
            ArgKind::Uint1 => "uint1",
            ArgKind::Uint2 => "uint2",
            ArgKind::Uint4 => "uint4",
            ArgKind::Uint8 => "uint8",
            ArgKind::Long1 => "long1",
            ArgKind::Long4 => "long4",
            ArgKind::StringNl => "stringnl",
            ArgKind::StringNlNoEscape => "stringnl_noescape",
            ArgKind::StringNlNoEscapePair => "stringnl_noescape_pair",
            ArgKind::UnicodeStringNl => "unicodestringnl",
            ArgKind::String1 => "string1",
            ArgKind::String4 => "string4",
            ArgKind::Bytes1 => "bytes1",
            ArgKind::Bytes4 => "bytes4",
            ArgKind::Bytes8 => "bytes8",
            ArgKind::ByteArray8 => "bytearray8",
            ArgKind::UnicodeString1 => "unicodestring1",
            ArgKind::UnicodeString4 => "unicodestring4",
            ArgKind::UnicodeString8 => "unicodestring8",
            ArgKind::FloatNl => "floatnl",
            ArgKind::Float8 => "float8",
        })
    }
}

/// What an op takes from the stack or leaves there. The names are those of `pickletools`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StackItem {
    /// Any value.
    Any,
    /// A mark.
    Mark,
    /// All values above the mark.
    Slice,
    /// None.
    None,
    /// An int.
    Int,
    /// An int or a bool.
    IntOrBool,
    /// A bool.
    Bool,
    /// A float.
    Float,
    /// A Python 2 `str`.
    BytesOrStr,
    /// Bytes.
    Bytes,
    /// A bytearray.
    ByteArray,
    /// A str.
    Str,
    /// A tuple.
    Tuple,
    /// A list.
    List,
    /// A dict.
    Dict,
    /// A set.
    Set,
    /// A frozenset.
    FrozenSet,
    /// An out-of-band buffer.
    Buffer,
}

impl StackItem {
    /// Its name in `pickletools`.
    pub const fn name(self) -> &'static str {
        match self {
            StackItem::Mark => "mark",
            StackItem::Slice => "stackslice",
            StackItem::Any => "any",
            StackItem::Int => "int",
            StackItem::Bool => "bool",
            StackItem::IntOrBool => "int_or_bool",
            StackItem::Float => "float",
            StackItem::BytesOrStr => "bytes_or_str",
            StackItem::Bytes => "bytes",
            StackItem::ByteArray => "bytearray",
            StackItem::Str => "str",
            StackItem::None => "None",
            StackItem::Tuple => "tuple",
            StackItem::List => "list",
            StackItem::Dict => "dict",
            StackItem::Set => "set",
            StackItem::FrozenSet => "frozenset",
            StackItem::Buffer => "buffer",
        }
    }
}
