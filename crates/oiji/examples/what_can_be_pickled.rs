//! What can be pickled, and the Rust type of each.
//!
//! `cargo run -p oiji --example what_can_be_pickled`; add `dump FILE [PROTOCOL]` or `load FILE` to exchange the file
//! with Python.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use oiji::class::{GlobalName, Pickler};
use oiji::{HIGHEST_PROTOCOL, Pickle, Unpickle};

#[derive(Pickle, Unpickle, Debug)]
struct Everything {
    none: (),
    truth: bool,
    integer: i64,
    long_integer: i128,
    float: f64,
    byte_string: Vec<u8>,
    unicode_string: String,
    tuple: (i64, String),
    list: Vec<Option<i64>>,
    dict: BTreeMap<String, f64>,
    function: GlobalName,
    builtin: GlobalName,
    class: GlobalName,
    instance: Label,
}

#[derive(Pickle, Unpickle, Debug)]
#[pickle(class = "kitchen.Label")]
struct Label {
    text: String,
    year: u16,
}

fn dump(path: &str, protocol: u8) -> Result<(), Box<dyn Error>> {
    let everything = Everything {
        none: (),
        truth: true,
        integer: -7,
        long_integer: 1 << 100,
        float: 0.1,
        byte_string: vec![0x00, 0x80, 0xff],
        unicode_string: "오이지".into(),
        tuple: (1, "one".into()),
        list: vec![Some(1), None],
        dict: [("salt".into(), 0.25), ("water".into(), 2.0)].into(),
        function: GlobalName::new("kitchen", "price"),
        builtin: GlobalName::new("builtins", "len"),
        class: GlobalName::new("kitchen", "Label"),
        instance: Label { text: "cucumbers".into(), year: 2026 },
    };
    Pickler::new().protocol(protocol).dump(&everything, File::create(path)?)?;
    println!("{path}: protocol {protocol}");
    Ok(())
}

fn load(path: &str) -> Result<(), Box<dyn Error>> {
    println!("{:#?}", Everything::load(BufReader::new(File::open(path)?))?);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["dump", path] => dump(path, HIGHEST_PROTOCOL),
        ["dump", path, protocol] => dump(path, protocol.parse()?),
        ["load", path] => load(path),
        [] => {
            let path = std::env::temp_dir().join("oiji-what-can-be-pickled.pkl").to_string_lossy().into_owned();
            dump(&path, HIGHEST_PROTOCOL)?;
            load(&path)
        }
        _ => Err("expected nothing, `dump FILE [PROTOCOL]` or `load FILE`".into()),
    }
}
