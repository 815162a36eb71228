#[derive(oiji::Unpickle)]
struct Server {
    thread: std::thread::Thread,
}

fn main() {}
