//! Long work on archives tells how far it is, by numbers that grow and come to the total.

#![cfg(feature = "archive")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::{fs, io};

use oiji::archive::{Archive, Compression, DumpOptions, Progress, save_npz, save_npz_compressed, save_torch};
use oiji::array::Array;
use oiji::graph::Id;
use oiji::{Graph, ReadOptions};
use serde_json::Value as Json;

/// What was told, in order.
#[derive(Default)]
struct Told(Vec<(String, u64, u64)>);

impl Told {
    fn note(&mut self, so_far: Progress<'_>) {
        self.0.push((so_far.member.to_owned(), so_far.done, so_far.total));
    }

    /// It grew, always of the same total, and came to that.
    fn came_to(&self, total: u64) {
        let dones: Vec<u64> = self.0.iter().map(|(_, done, _)| *done).collect();
        assert!(dones.is_sorted_by(|one, other| one < other), "{dones:?}");
        assert!(self.0.iter().all(|told| told.2 == total), "{:?}", self.0);
        assert_eq!(dones.last(), Some(&total));
    }

    /// How often a member was told of.
    fn of(&self, member: &str) -> usize {
        self.0.iter().filter(|told| told.0 == member).count()
    }
}

/// Ten megabytes, and two bytes.
fn arrays() -> [(&'static str, Array<'static>); 2] {
    let large: Vec<u32> = (0..10 << 18).map(|index| index % 1000).collect();
    let large = Array::from_values(&large, &[10 << 18]).unwrap();
    [("large", large), ("small", Array::from_values(&[1_u8, 2], &[2]).unwrap())]
}

/// A list of arrays, and the ids of these.
fn listed(arrays: &[&Array<'static>; 2]) -> (Graph<'static>, [Id; 2]) {
    let mut graph = Graph::new();
    let ids = arrays.map(|array| graph.add_array(array).unwrap());
    let root = graph.add_list(&ids).unwrap();
    graph.set_roots(vec![root]);
    (graph, ids)
}

fn size(archive: &Archive<'_>) -> u64 {
    archive.members().iter().map(|member| member.size).sum()
}

#[test]
fn verifying_tells_of_a_large_member_on_the_way() {
    let arrays = arrays();
    let arrays = || arrays.iter().map(|(name, array)| (*name, array));
    for save in [|to: &mut Vec<u8>, it| save_npz(to, it), |to: &mut Vec<u8>, it| save_npz_compressed(to, it)] {
        let mut file = Vec::new();
        save(&mut file, arrays().collect::<Vec<_>>()).unwrap();
        let archive = Archive::open(&file).unwrap();
        let mut told = Told::default();
        assert!(archive.verify_with(|so_far| told.note(so_far)).is_empty());
        told.came_to(size(&archive));
        assert!(told.of("large.npy") >= 8 && told.of("small.npy") == 1, "{:?}", told.0);
    }
}

#[test]
fn a_broken_member_does_not_keep_it_from_the_total() {
    let arrays = arrays();
    let mut file = Vec::new();
    save_npz_compressed(&mut file, arrays.iter().map(|(name, array)| (*name, array))).unwrap();
    let offset = Archive::open(&file).unwrap().members()[0].offset.unwrap() as usize;
    file[offset + 1000] ^= 0xff;
    let archive = Archive::open(&file).unwrap();
    let mut told = Told::default();
    assert_eq!(archive.verify_with(|so_far| told.note(so_far)).len(), 1);
    told.came_to(size(&archive));
}

#[test]
fn reading_everything_tells_of_what_is_decompressed() {
    let [(_, large), (_, small)] = arrays();
    let (graph, _) = listed(&[&large, &small]);
    let zip = DumpOptions::new().compression(Compression::Deflated).to_vec(graph.root()).unwrap();
    let mut checkpoint = Vec::new();
    save_torch(&mut checkpoint, [("large", &large), ("small", &small)]).unwrap();
    for (file, large) in [(zip, "array_0"), (checkpoint, "archive/data/0")] {
        let archive = Archive::open(&file).unwrap();
        let mut told = Told::default();
        archive.linked_graph_with(u64::MAX, |so_far| told.note(so_far)).unwrap();
        told.came_to(size(&archive));
        assert!(told.of(large) >= 1, "{:?}", told.0);
    }
}

#[test]
fn dumping_tells_of_the_bytes_of_arrays() {
    let [(_, large), (_, small)] = arrays();
    let (graph, ids) = listed(&[&large, &small]);
    for compression in [Compression::Stored, Compression::Deflated] {
        let options = DumpOptions::new().compression(compression).name(ids[0], "large");
        let mut told = Told::default();
        options.to_writer_with(graph.root(), io::sink(), |so_far| told.note(so_far)).unwrap();
        told.came_to((10 << 20) + 2);
        assert!(told.of("large") >= 8 && told.of("array_0") == 1, "{:?}", told.0);
    }
}

#[test]
fn whatever_the_format_the_numbers_come_to_the_total() {
    let folder = oiji_testkit::corpus().join("producers");
    let manifest = fs::read(folder.join("MANIFEST.json")).unwrap();
    let manifest: Json = serde_json::from_slice(&manifest).unwrap();
    let mut formats = BTreeSet::new();
    for file in manifest["files"].as_array().unwrap() {
        let path = folder.join(file["file"].as_str().unwrap());
        let Ok(bytes) = fs::read(&path) else { continue };
        let beside = |name: &str| Ok(fs::read(path.with_file_name(name))?.into());
        let Ok(archive) = Archive::open_beside(&bytes, &ReadOptions::new(), beside) else { continue };
        let total = size(&archive);
        let mut told = Told::default();
        archive.verify_with(|so_far| told.note(so_far));
        if total > 0 {
            told.came_to(total);
        }
        let mut told = Told::default();
        if archive.linked_graph_with(u64::MAX, |so_far| told.note(so_far)).is_ok() && total > 0 {
            told.came_to(total);
            formats.insert(archive.format().name());
        }
    }
    assert!(formats.len() >= 9, "{formats:?}");
}
