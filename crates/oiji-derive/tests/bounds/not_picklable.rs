#[derive(oiji::Pickle)]
struct Server {
    thread: std::thread::Thread,
}

fn main() {}
