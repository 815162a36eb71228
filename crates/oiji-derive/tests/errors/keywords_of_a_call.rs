#[derive(oiji::Pickle)]
#[pickle(class = "shapes.Point", call)]
struct Point {
    #[pickle(kwarg)]
    x: f64,
}

#[derive(oiji::Pickle)]
union Both {
    x: f64,
    y: i64,
}

fn main() {}
