//! The opcode table against `pickletools.opcodes` of every Python found.

#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::{Opcode, StackItem};
use oiji_testkit::{Python, pythons, skip};
use serde_json::{Value as Json, json};

const SCRIPT: &str = "
import json, pickletools, sys
rows = [[o.name, ord(o.code), o.proto, o.arg.name if o.arg else None,
         [s.name for s in o.stack_before], [s.name for s in o.stack_after]] for o in pickletools.opcodes]
sys.stdout.write(json.dumps(rows))
";

fn names(items: &[StackItem]) -> Vec<&'static str> {
    items.iter().map(|item| item.name()).collect()
}

#[test]
fn there_are_sixty_eight_opcodes_each_with_its_own_byte() {
    assert_eq!(Opcode::ALL.len(), 68);
    for opcode in Opcode::ALL {
        assert_eq!(Opcode::from_code(opcode.code()), Some(*opcode));
        assert!(opcode.row().doc.ends_with('.'), "{opcode} has no sentence");
    }
    assert_eq!((0..=255).filter_map(Opcode::from_code).count(), 68);
}

#[test]
fn the_table_says_what_pickletools_says() {
    let ours: Vec<Json> = Opcode::ALL
        .iter()
        .map(|opcode| {
            let row = opcode.row();
            json!([row.name, opcode.code(), row.protocol, row.arg.name(), names(row.before), names(row.after)])
        })
        .collect();
    if pythons().is_empty() {
        return skip("no Python to hold the opcode table against");
    }
    for python in pythons() {
        let output = python.run(SCRIPT, b"").unwrap();
        let mut theirs: Vec<Json> = serde_json::from_slice(&output).unwrap();
        // An older Python knows the protocols of its time, and has rows for no others.
        let mut ours: Vec<Json> = ours
            .iter()
            .filter(|row| row[2].as_u64().unwrap() <= u64::from(python.highest_protocol()))
            .map(|row| in_words_of(python, row))
            .collect();
        let code = |row: &Json| row[1].as_u64();
        ours.sort_by_key(code);
        theirs.sort_by_key(code);
        assert_eq!(ours, theirs, "Python {}", python.name());
    }
}

/// A row as this Python's table has it: Python 2 has other names for its types, and reads memo indexes as signed.
fn in_words_of(python: &Python, row: &Json) -> Json {
    let mut row = row.clone();
    if python.version.0 > 2 {
        return row;
    }
    let name = row[0].as_str().unwrap().to_owned();
    if name.starts_with("LONG_BIN") {
        row[3] = json!("int4");
    }
    for item in row[5].as_array_mut().unwrap() {
        *item = match item.as_str().unwrap() {
            "bytes_or_str" => json!("str"),
            "str" => json!("unicode"),
            "int" if name.starts_with("LONG") => json!("long"),
            _ => continue,
        };
    }
    row
}
