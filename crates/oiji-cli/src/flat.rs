//! Files of arrays alone, `.npy`, `.npz`, safetensors and state dicts of torch, made of whatever holds arrays; and the list of what they have no
//! place for.

use std::collections::HashSet;
use std::io::Write;

use oiji::archive::{Contents, Format, save_npz, save_safetensors, save_torch};
use oiji::array::{Array, Dtype, Quantized};
use oiji::{Error, Node, Value};

use crate::failure::{Failure, Status, complain, explain};

/// The arrays that go into a file, and what does not.
pub(crate) struct Flat<'g> {
    format: Format,
    arrays: Vec<(String, Array<'g>)>,
    /// Names that are taken.
    names: HashSet<String>,
    left_out: Vec<String>,
    notes: Vec<String>,
}

impl<'g> Flat<'g> {
    /// What of `root`, of the input `input`, a file of this format takes.
    pub(crate) fn of(input: &str, root: Value<'g>, format: Format) -> Result<Flat<'g>, Failure> {
        let contents = Contents::of(root);
        if contents.arrays.is_empty() {
            return Err(Failure::about(input, "holds no arrays"));
        }
        let names = contents.arrays.iter().map(|(name, _)| name.clone()).collect();
        let mut flat = Flat { format, arrays: Vec::new(), names, left_out: Vec::new(), notes: Vec::new() };
        let is_torch = contents.arrays.iter().any(|(_, array)| array.is_tensor());
        for (name, array) in contents.arrays {
            if array.quantized().is_some() {
                flat.add_quantized(name, &array).map_err(|error| Failure::about(input, explain(&error)))?;
            } else {
                flat.add(name, array);
            }
        }
        for (path, value) in contents.rest {
            let text = format!("{path}: {}", brief(value));
            // Versions of modules, which every state dict has beside its tensors.
            match is_torch && path == "_metadata" {
                true => flat.notes.push(format!("left out: {text}, versions of modules")),
                false => flat.left_out.push(text),
            }
        }
        match (format, flat.arrays.len()) {
            (_, 0) => {
                flat.tell(input);
                Err(Failure::about(input, format!("none of its arrays can stand in {format}")))
            }
            (Format::Npy, 2..) => {
                let problem = "holds several arrays, and .npy takes one: write .npz, or take one with `oiji get`";
                Err(Failure::about(input, problem))
            }
            _ => Ok(flat),
        }
    }

    /// The integers of a quantized tensor, and under names of their own what they are read by.
    fn add_quantized(&mut self, name: String, array: &Array<'g>) -> oiji::Result<()> {
        let parts = array.quantized().map(Quantized::parts).transpose()?.unwrap_or_default();
        if self.format == Format::Npy {
            self.left_out.extend(array.quantized().map(|quantized| format!("{name}: its {quantized}")));
        } else {
            let told: Vec<&str> = parts.iter().map(|(part, _)| *part).collect();
            self.notes.push(format!("{name}: {} became its integers, beside them {}", array.dtype(), told.join(", ")));
            for (part, value) in parts {
                let mut part = format!("{name}.{part}");
                while !self.names.insert(part.clone()) {
                    part.push('_');
                }
                self.add(part, value);
            }
        }
        self.add(name, array.to_integers()?);
        Ok(())
    }

    fn add(&mut self, name: String, array: Array<'g>) {
        let has_small_floats = matches!(self.format, Format::Safetensors | Format::Torch);
        let widened = if has_small_floats { None } else { widened(&array) };
        if widened.is_some() {
            self.notes.push(widening(&name, array.dtype()));
        }
        let array = widened.unwrap_or(array);
        if let Err(error) = self.format.takes(&array) {
            self.left_out.push(format!("{name}: {}", explain(&error)));
            return;
        }
        if array.masked().is_some() {
            self.left_out.push(format!("{name}: its mask"));
        }
        if let Some(class) = array.class().filter(|class| array.masked().is_none() && !class.starts_with("torch.")) {
            self.left_out.push(format!("{name}: its class {class}; it is a plain array there"));
        }
        self.arrays.push((name, array));
    }

    /// The bytes of all arrays.
    pub(crate) fn size(&self) -> u64 {
        self.arrays.iter().map(|(_, array)| array.size()).sum()
    }

    pub(crate) fn write(&self, out: &mut dyn Write) -> Result<(), Error> {
        let named = || self.arrays.iter().map(|(name, array)| (name.as_str(), array));
        match (self.format, self.arrays.first()) {
            (Format::Npy, Some((_, array))) => array.write_npy(out),
            (Format::Safetensors, _) => save_safetensors(out, named()),
            (Format::Torch, _) => save_torch(out, named()),
            _ => save_npz(out, named()),
        }
    }

    /// Says on standard error what was left out; whether anything was is the status.
    pub(crate) fn tell(&self, name: &str) -> Status {
        tell(name, &self.notes, &self.left_out)
    }
}

/// Says on standard error, about the input `name`, what is to be known of a conversion and what was left out; whether anything
/// was is the status.
pub(crate) fn tell(name: &str, notes: &[String], left_out: &[String]) -> Status {
    /// Lines before the rest is counted.
    const MOST: usize = 20;
    for note in notes.iter().take(MOST) {
        complain(&Failure::about(name, format!("note: {note}")));
    }
    for left_out in left_out.iter().take(MOST) {
        complain(&Failure::about(name, format!("left out: {left_out}")));
    }
    let more = left_out.len().saturating_sub(MOST);
    if more > 0 {
        complain(&Failure::about(name, format!("left out: {more} more")));
    }
    if left_out.is_empty() { Status::Done } else { Status::Found }
}

/// An array of a type that NumPy has not, as float32.
fn widened(array: &Array<'_>) -> Option<Array<'static>> {
    is_widened(array.dtype()).then(|| array.to_float32().ok()).flatten()
}

/// An array for NumPy in place of one of a type that NumPy has not: as float32, or the integers of a quantized tensor.
pub(crate) fn for_numpy<'g>(array: &Array<'g>) -> Option<Array<'g>> {
    widened(array).or_else(|| array.quantized().and_then(|_| array.to_integers().ok()))
}

/// Whether it is of such a type.
pub(crate) fn is_widened(dtype: &Dtype) -> bool {
    matches!(dtype, Dtype::BFloat16 | Dtype::Float8(_))
}

/// What is said of it.
pub(crate) fn widening(name: &str, dtype: &Dtype) -> String {
    format!("{name}: {dtype} became float32, which holds all of it")
}

/// A value in a few words.
pub(crate) fn brief(value: Value<'_>) -> String {
    const LONG: usize = 60;
    let len = value.len().filter(|_| !matches!(value.node(), Node::Object(_)));
    match (value.node(), len) {
        (Node::Object(object), _) => match object.class_name() {
            Some(class) => class.to_string(),
            None => "object".to_owned(),
        },
        (Node::Dict(_) | Node::List(_) | Node::Tuple(_) | Node::Set(_) | Node::FrozenSet(_), Some(len)) => {
            format!("{} of {len}", value.type_name())
        }
        (Node::Str(_) | Node::Bytes(_) | Node::ByteArray(_) | Node::Py2Str(_), Some(len)) if len > LONG => {
            format!("{} of {len}", value.type_name())
        }
        _ => value.to_string(),
    }
}
