#[derive(oiji::Unpickle)]
#[pickle(class = "model.Line", state = "tuple", version = 2)]
struct Line {
    w: f64,
}

fn main() {}
