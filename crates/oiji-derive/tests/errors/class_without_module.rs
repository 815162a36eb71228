#[derive(oiji::Pickle)]
#[pickle(class = "Point")]
struct Point {
    x: f64,
}

fn main() {}
