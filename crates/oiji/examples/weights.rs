//! A model that keeps only `w` and `b`, as a tuple.
//!
//! `cargo run -p oiji --example weights`; add `dump FILE [PROTOCOL]` or `load FILE` to exchange the file with Python.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use oiji::class::Pickler;
use oiji::{HIGHEST_PROTOCOL, Pickle, Unpickle};

#[derive(Pickle, Unpickle, Debug)]
#[pickle(class = "model.Line", state = "tuple")]
struct Line {
    w: Vec<f64>,
    b: f64,
    /// Of use only while the program runs.
    #[pickle(skip)]
    answers: Vec<f64>,
}

impl Line {
    fn answer(&mut self, x: &[f64]) -> f64 {
        let y = self.w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + self.b;
        self.answers.push(y);
        y
    }
}

fn dump(path: &str, protocol: u8) -> Result<(), Box<dyn Error>> {
    let mut line = Line { w: vec![0.5, -1.5], b: 2.0, answers: vec![] };
    println!("{} from {line:?}", line.answer(&[2.0, 1.0]));
    Pickler::new().protocol(protocol).dump(&line, File::create(path)?)?;
    Ok(())
}

fn load(path: &str) -> Result<(), Box<dyn Error>> {
    let mut line = Line::load(BufReader::new(File::open(path)?))?;
    println!("{line:?}");
    println!("{}", line.answer(&[2.0, 1.0]));
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["dump", path] => dump(path, HIGHEST_PROTOCOL),
        ["dump", path, protocol] => dump(path, protocol.parse()?),
        ["load", path] => load(path),
        [] => {
            let path = std::env::temp_dir().join("oiji-weights.pkl").to_string_lossy().into_owned();
            dump(&path, HIGHEST_PROTOCOL)?;
            load(&path)
        }
        _ => Err("expected nothing, `dump FILE [PROTOCOL]` or `load FILE`".into()),
    }
}
