//! Values that stand outside of the pickle: persistent ids and out-of-band buffers, exchanged with real Pythons.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(feature = "derive")]

use std::any::Any;
use std::rc::Rc;

use oiji::class::{Buffer, PersistentId, Pickler, Unpickler};
use oiji::{Pickle, Unpickle};
use oiji_testkit::{Python, pythons, skip};

#[derive(Pickle, Unpickle, Debug, PartialEq, Clone)]
#[pickle(class = "store.Image")]
struct Image {
    number: i64,
}

/// The id under which an image is kept.
fn kept(value: &dyn Any) -> Option<Box<dyn Pickle>> {
    value.downcast_ref::<Image>().map(|image| Box::new(format!("image {}", image.number)) as Box<dyn Pickle>)
}

fn number(pid: oiji::Value<'_>) -> oiji::Result<i64> {
    let text: String = Unpickler::new().from_value(pid)?;
    text.trim_start_matches("image ").parse().map_err(|_| oiji::Error::message(format!("there is no {text}")))
}

#[test]
fn values_kept_outside_come_back_through_callbacks() {
    let images = vec![Rc::new(Image { number: 1 }), Rc::new(Image { number: 2 })];
    for protocol in 0..=5 {
        let value = (images[0].clone(), vec![images.clone(), images.clone()], Image { number: 3 });
        let bytes = Pickler::new().protocol(protocol).persistent_id(kept).dumps(&value).unwrap();
        assert!(!oiji::loads(&bytes).unwrap().to_string().contains("store"));
        // The store gives each image once; the pointers are its own.
        let store = images.clone();
        let mut asked = 0;
        let mut unpickler = Unpickler::new().persistent_load(|pid| {
            asked += 1;
            let number = number(pid)?;
            match store.iter().find(|image| image.number == number) {
                Some(image) => Ok(Box::new(image.clone()) as Box<dyn Any>),
                None => Ok(Box::new(Image { number })),
            }
        });
        let read: (Rc<Image>, Vec<Vec<Rc<Image>>>, Image) = unpickler.loads(&bytes).unwrap();
        drop(unpickler);
        assert!(Rc::ptr_eq(&read.0, &images[0]) && Rc::ptr_eq(&read.1[1][1], &images[1]));
        assert_eq!((read.2.number, asked), (3, 6));
        // Without a callback ids are ids, and images are none.
        let ids: (PersistentId<String>, oiji::Graph<'static>, PersistentId<String>) = Unpickle::loads(&bytes).unwrap();
        assert_eq!(ids.0.0, "image 1");
        let error = <(Image, oiji::Graph<'static>, Image)>::loads(&bytes).unwrap_err();
        assert!(error.to_string().contains("expected an instance of store.Image, found persistent id"), "{error}");
    }
}

#[test]
fn what_a_callback_gives_must_be_of_the_type_that_is_read() {
    let bytes = Pickler::new().persistent_id(kept).dumps(&vec![Image { number: 1 }]).unwrap();
    let mut unpickler = Unpickler::new().persistent_load(|_| Ok(Box::new("a str")));
    let error = unpickler.loads::<Vec<Image>>(&bytes).unwrap_err();
    assert!(error.to_string().contains("gave no") && error.to_string().contains("Image"), "{error}");
    assert!(error.to_string().ends_with("(root[0])"), "{error}");
    let mut unpickler = Unpickler::new().persistent_load(|pid| Err(oiji::Error::message(format!("no {pid}"))));
    let error = unpickler.loads::<Vec<Image>>(&bytes).unwrap_err();
    assert!(error.to_string().starts_with("no 'image 1' at offset"), "{error}");
}

fn each_python(work: impl Fn(&Python, u8)) {
    if pythons().is_empty() {
        return skip("no Python here to exchange values with");
    }
    for python in pythons() {
        for protocol in 0..=python.highest_protocol() {
            work(python, protocol);
        }
    }
}

const PERSISTENT: &str = r"
import io, pickle, sys, types
store = types.ModuleType('store')
class Image(object):
    def __init__(self, number): self.number = number
Image.__module__ = 'store'
store.Image = Image
sys.modules['store'] = store
known = {}
def load(pid):
    kind, number = pid.split(' ')
    return known.setdefault(number, Image(int(number)))
def keep(value):
    return 'image %d' % value.number if isinstance(value, Image) else None
stdin = getattr(sys.stdin, 'buffer', sys.stdin)
stdout = getattr(sys.stdout, 'buffer', sys.stdout)
if sys.version_info[0] == 2:
    unpickler = pickle.Unpickler(io.BytesIO(stdin.read()))
    unpickler.persistent_load = load
else:
    class Unpickler(pickle.Unpickler):
        persistent_load = staticmethod(load)
    unpickler = Unpickler(io.BytesIO(stdin.read()))
value = unpickler.load()
assert value[0] is value[1][0] and value[1][1].number == 2, value
out = io.BytesIO()
if sys.version_info[0] == 2:
    pickler = pickle.Pickler(out, PROTOCOL)
    pickler.persistent_id = keep
else:
    class Pickler(pickle.Pickler):
        persistent_id = staticmethod(keep)
    pickler = Pickler(out, PROTOCOL)
pickler.dump(value)
stdout.write(out.getvalue())
";

#[test]
fn persistent_ids_are_exchanged_with_every_python() {
    each_python(|python, protocol| {
        let images = [Rc::new(Image { number: 1 }), Rc::new(Image { number: 2 })];
        let value = (images[0].clone(), images.to_vec());
        let bytes = Pickler::new().protocol(protocol).persistent_id(kept).dumps(&value).unwrap();
        let back = python.run(&PERSISTENT.replace("PROTOCOL", &protocol.to_string()), &bytes).unwrap();
        let mut unpickler = Unpickler::new().persistent_load(|pid| Ok(Box::new(Image { number: number(pid)? })));
        let read: (Image, Vec<Image>) = unpickler.loads(&back).unwrap();
        assert_eq!((read.0.number, read.1[1].number), (1, 2));
    });
}

#[test]
fn buffers_stay_in_band_or_go_out_as_the_callback_says() {
    let value = vec![Buffer::new(b"one".to_vec()), Buffer::read_only(b"two".to_vec()), Buffer::new(b"three".to_vec())];
    let mut out = Vec::new();
    let mut pickler = Pickler::new().protocol(5).buffer_callback(|bytes| {
        let in_band = bytes == b"two";
        if !in_band {
            out.push(bytes.to_vec());
        }
        in_band
    });
    let bytes = pickler.dumps(&value).unwrap();
    drop(pickler);
    assert_eq!(oiji::loads(&bytes).unwrap().to_string(), "[<buffer 0>, b'two', <buffer 1>]");
    let read: Vec<Buffer> = Unpickler::new().buffers(out.clone()).loads(&bytes).unwrap();
    assert_eq!(read, value);
    let error = Unpickler::new().buffers(vec![b"one".to_vec()]).loads::<Vec<Buffer>>(&bytes).unwrap_err();
    assert!(error.to_string().starts_with("out-of-band buffer 1 is missing"), "{error}");
    // In band they are what protocols without buffers know.
    for protocol in 0..=5 {
        let bytes = Pickler::new().protocol(protocol).dumps(&value).unwrap();
        assert_eq!(Vec::<Buffer>::loads(&bytes).unwrap(), value);
    }
    let error = Pickler::new().protocol(4).buffer_callback(|_| false).dumps(&value).unwrap_err();
    assert!(error.to_string().starts_with("protocol 4 cannot say"), "{error}");
}

const BUFFERS: &str = r"
import pickle, sys
data = sys.stdin.buffer.read()
value = pickle.loads(data, buffers=[bytearray(b'one'), b'two'])
assert [bytes(part) for part in value] == [b'one', b'two'], value
value[0][0] = 79
given = []
out = pickle.dumps([pickle.PickleBuffer(value[0]), pickle.PickleBuffer(b'two')], 5, buffer_callback=given.append)
assert [bytes(part.raw()) for part in given] == [b'One', b'two']
sys.stdout.buffer.write(out)
";

#[test]
fn buffers_are_exchanged_with_every_python_that_has_them() {
    each_python(|python, protocol| {
        if protocol < 5 {
            return;
        }
        let value = (Buffer::new(b"one".to_vec()), Buffer::read_only(b"two".to_vec()));
        let bytes = Pickler::new().protocol(5).buffer_callback(|_| false).dumps(&value).unwrap();
        let back = python.run(BUFFERS, &bytes).unwrap();
        let read: Vec<Buffer> = Unpickler::new().buffers([&b"One"[..], b"two"]).loads(&back).unwrap();
        assert_eq!(read, [Buffer::new(b"One".to_vec()), Buffer::read_only(b"two".to_vec())]);
    });
}
