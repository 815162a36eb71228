//! Our verdict against CPython's on the same bytes, for streams that name no globals.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use oiji::op::read_op;
use oiji::op::text::{DecodeErrors, Py2Encoding};
use oiji::source::SliceSource;
use oiji::{Limits, Opcode, ReadOptions};

/// Answers each line of hex with one line: `ok` and the repr of the value, or `no`.
const SCRIPT: &str = "
import io, pickle, sys
sys.set_int_max_str_digits(0) if hasattr(sys, 'set_int_max_str_digits') else None
for line in sys.stdin:
    try:
        value = pickle.loads(bytes.fromhex(line))
        text = 'ok ' + ascii(value)
    except RecursionError:
        text = 'deep'
    except BaseException as error:
        text = 'no ' + type(error).__name__
    print(text.replace('\\n', ' '), flush=True)
";

struct Python {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    _child: Child,
}

/// Agrees with `_pickle` on what is accepted and on the value. Without a Python 3 it does nothing.
pub fn cpython(input: &[u8]) {
    if input.len() > 4_096 || !is_comparable(input) {
        return;
    }
    let ours = ReadOptions::new()
        .limits(Limits { int_digits: 5_000, ..Limits::default() })
        .py2_strings(Py2Encoding::Ascii, DecodeErrors::Strict)
        .from_slice(input);
    // What we cut short, Python would write without end: shared values unfold to any size in its repr.
    if ours.as_ref().is_ok_and(|graph| graph.to_string().contains("...")) {
        return;
    }
    let Some(theirs) = ask(input) else { return };
    match (&ours, theirs.split_once(' ')) {
        (Err(_), Some(("no", _))) => {}
        // What Python writes of cycles, sets and equal keys is written otherwise here; the verdict is what counts then.
        (Ok(graph), Some(("ok", text))) => {
            let ours = graph.to_string();
            let simple = !text.contains(['{', '.']) && ours.is_ascii() && !ours.contains("\\x");
            assert!(!simple || ours == text, "{}: {ours} is not {text}", input.escape_ascii());
        }
        (_, None) => {}
        (ours, theirs) => panic!("{}: {ours:?}, Python says {theirs:?}", input.escape_ascii()),
    }
}

/// Whether no op names a global, asks for something outside, or is one of those where we are strict as 3.14 is.
fn is_comparable(input: &[u8]) -> bool {
    let mut source = SliceSource::new(input);
    while let Ok(op) = read_op(&mut source) {
        match op.opcode {
            Opcode::Stop => return true,
            Opcode::Global | Opcode::StackGlobal | Opcode::Inst | Opcode::Ext1 | Opcode::Ext2 | Opcode::Ext4 => {
                return false;
            }
            Opcode::PersId | Opcode::BinPersId | Opcode::NextBuffer | Opcode::ReadonlyBuffer => return false,
            // Text of numbers, huge memo indexes and frames: told apart in crates/oiji/tests/differential.rs.
            Opcode::Int | Opcode::Long | Opcode::Float | Opcode::Put | Opcode::Get => return false,
            Opcode::LongBinPut | Opcode::Frame => return false,
            _ => {}
        }
    }
    true
}

fn ask(input: &[u8]) -> Option<String> {
    static PYTHON: OnceLock<Option<Mutex<Python>>> = OnceLock::new();
    let python = PYTHON.get_or_init(|| start().map(Mutex::new)).as_ref()?;
    let mut python = python.lock().ok()?;
    let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
    writeln!(python.stdin, "{hex}").ok()?;
    let mut line = String::new();
    python.stdout.read_line(&mut line).ok()?;
    Some(line.trim_end().to_owned())
}

fn start() -> Option<Python> {
    let python = oiji_testkit::python3()?;
    let mut child = Command::new(&python.path)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let (stdin, stdout) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
    Some(Python { stdin, stdout, _child: child })
}
