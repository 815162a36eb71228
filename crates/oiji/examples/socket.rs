//! Objects over a TCP socket, one after another, in both directions.
//!
//! `cargo run -p oiji --example socket`; add `serve` or `order ADDRESS` to talk to Python.

use std::error::Error;
use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::thread;

use oiji::class::Pickler;
use oiji::{Pickle, Unpickle};

#[derive(Pickle, Unpickle, Debug)]
#[pickle(class = "kitchen.Order")]
struct Order {
    dish: String,
    count: u32,
}

#[derive(Pickle, Unpickle, Debug)]
#[pickle(class = "kitchen.Bill")]
struct Bill {
    dish: String,
    total: f64,
}

/// What every Python at the other end reads, from 2.3 on.
const PROTOCOL: u8 = 2;

/// Answers each order with a bill until there are no more.
///
/// A pickle says itself where it ends, and no byte past that is taken: nothing need stand between objects.
fn serve(listener: &TcpListener) -> Result<(), Box<dyn Error + Send + Sync>> {
    let (mut to, _) = listener.accept()?;
    let mut from = BufReader::new(to.try_clone()?);
    let mut pickler = Pickler::new().protocol(PROTOCOL);
    loop {
        match Order::load(&mut from) {
            Ok(Order { dish, count }) => {
                println!("to the kitchen: {count} {dish}");
                pickler.dump(&Bill { dish, total: 3.5 * f64::from(count) }, &mut to)?;
            }
            Err(error) if error.is_end_of_input() => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn order(address: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut to = TcpStream::connect(address)?;
    let mut from = BufReader::new(to.try_clone()?);
    let mut pickler = Pickler::new().protocol(PROTOCOL);
    for (dish, count) in [("오이지", 2), ("깍두기", 1), ("동치미", 4)] {
        pickler.dump(&Order { dish: dish.into(), count }, &mut to)?;
        println!("{:?}", Bill::load(&mut from)?);
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["order", address] => return order(address),
        ["serve"] | [] => {}
        _ => return Err("expected nothing, `serve` or `order ADDRESS`".into()),
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    println!("listening on {address}");
    let customer = arguments.is_empty().then(|| thread::spawn(move || order(&address)));
    serve(&listener)?;
    customer.map_or(Ok(()), |customer| customer.join().expect("an order that fails gives an error"))
}
