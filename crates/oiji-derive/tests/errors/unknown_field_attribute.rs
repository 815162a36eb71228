#[derive(oiji::Unpickle)]
#[pickle(class = "shapes.Point")]
struct Point {
    #[pickle(renamed = "height")]
    x: f64,
}

fn main() {}
