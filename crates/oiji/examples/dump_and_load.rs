//! One object into a file, with the highest protocol, and out of it again.
//!
//! `cargo run -p oiji --example dump_and_load`; add `dump FILE [PROTOCOL]` or `load FILE` to exchange the file with
//! Python.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use oiji::class::Pickler;
use oiji::{HIGHEST_PROTOCOL, Pickle, Unpickle};

/// Without a class it is a dict in Python.
#[derive(Pickle, Unpickle, Debug)]
struct Recipe {
    name: String,
    cucumbers: u32,
    salt: f64,
    days: Vec<u32>,
    note: Option<String>,
}

fn dump(path: &str, protocol: u8) -> Result<(), Box<dyn Error>> {
    let recipe = Recipe { name: "오이지".into(), cucumbers: 50, salt: 0.25, days: vec![1, 3, 7], note: None };
    Pickler::new().protocol(protocol).dump(&recipe, File::create(path)?)?;
    println!("{path}: protocol {protocol}");
    Ok(())
}

fn load(path: &str) -> Result<(), Box<dyn Error>> {
    let recipe = Recipe::load(BufReader::new(File::open(path)?))?;
    println!("{recipe:?}");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["dump", path] => dump(path, HIGHEST_PROTOCOL),
        ["dump", path, protocol] => dump(path, protocol.parse()?),
        ["load", path] => load(path),
        [] => {
            let path = std::env::temp_dir().join("oiji-dump-and-load.pkl").to_string_lossy().into_owned();
            dump(&path, HIGHEST_PROTOCOL)?;
            load(&path)
        }
        _ => Err("expected nothing, `dump FILE [PROTOCOL]` or `load FILE`".into()),
    }
}
