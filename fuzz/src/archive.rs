//! Archives: what they tell of an array without reading it is true, and what is read of them can be written.

use oiji::archive::{Archive, DumpOptions, Format, save_joblib, save_npz, save_torch};
use oiji::{Limits, ReadOptions, WriteOptions};

/// Bytes that a member or array may have here, so that nothing takes long.
const LARGEST: u64 = 1 << 20;

/// Any bytes are an archive whose arrays are as they were told, or an error.
pub fn archive(input: &[u8]) {
    let limits = Limits { int_digits: 5_000, allocation: 64 * LARGEST, ..Limits::default() };
    let beside = |_: &str| Ok(input.into());
    let Ok(archive) = Archive::open_beside(input, &ReadOptions::new().limits(limits), beside) else { return };
    assert!(Archive::may_be(input), "{archive:?}");
    // What is broken is told, and that is all right here.
    archive.verify();
    archive.members();
    for info in archive.arrays().unwrap_or_default() {
        let Ok(array) = archive.array(&info.name) else { continue };
        // Members of one name are told each for itself.
        if archive.format() != Format::Npz && archive.format() != Format::Robust {
            assert_eq!((array.dtype(), array.shape()), (&info.dtype, &*info.shape), "{}", info.name);
        }
        if array.size() <= LARGEST {
            let _ = array.to_f64s();
            let _ = save_npz(std::io::sink(), [("x", &array)]);
            if save_torch(std::io::sink(), [("x", &array)]).is_ok() {
                let mut file = Vec::new();
                save_torch(&mut file, [("x", &array)]).expect("a vector takes all");
                let again = Archive::open(&file).and_then(|again| again.array("x").map(|again| again.shape().to_vec()));
                assert_eq!(again.ok().as_deref(), Some(array.shape()));
            }
        }
    }
    let Ok(Some(graph)) = archive.graph() else { return };
    let small = graph.values().all(|value| {
        let array = archive.resolve(value);
        array.is_ok_and(|array| array.is_none_or(|array| array.size() <= LARGEST))
    });
    if small {
        for protocol in 0..=5 {
            let _ = save_joblib(std::io::sink(), graph.root(), WriteOptions::new().protocol(protocol));
        }
        let _ = DumpOptions::new().paths(true).to_vec(graph.root());
    }
}
