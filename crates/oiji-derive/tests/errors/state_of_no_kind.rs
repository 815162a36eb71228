#[derive(oiji::Pickle)]
#[pickle(class = "model.Line", state = "array")]
struct Line {
    w: f64,
}

fn main() {}
