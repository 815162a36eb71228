//! A class that says itself what goes into the file, and what becomes of what comes out.
//!
//! `cargo run -p oiji --example state_hooks`; add `dump FILE [PROTOCOL]` or `load FILE` to exchange the file with
//! Python.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use oiji::class::Pickler;
use oiji::{HIGHEST_PROTOCOL, Pickle, Unpickle};

#[derive(Pickle, Unpickle, Debug)]
#[pickle(class = "kitchen.Jar", getstate = Jar::getstate, setstate = Jar::setstate)]
struct Jar {
    vegetables: Vec<String>,
    /// How often it was opened since it stands in this kitchen.
    opened: u32,
}

/// The state: all that the file keeps. A dict, as that of any instance in Python.
#[derive(Pickle, Unpickle)]
struct Kept {
    vegetables: Vec<String>,
}

impl Jar {
    /// Runs at dump, as `__getstate__` does.
    fn getstate(&self) -> oiji::Result<Kept> {
        println!("getstate: opened {} times, and nobody will know", self.opened);
        Ok(Kept { vegetables: self.vegetables.clone() })
    }

    /// Runs at load, as `__setstate__` does.
    fn setstate(kept: Kept) -> oiji::Result<Jar> {
        println!("setstate: {} vegetables, a fresh lid", kept.vegetables.len());
        Ok(Jar { vegetables: kept.vegetables, opened: 0 })
    }
}

fn dump(path: &str, protocol: u8) -> Result<(), Box<dyn Error>> {
    let jar = Jar { vegetables: vec!["오이".into(), "무".into()], opened: 3 };
    println!("{jar:?}");
    Pickler::new().protocol(protocol).dump(&jar, File::create(path)?)?;
    Ok(())
}

fn load(path: &str) -> Result<(), Box<dyn Error>> {
    println!("{:?}", Jar::load(BufReader::new(File::open(path)?))?);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["dump", path] => dump(path, HIGHEST_PROTOCOL),
        ["dump", path, protocol] => dump(path, protocol.parse()?),
        ["load", path] => load(path),
        [] => {
            let path = std::env::temp_dir().join("oiji-state-hooks.pkl").to_string_lossy().into_owned();
            dump(&path, HIGHEST_PROTOCOL)?;
            load(&path)
        }
        _ => Err("expected nothing, `dump FILE [PROTOCOL]` or `load FILE`".into()),
    }
}
