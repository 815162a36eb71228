//! What real unpicklers reach in pickles made by chance: our scan must report all of it.
//!
//! The unpicklers are inert: nothing that a pickle names is looked up (`reach.py`). Next: `generate`, the pickles.

mod generate;

use std::collections::BTreeSet;

use oiji::inspect::scan::{Report, scan};
use oiji_testkit::Python;

pub use generate::{Chance, pickle};

const SCRIPT: &str = include_str!("reach.py");

/// Something that a reader reaches and the scan does not report.
#[derive(Debug)]
pub struct Missed {
    /// The pickle.
    pub bytes: Vec<u8>,
    /// What it is: `name os⏎system`, `use os.system`.
    pub what: String,
}

/// The cases of a run, told apart by number.
pub fn cases(first: u64, count: u64) -> Vec<Vec<u8>> {
    (first..first + count).map(|number| pickle(&mut Chance::new(number.wrapping_mul(0x5851_f42d_4c95_7f2d)))).collect()
}

/// What a reader reaches in `cases` and the scan does not report.
///
/// # Errors
/// If the Python fails.
pub fn missed(python: &Python, cases: &[Vec<u8>]) -> Result<Vec<Missed>, String> {
    let hex: String = cases
        .iter()
        .map(|bytes| bytes.iter().map(|byte| format!("{byte:02x}")).chain(["\n".to_owned()]).collect::<String>())
        .collect();
    let told = String::from_utf8(python.run(SCRIPT, hex.as_bytes())?).map_err(|error| error.to_string())?;
    let mut lines = told.lines();
    let mut found = Vec::new();
    for bytes in cases {
        let line = lines.next().ok_or("Python answered too few cases")?;
        let reached: Vec<(String, String)> = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
        let report = scan(bytes);
        let ours = reported(&report);
        for (verb, what) in reached {
            // Each reader shows in its own way what is no text.
            let is_text = what.chars().all(|char| char.is_ascii() && !char.is_control() && char != '(' || char == '\n');
            // Text that is no pickle begins as such a name does.
            let is_text = is_text && !(matches!(bytes[..], [b'c' | b'i', ..]) && what.contains(' '));
            if is_text && !ours.contains(&format!("{verb} {what}")) {
                found.push(Missed { bytes: bytes.clone(), what: format!("{verb} {what}") });
            }
        }
    }
    Ok(found)
}

/// What a scan reports, in the words of `reach.py`.
fn reported(report: &Report) -> BTreeSet<String> {
    let names = report.globals.keys().map(|(module, name)| format!("name {module}\n{name}"));
    let done = report.effects.iter().flat_map(|effect| words(&effect.what));
    names.chain(done).collect()
}

/// One effect in the words of `reach.py`.
fn words(effect: &str) -> Vec<String> {
    let who = |rest: &str| match rest {
        "what stands outside" => "outside".to_owned(),
        _ => rest.strip_prefix("what ").and_then(|rest| rest.strip_suffix(" gives")).unwrap_or(rest).to_owned(),
    };
    for (start, verb) in [
        ("calls ", "use"),
        ("makes ", "use"),
        ("gives a state to ", "state"),
        ("sets attributes of ", "state"),
        ("appends to items of ", "items"),
        ("sets items of ", "items"),
        ("adds items of ", "items"),
    ] {
        let Some(rest) = effect.strip_prefix(start) else { continue };
        let rest = rest.split_once(", with (").map_or(rest, |(who, _)| who);
        let rest = rest.split_once('(').map_or(rest, |(name, _)| name);
        return vec![format!("{verb} {}", who(rest))];
    }
    Vec::new()
}
