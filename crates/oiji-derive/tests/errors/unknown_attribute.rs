#[derive(oiji::Pickle)]
#[pickle(klass = "shapes.Point")]
struct Point {
    x: f64,
}

fn main() {}
