//! The opcode table against `pickletools.opcodes` of every Python found.

#![allow(clippy::unwrap_used, clippy::panic)]

use oiji::{Opcode, StackItem};
use oiji_testkit::{pythons, skip};
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
    // Since 3.8 the table has all 68 rows; before, Python 2 and 3.7 name some things otherwise.
    let recent: Vec<_> = pythons().iter().filter(|python| python.version >= (3, 8, 0)).collect();
    if recent.is_empty() {
        return skip("no Python from 3.8 on to hold the opcode table against");
    }
    for python in recent {
        let output = python.run(SCRIPT, b"").unwrap();
        let mut theirs: Vec<Json> = serde_json::from_slice(&output).unwrap();
        let mut ours = ours.clone();
        let code = |row: &Json| row[1].as_u64();
        ours.sort_by_key(code);
        theirs.sort_by_key(code);
        assert_eq!(ours, theirs, "Python {}", python.name());
    }
}
