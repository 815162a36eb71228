//! Old files after `w` and `b` became `weights` and `bias`, and a class moved to another module.
//!
//! `cargo run -p oiji --example renamed`; add `dump LINE CLASSIFIER [PROTOCOL]` or `load LINE CLASSIFIER` to exchange
//! the two files with Python.

use std::error::Error;
use std::fs;

use oiji::class::Pickler;
use oiji::{HIGHEST_PROTOCOL, Pickle, Unpickle};

/// `model.Line` with w = [0.5, -1.5] and b = 2.0 as a tuple, as Python 2.7 wrote it.
const OLD_LINE: &[u8] = b"ccopy_reg\n_reconstructor\np1\n(cmodel\nLine\np2\nc__builtin__\nobject\np3\nNtRp4\n\
    ((lp5\nF0.5\naF-1.5\naF2\ntb.";

/// `net.Perceptron` with the same in its `__dict__`.
const OLD_CLASSIFIER: &[u8] =
    b"ccopy_reg\n_reconstructor\np1\n(cnet\nPerceptron\np2\nc__builtin__\nobject\np3\nNtRp4\n\
    (dp5\nS'b'\nF2\nsS'w'\n(lp6\nF0.5\naF-1.5\nasb.";

/// A tuple has no names in it: fields are what we call them today.
#[derive(Pickle, Unpickle, Debug)]
#[pickle(class = "model.Line", state = "tuple")]
struct Line {
    weights: Vec<f64>,
    bias: f64,
}

/// A `__dict__` has: `alias` is what a field was called, `formerly` what the class was.
#[derive(Pickle, Unpickle, Debug)]
#[pickle(class = "model.Classifier", formerly = "net.Perceptron")]
struct Classifier {
    #[pickle(alias = "w")]
    weights: Vec<f64>,
    #[pickle(alias = "b")]
    bias: f64,
}

fn dump(line: &str, classifier: &str, protocol: u8) -> Result<(), Box<dyn Error>> {
    let (weights, bias) = (vec![0.5, -1.5], 2.0);
    let mut pickler = Pickler::new().protocol(protocol);
    pickler.dump(&Line { weights: weights.clone(), bias }, fs::File::create(line)?)?;
    pickler.dump(&Classifier { weights, bias }, fs::File::create(classifier)?)?;
    println!("{line} and {classifier}: protocol {protocol}");
    Ok(())
}

fn load(line: &[u8], classifier: &[u8]) -> Result<(), Box<dyn Error>> {
    println!("{:?}", Line::loads(line)?);
    println!("{:?}", Classifier::loads(classifier)?);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["dump", line, classifier] => dump(line, classifier, HIGHEST_PROTOCOL),
        ["dump", line, classifier, protocol] => dump(line, classifier, protocol.parse()?),
        ["load", line, classifier] => load(&fs::read(line)?, &fs::read(classifier)?),
        [] => load(OLD_LINE, OLD_CLASSIFIER),
        _ => Err("expected nothing, `dump LINE CLASSIFIER [PROTOCOL]` or `load LINE CLASSIFIER`".into()),
    }
}
