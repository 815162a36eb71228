#[derive(oiji::Unpickle)]
#[pickle(class = "model.Line", version = 4, migrate(1 => first, 3 => third))]
struct Line {
    w: f64,
}

fn first(_: &mut oiji::class::State<'_>) -> oiji::Result<()> {
    Ok(())
}

fn third(_: &mut oiji::class::State<'_>) -> oiji::Result<()> {
    Ok(())
}

fn main() {}
