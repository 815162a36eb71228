//! The ways that rest on how the interpreter keeps objects in memory, all together: when the module is imported they are held
//! against the ways by its functions, and given up where the two differ.

use crate::input::Memory;
use crate::load;
use crate::output::Output;
use crate::py::memo::Memo;
use crate::py::{self, Obj, Own, Py};
use crate::save::{self, Saver};
use crate::state::State;

/// A bit of everything, and more than one of what may go by the lane. The class is one that is always there, and plain.
const SAMPLE: &std::ffi::CStr = c"
from codecs import Codec
def plain(count):
    made = Codec()
    made.first, made.second, made.third = count, 'n' + str(count), count / 2
    if count % 3 == 0:
        vars(made)
    return made
value = [
    {'name': 'n' + str(count), 'list': [count, -count, count / 2, None, True], 'set': {count}, count: 'text'}
    for count in range(4)
]
value += [plain(count) for count in range(7)]
value += [[count, [str(count) + '!', None]] for count in range(4)] + [{count, -count, 400 + count} for count in range(4)]
value += [('a', ('b' + str(2), (300, 70000, 2 ** 40))), b'bytes', frozenset({'text'}), value]
";

/// So often the sample is read: what was read last but one is of use in the next.
const TIMES: usize = 6;

/// Whether both ways give the same bytes, and read them back to what gives them again.
pub(crate) fn holds(st: &mut State) -> bool {
    let mut try_it = || -> Py<bool> {
        let sample = py::run(SAMPLE)?.obj().item_of(c"value")?;
        let fast = written(st, sample.obj())?;
        let again = (0..TIMES).map(|_| written(st, read(st, fast.obj().bytes())?.obj())).collect::<Py<Vec<Own>>>()?;
        let known = std::mem::take(&mut st.layout.known);
        let slow = written(st, sample.obj());
        st.layout.known = known;
        let slow = slow?;
        let same = |bytes: &Own| bytes.obj().bytes() == slow.obj().bytes();
        Ok(same(&fast) && again.iter().all(same))
    };
    try_it().unwrap_or_else(|_| {
        py::clear();
        false
    })
}

fn written(st: &State, object: Obj<'_>) -> Py {
    let options = save::Options { protocol: 5, fix_imports: false, buffer_callback: None, compact: false };
    let hooks = save::Hooks::default();
    let mut out = Output::new(None, Vec::new(), 0);
    Saver::new(st, &options, &hooks, &mut out, &mut Memo::default(), None).dump(object)?;
    out.buffer.take()
}

fn read(st: &State, bytes: &[u8]) -> Py<Own> {
    let options = load::Options::new(true, Some(c"ASCII".into()), c"strict".into(), None);
    load::load(&mut Memory(bytes), st, &options, &load::Hooks::default(), None)
}
