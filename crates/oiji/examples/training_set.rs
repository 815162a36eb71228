//! A model that leaves its training set out of the file, and fills it when it is loaded.
//!
//! `cargo run -p oiji --example training_set`; add `dump FILE [PROTOCOL]` or `load FILE` to exchange the file with
//! Python. The training set is in `FILE.training`.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use oiji::class::Pickler;
use oiji::{HIGHEST_PROTOCOL, Pickle, Unpickle};

#[derive(Pickle, Unpickle)]
#[pickle(class = "model.Trained", getstate = Trained::getstate, setstate = Trained::setstate)]
struct Trained {
    w: f64,
    b: f64,
    training_file: String,
    /// Large, and in a file of its own.
    training_set: Vec<(f64, f64)>,
}

/// What the model's own file keeps.
#[derive(Pickle, Unpickle)]
struct Kept {
    w: f64,
    b: f64,
    training_file: String,
}

impl Trained {
    fn getstate(&self) -> oiji::Result<Kept> {
        Ok(Kept { w: self.w, b: self.b, training_file: self.training_file.clone() })
    }

    fn setstate(Kept { w, b, training_file }: Kept) -> oiji::Result<Trained> {
        let training_set = Vec::load(BufReader::new(File::open(&training_file)?))?;
        Ok(Trained { w, b, training_file, training_set })
    }
}

fn dump(path: &str, protocol: u8) -> Result<(), Box<dyn Error>> {
    let training_file = format!("{path}.training");
    let training_set = vec![(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)];
    let mut pickler = Pickler::new().protocol(protocol);
    pickler.dump(&training_set, File::create(&training_file)?)?;
    let trained = Trained { w: 2.0, b: 1.0, training_file, training_set };
    pickler.dump(&trained, File::create(path)?)?;
    println!("{path}: protocol {protocol}");
    Ok(())
}

fn load(path: &str) -> Result<(), Box<dyn Error>> {
    let Trained { w, b, training_set, .. } = Trained::load(BufReader::new(File::open(path)?))?;
    let worst = training_set.iter().map(|(x, y)| (w * x + b - y).abs()).fold(0.0, f64::max);
    println!("y = {w} x + {b} misses {} points by at most {worst}", training_set.len());
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["dump", path] => dump(path, HIGHEST_PROTOCOL),
        ["dump", path, protocol] => dump(path, protocol.parse()?),
        ["load", path] => load(path),
        [] => {
            let path = std::env::temp_dir().join("oiji-training-set.pkl").to_string_lossy().into_owned();
            dump(&path, HIGHEST_PROTOCOL)?;
            load(&path)
        }
        _ => Err("expected nothing, `dump FILE [PROTOCOL]` or `load FILE`".into()),
    }
}
