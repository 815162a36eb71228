#[derive(oiji::Pickle)]
enum Shape {
    Square { side: f64 },
}

#[derive(oiji::Pickle)]
#[pickle(class = "colors.Color")]
enum Color {
    Red,
}

#[derive(oiji::Unpickle)]
enum Other {
    #[pickle(other)]
    Nothing,
}

fn main() {}
