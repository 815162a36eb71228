#[derive(oiji::Unpickle)]
#[pickle(class = "shapes.Items")]
struct Items {
    #[pickle(arg, items)]
    items: Vec<f64>,
}

fn main() {}
