#[derive(oiji::Pickle)]
struct Point {
    #[pickle(arg)]
    x: f64,
}

#[derive(oiji::Pickle)]
#[pickle(state = "slots")]
struct Slotted {
    x: f64,
}

fn main() {}
