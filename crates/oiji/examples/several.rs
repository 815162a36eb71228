//! Several objects in one file, read back in order until the end.
//!
//! `cargo run -p oiji --example several`; add `dump FILE [PROTOCOL]` or `load FILE` to exchange the file with Python.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use oiji::HIGHEST_PROTOCOL;
use oiji::class::Pickler;

fn dump(path: &str, protocol: u8) -> Result<(), Box<dyn Error>> {
    let mut file = File::create(path)?;
    let mut pickler = Pickler::new().protocol(protocol);
    pickler.dump("first", &mut file)?;
    pickler.dump(&BTreeMap::from([("second", 2)]), &mut file)?;
    pickler.dump(&vec![0, 1, 2, 3], &mut file)?;
    println!("{path}: protocol {protocol}");
    Ok(())
}

/// Whatever they are: a graph is any object at all. Where you know the types, `String::load(&mut file)?` reads the next.
fn load(path: &str) -> Result<(), Box<dyn Error>> {
    let mut file = BufReader::new(File::open(path)?);
    loop {
        match oiji::load(&mut file) {
            Ok(object) => println!("{object}"),
            Err(error) if error.is_end_of_input() => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["dump", path] => dump(path, HIGHEST_PROTOCOL),
        ["dump", path, protocol] => dump(path, protocol.parse()?),
        ["load", path] => load(path),
        [] => {
            let path = std::env::temp_dir().join("oiji-several.pkl").to_string_lossy().into_owned();
            dump(&path, HIGHEST_PROTOCOL)?;
            load(&path)
        }
        _ => Err("expected nothing, `dump FILE [PROTOCOL]` or `load FILE`".into()),
    }
}
