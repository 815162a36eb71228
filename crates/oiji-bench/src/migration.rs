//! Migration: megabytes a second on one core, many small files, and the memory of the command.

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use oiji::rewrite::Migration;

use crate::processes::{command, measure};
use crate::table::median;

/// Instances of a class with attributes, and what else models hold.
const SCRIPT: &str = "
import pickle, sys, types
m = types.ModuleType('shop_models')
sys.modules['shop_models'] = m
exec('class Item: pass', m.__dict__)
m.Item.__module__ = 'shop_models'
kind, count = sys.argv[1], int(sys.argv[2])
def item(i):
    x = m.Item(); x.id, x.name, x.price, x.tags = i, 'item %d' % i, i * 0.5, ('a', i); return x
if kind == 'objects': value = [item(i) for i in range(count)]
elif kind == 'records': value = [m.Item] + [{'id': i, 'name': 'n%d' % i, 'price': i * 0.5, 'ok': True} for i in range(count)]
elif kind == 'bytes': value = [m.Item, [bytes(1 << 20) for i in range(count)]]
if kind == 'files':
    for i in range(count): open('%s/%05d.pkl' % (sys.argv[3], i), 'wb').write(pickle.dumps([item(i)], 4))
else: sys.stdout.buffer.write(pickle.dumps(value, 4))
";

const NAMES: &str = "[modules]\n\"shop_models\" = \"store.catalogue.models\"\n";
const STATES: &str = "[modules]\n\"shop_models\" = \"store.models\"\n[[class]]\nmatch = \"shop_models:Item\"\nrename = { name = \"title\" }\nadd = { stock = 0 }\n";

/// Prints the rows, or why there are none.
pub(crate) fn print() {
    println!("\nMigration: medians on one core\n");
    if let Err(error) = rows() {
        println!("skipped: {error}");
    }
}

fn rows() -> Result<(), String> {
    let python = oiji_testkit::python3().ok_or("no Python 3 to make the data")?;
    println!("{:36} {:>8} {:>8}  goal", "", "MB", "MB/s");
    let rules = |text: &str| Migration::from_toml(text).map_err(|error| error.to_string());
    for (kind, count) in [("objects", "300000"), ("records", "500000"), ("bytes", "64")] {
        let pickle = python.run_with(&["-c", SCRIPT, kind, count], b"")?;
        row(&format!("names only, {kind}"), "at least 200", &pickle, &rules(NAMES)?)?;
    }
    let pickle = python.run_with(&["-c", SCRIPT, "objects", "300000"], b"")?;
    row("attributes of every object", "at least 50", &pickle, &rules(STATES)?)?;
    files(python)
}

fn row(name: &str, goal: &str, pickle: &[u8], rules: &Migration) -> Result<(), String> {
    let mut times = Vec::new();
    for _ in 0..7 {
        let start = Instant::now();
        let (new, _) = rules.migrate(pickle).map_err(|error| error.to_string())?;
        if black_box(new).is_none() {
            return Err(format!("{name}: nothing was changed"));
        }
        times.push(start.elapsed());
    }
    let megabytes = pickle.len() as f64 / 1e6;
    println!("{name:36} {megabytes:8.1} {:8.0}  {goal}", megabytes * 1e3 / median(times));
    Ok(())
}

/// Twenty thousand small files, and one that is large, by the command.
fn files(python: &oiji_testkit::Python) -> Result<(), String> {
    let Some(oiji) = command() else {
        return Err("whole processes, for want of the command (cargo build --release)".to_owned());
    };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::create_dir(path("small")).map_err(|error| error.to_string())?;
    python.run_with(&["-c", SCRIPT, "files", "20000", &path("small")], b"")?;
    let big = python.run_with(&["-c", SCRIPT, "objects", "1000000"], b"")?;
    std::fs::write(path("big.pkl"), &big).map_err(|error| error.to_string())?;
    for (name, text) in [("names.toml", NAMES), ("states.toml", STATES)] {
        std::fs::write(path(name), text).map_err(|error| error.to_string())?;
    }
    println!("\n{:36} {:>8} {:>12}", "the command", "seconds", "of the file");
    let jobs = [
        ("20,000 small files, --dry-run", "states.toml", vec!["--dry-run".to_owned(), path("small")]),
        ("20,000 small files, to a folder", "states.toml", vec!["--out".to_owned(), path("out"), path("small")]),
        ("one large file, names", "names.toml", vec!["--out".to_owned(), path("out1"), path("big.pkl")]),
        ("one large file, attributes", "states.toml", vec!["--out".to_owned(), path("out2"), path("big.pkl")]),
    ];
    for (name, rules, arguments) in jobs {
        let mut job = Command::new(&oiji);
        job.args(["migrate", "--rules", &path(rules)]).args(&arguments);
        let (time, peak) = measure(&mut job)?;
        let share =
            if name.starts_with("one") { format!("{:11.1}x", peak as f64 / big.len() as f64) } else { String::new() };
        println!("{name:36} {:8.2} {share}", time.as_secs_f64());
    }
    Ok(())
}
