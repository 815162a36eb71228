//! Pickles of many kinds by chance: ops that fit one another mostly, with the oddities that readers differ over.

/// Numbers by chance, the same for the same seed.
pub struct Chance(u64);

impl Chance {
    /// For a seed of any kind.
    pub fn new(seed: u64) -> Self {
        Chance(seed)
    }

    fn next(&mut self) -> u64 {
        // Splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }

    fn is_one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len())]
    }
}

/// What a value on the stack is, as far as it matters for what fits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Atom,
    Text,
    Tuple,
    List,
    Dict,
    Set,
    Class,
    Object,
    Mark,
}

/// Modules and names, none of which has another name in Python 2; some are allowed, some dangerous.
const MODULES: &[&str] = &["m1", "m2", "p.q", "collections", "os", "builtins", "numpy"];
const NAMES: &[&str] = &["a", "b", "OrderedDict", "system", "object", "ndarray", "C.d"];

struct Pickle<'c> {
    chance: &'c mut Chance,
    bytes: Vec<u8>,
    stack: Vec<Kind>,
    memo: usize,
}

/// A pickle for a seed.
pub fn pickle(chance: &mut Chance) -> Vec<u8> {
    let mut pickle = Pickle { chance, bytes: Vec::new(), stack: Vec::new(), memo: 0 };
    if !pickle.chance.is_one_in(4) {
        let protocol = pickle.chance.below(6) as u8;
        pickle.bytes.extend([0x80, protocol]);
    }
    let steps = 2 + pickle.chance.below(30);
    for _ in 0..steps {
        pickle.step();
    }
    pickle.end();
    let Pickle { mut bytes, chance, .. } = pickle;
    while chance.is_one_in(5) && !bytes.is_empty() {
        mutate(&mut bytes, chance);
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, chance: &mut Chance) {
    let at = chance.below(bytes.len());
    match chance.below(5) {
        0 => bytes[at] = chance.next() as u8,
        1 => bytes.truncate(at),
        2 => drop(bytes.remove(at)),
        3 => bytes.insert(at, *chance.pick(&[&b'.', &b'(', &b'0', &b'2', &b'R', &b'\n', &b't', &0x81, &b'b'])),
        _ => {
            let end = at + chance.below(bytes.len() - at);
            let part = bytes[at..end].to_vec();
            bytes.splice(at..at, part);
        }
    }
}

impl Pickle<'_> {
    fn op(&mut self, bytes: &[u8], kind: Kind) {
        self.bytes.extend_from_slice(bytes);
        self.stack.push(kind);
    }

    fn step(&mut self) {
        match self.chance.below(22) {
            0..=3 => self.atom(),
            4..=6 => self.class(),
            7 => self.empty(),
            8 => self.op(b"(", Kind::Mark),
            9 => self.collect(),
            10..=13 => self.call(),
            14 => self.fill(),
            15 => self.state(),
            16 => self.put(),
            17 => self.get(),
            18 => self.drop_or_double(),
            19 => self.odd(),
            20 => self.frame(),
            _ => self.outside(),
        }
    }

    fn atom(&mut self) {
        let atoms: &[&[u8]] = &[
            b"N",
            b"\x88",
            b"K\x01",
            b"M\x01\x02",
            b"J\xff\xff\xff\xff",
            b"I1\n",
            b"I01\n",
            b"I010\n",
            b"I0x10\n",
            b"I1\0x\n",
            b"I 1\n",
            b"L1L\n",
            b"L1\n",
            b"L0x10L\n",
            b"L010L\n",
            b"F1.5\n",
            b"F 1\n",
            b"F1_0.0\n",
            b"F1e400\n",
            b"Fnan\n",
            b"\x8a\x01\x07",
            b"\x8b\x01\0\0\0\x07",
            b"G\x3f\xf0\0\0\0\0\0\0",
            b"B\x02\0\0\0ab",
            b"C\x01x",
            b"\x8e\x01\0\0\0\0\0\0\0x",
            b"\x96\x01\0\0\0\0\0\0\0x",
        ];
        let texts: &[&[u8]] = &[
            b"X\x01\0\0\0x",
            b"\x8c\x02m1",
            b"\x8c\x01a",
            b"\x8c\x02os",
            b"\x8c\x06system",
            b"V__class__\n",
            b"S'm2'\n",
            b"S\"b\"\n",
            b"S'\\x6d1'\n",
            b"S'x' \n",
            b"S'\n",
            b"S'\xe9'\n",
            b"U\x01b",
            b"T\x01\0\0\0a",
            b"\x8d\x01\0\0\0\0\0\0\0a",
            b"Va\\u0062\n",
        ];
        if self.chance.is_one_in(2) {
            let atom = self.chance.pick(atoms);
            self.op(atom, Kind::Atom);
        } else {
            let text = self.chance.pick(texts);
            self.op(text, Kind::Text);
        }
    }

    fn class(&mut self) {
        let (module, name) = (self.chance.pick(MODULES), self.chance.pick(NAMES));
        match self.chance.below(8) {
            0..=4 => self.op(format!("c{module}\n{name}\n").as_bytes(), Kind::Class),
            5 | 6 => {
                for text in [module, name] {
                    let len = text.len() as u8;
                    match self.chance.below(3) {
                        0 => self.bytes.extend([&b"X"[..], &[len, 0, 0, 0], text.as_bytes()].concat()),
                        1 => self.bytes.extend([&b"U"[..], &[len], text.as_bytes()].concat()),
                        _ => self.bytes.extend([&b"\x8c"[..], &[len], text.as_bytes()].concat()),
                    }
                    if self.chance.is_one_in(4) {
                        self.bytes.push(0x94);
                    }
                }
                self.op(b"\x93", Kind::Class);
            }
            _ => {
                let odd =
                    self.chance.pick(&["c\na\n", "cm1\n\n", "cm 1\na b\n", "cm1\r\na\n", "c\u{e9}\na\n", "cm1\na"]);
                self.op(odd.as_bytes(), Kind::Class);
            }
        }
    }

    fn empty(&mut self) {
        match self.chance.below(5) {
            0 => self.op(b")", Kind::Tuple),
            1 => self.op(b"]", Kind::List),
            2 => self.op(b"}", Kind::Dict),
            3 => self.op(b"\x8f", Kind::Set),
            _ => self.op(b"(l", Kind::List),
        }
    }

    /// Where the topmost mark stands.
    fn mark(&self) -> Option<usize> {
        self.stack.iter().rposition(|kind| *kind == Kind::Mark)
    }

    /// A container of all above the topmost mark, or of the top few.
    fn collect(&mut self) {
        if let Some(mark) = self.mark()
            && self.chance.is_one_in(2)
        {
            self.stack.truncate(mark);
            return match self.chance.below(5) {
                0 => self.op(b"l", Kind::List),
                1 => self.op(b"d", Kind::Dict),
                2 => self.op(b"\x91", Kind::Set),
                3 => self.bytes.push(b'1'),
                _ => self.op(b"t", Kind::Tuple),
            };
        }
        let count = 1 + self.chance.below(3);
        if self.stack.len() < count {
            return self.atom();
        }
        self.stack.truncate(self.stack.len() - count);
        self.op(&[0x84 + count as u8], Kind::Tuple);
    }

    /// Arguments, mostly a tuple.
    fn arguments(&mut self) {
        match self.chance.below(10) {
            0..=3 => self.op(b")", Kind::Tuple),
            4..=6 => {
                self.atom();
                self.stack.pop();
                self.op(b"\x85", Kind::Tuple);
            }
            7 => {
                self.bytes.push(b'(');
                self.atom();
                self.atom();
                self.stack.truncate(self.stack.len() - 2);
                self.op(b"t", Kind::Tuple);
            }
            8 => self.op(b"]", Kind::List),
            _ => self.atom(),
        }
    }

    fn call(&mut self) {
        if !self.chance.is_one_in(3) || self.stack.is_empty() {
            self.class();
        }
        match self.chance.below(8) {
            0..=2 => {
                self.arguments();
                self.made(2, b"R");
            }
            3 | 4 => {
                self.arguments();
                self.made(2, b"\x81");
            }
            5 => {
                self.arguments();
                self.op(b"}", Kind::Dict);
                self.made(3, b"\x92");
            }
            6 => {
                let (module, name) = (self.chance.pick(MODULES), self.chance.pick(NAMES));
                self.bytes.push(b'(');
                self.atom();
                self.stack.pop();
                self.op(format!("i{module}\n{name}\n").as_bytes(), Kind::Object);
            }
            _ => {
                let (module, name) = (self.chance.pick(MODULES), self.chance.pick(NAMES));
                self.op(format!("(c{module}\n{name}\no").as_bytes(), Kind::Object);
            }
        }
    }

    fn made(&mut self, taken: usize, op: &[u8]) {
        self.stack.truncate(self.stack.len().saturating_sub(taken));
        self.op(op, Kind::Object);
    }

    fn fill(&mut self) {
        if self.stack.is_empty() {
            return self.call();
        }
        let fills: &[&[u8]] = &[
            b"K\x01a",
            b"(K\x01K\x02e",
            b"(e",
            b"K\x01K\x02s",
            b"(K\x01K\x02u",
            b"(u",
            b"(K\x01u",
            b"(K\x01\x90",
            b"(\x90",
            b"V__class__\nNs",
        ];
        let fill = self.chance.pick(fills);
        self.bytes.extend_from_slice(fill);
    }

    fn state(&mut self) {
        if self.stack.is_empty() {
            return self.call();
        }
        let states: &[&[u8]] = &[
            b"}b",
            b"Nb",
            b"K\0b",
            b"]b",
            b")b",
            b"}Vx\nK\x01sb",
            b"N}\x86b",
            b"}V__class__\nNs}\x86b",
            b"K\x01b",
            b"\x8fb",
        ];
        let state = self.chance.pick(states);
        self.bytes.extend_from_slice(state);
    }

    fn put(&mut self) {
        if self.stack.is_empty() {
            return self.atom();
        }
        let index = self.chance.below(6) as u8;
        self.memo += 1;
        match self.chance.below(6) {
            0 | 1 => self.bytes.push(0x94),
            2 => self.bytes.extend([b'q', index]),
            3 => self.bytes.extend([b'r', index, 0, 0, 0]),
            4 => self.bytes.extend(format!("p{index}\n").bytes()),
            _ => {
                let odd =
                    self.chance.pick(&["p01\n", "p 1\n", "p+1\n", "p1\0z\n", "pfoo\n", "p-1\n", "p300\n", "p0x1\n"]);
                self.bytes.extend(odd.bytes());
            }
        }
    }

    fn get(&mut self) {
        let index = self.chance.below(6.min(self.memo + 1)) as u8;
        match self.chance.below(5) {
            0 | 1 => self.op(&[b'h', index], Kind::Class),
            2 => self.op(&[b'j', index, 0, 0, 0], Kind::Class),
            3 => self.op(format!("g{index}\n").as_bytes(), Kind::Class),
            _ => {
                let odd = self.chance.pick(&["g01\n", "g 1\n", "g+1\n", "g1\0z\n", "gfoo\n", "g300\n", "g0x1\n"]);
                self.op(odd.as_bytes(), Kind::Class);
            }
        }
    }

    fn drop_or_double(&mut self) {
        match self.stack.last().copied() {
            None => self.atom(),
            Some(kind) if self.chance.is_one_in(2) => self.op(b"2", kind),
            Some(_) => {
                self.stack.pop();
                self.bytes.push(b'0');
            }
        }
    }

    /// What honest writers do not write here.
    fn odd(&mut self) {
        match self.chance.below(6) {
            0 => {
                let protocol = self.chance.below(7) as u8;
                self.bytes.extend([0x80, protocol]);
            }
            1 => {
                self.bytes.push(b'.');
                self.stack.clear();
            }
            2 => {
                let byte = self.chance.next() as u8;
                self.bytes.push(byte);
            }
            3 => self.op(b"\x82\x01", Kind::Class),
            4 => self.op(b"\x97", Kind::Atom),
            _ => self.bytes.push(0x98),
        }
    }

    /// A frame, of which the length is right by chance alone.
    fn frame(&mut self) {
        let len = if self.chance.is_one_in(8) { 1 << 20 } else { self.chance.below(24) };
        self.bytes.push(0x95);
        self.bytes.extend((len as u64).to_le_bytes());
    }

    fn outside(&mut self) {
        match self.chance.below(4) {
            0 => self.op(b"Px\n", Kind::Object),
            1 => self.op(b"P\n", Kind::Object),
            2 => self.op(b"P\xe9\n", Kind::Object),
            _ => self.op(b"K\x01Q", Kind::Object),
        }
    }

    fn end(&mut self) {
        if self.stack.is_empty() {
            self.atom();
        }
        // Some readers take no more than one value.
        while self.stack.len() > 1 && self.chance.is_one_in(2) {
            self.stack.pop();
            self.bytes.push(b'0');
        }
        self.bytes.push(b'.');
    }
}
