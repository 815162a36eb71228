//! Arrays and dtypes as the calls that make them, written so that NumPy 1.16 to 2.x load them, on Python 2 and 3: under the
//! old names of modules, which new versions know too.

use std::borrow::Cow;

use crate::array::array::{Array, Data};
use crate::array::dtype::{Dtype, Record, bad};
use crate::array::layout::Layout;
use crate::error::Result;
use crate::graph::{Graph, Id, Made, Node, StepKind};

#[cfg(feature = "archive")]
impl<'a> Graph<'a> {
    /// As `add_array`; data that is borrowed stays so, as a buffer.
    pub(crate) fn add_borrowed_array(&mut self, array: &Array<'a>) -> Result<Id> {
        // What the array itself borrows lives longer than the array.
        let borrowed = match array.data() {
            Data::Bytes(Cow::Borrowed(all)) => *all,
            _ => &[],
        };
        self.add_array_by(array, |graph, bytes| {
            let start = (bytes.as_ptr() as usize).wrapping_sub(borrowed.as_ptr() as usize);
            let part = borrowed.get(start..start.saturating_add(bytes.len()));
            match part.filter(|part| !part.is_empty() && matches!(bytes, Cow::Borrowed(_))) {
                Some(part) => {
                    let index = graph.push_buffer(Cow::Borrowed(part));
                    graph.add_buffer(index, true)
                }
                None => graph.add_bytes(&bytes),
            }
        })
    }
}

/// Arrays in a graph.
impl Graph<'_> {
    /// Adds an array of NumPy, by `_reconstruct`. Masked arrays stay masked and classes of NumPy stay; of others, such as
    /// torch's, the plain array is written.
    ///
    /// ```
    /// use oiji::{Graph, array::Array};
    /// let mut graph = Graph::new();
    /// let array = graph.add_array(&Array::from_values(&[1.5_f64, 2.5], &[2])?)?;
    /// graph.set_roots(vec![array]);
    /// assert_eq!(graph.root().as_array()?.to_vec::<f64>()?, [1.5, 2.5]);
    /// # Ok::<(), oiji::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArray` for dtypes that NumPy has not, and for data that is kept elsewhere.
    pub fn add_array(&mut self, array: &Array<'_>) -> Result<Id> {
        self.add_array_by(array, |graph, bytes| graph.add_bytes(&bytes))
    }

    /// Adds an array of values of the graph; `shape` in elements, of which there are as many.
    #[cfg(feature = "archive")]
    pub(crate) fn add_object_array(&mut self, shape: &[u64], objects: &[Id]) -> Result<Id> {
        let class = self.add_global("numpy", "ndarray")?;
        let object = self.reconstruct(class)?;
        let dtype = self.add_dtype(&Dtype::Object)?;
        let state = [self.add_int(1)?, self.shape(shape)?, dtype, self.add_bool(false)?, self.add_list(objects)?];
        let state = self.add_tuple(&state)?;
        self.add_step(object, StepKind::Build, &[state])?;
        Ok(object)
    }

    /// The call that makes an array of a class, which has neither shape nor elements yet.
    fn reconstruct(&mut self, class: Id) -> Result<Id> {
        let function = self.add_global("numpy.core.multiarray", "_reconstruct")?;
        let empty = self.add_int(0)?;
        let empty = self.add_tuple(&[empty])?;
        let code = self.add_bytes(b"b")?;
        let args = self.add_tuple(&[class, empty, code])?;
        self.add_object(Made::Call, function, args, None)
    }

    /// Adds an array by what `add` makes of its data.
    fn add_array_by<'d>(
        &mut self,
        array: &'d Array<'_>,
        add: impl FnOnce(&mut Self, Cow<'d, [u8]>) -> Result<Id>,
    ) -> Result<Id> {
        let plain = self.add_global("numpy", "ndarray")?;
        let class = match array.class().and_then(known_class) {
            Some((module, name)) => self.add_global(module, name)?,
            None => plain,
        };
        let object = match array.masked() {
            None => self.reconstruct(class)?,
            Some(_) => {
                let empty = self.add_int(0)?;
                let empty = self.add_tuple(&[empty])?;
                let code = self.add_bytes(b"b")?;
                let function = self.add_global("numpy.ma.core", "_mareconstruct")?;
                let class = if class == plain { self.add_global("numpy.ma.core", "MaskedArray")? } else { class };
                let args = self.add_tuple(&[class, plain, empty, code])?;
                self.add_object(Made::Call, function, args, None)?
            }
        };
        let is_fortran = *array.layout() == Layout::Fortran && !array.layout().is_c(array.shape());
        let data = match array.data() {
            Data::Objects(objects) => {
                let list = self.add_copy(objects.list())?;
                match self.value(list).node() {
                    Node::List(_) => list,
                    // NumPy takes lists alone.
                    _ => {
                        let items: Vec<Id> = self.value(list).items()?.iter().map(|item| item.id()).collect();
                        self.add_list(&items)?
                    }
                }
            }
            _ if is_fortran => add(self, array.bytes()?)?,
            _ => add(self, array.c_order_bytes()?)?,
        };
        let is_record = array.class().is_some_and(|class| class.ends_with(".recarray"));
        let dtype = match (array.dtype(), array.objects()) {
            (Dtype::String, Some(objects)) => {
                let missing = objects.iter().find(|item| !matches!(item.node(), Node::Str(_)));
                let missing = missing.map(|item| self.add_copy(item)).transpose()?;
                self.string_dtype(missing)?
            }
            (Dtype::Record(record), _) if is_record => {
                let class = self.add_global("numpy", "record")?;
                self.record_dtype(record, class)?
            }
            (dtype, _) => self.add_dtype(dtype)?,
        };
        let mut state = vec![self.add_int(1)?, self.shape(array.shape())?, dtype, self.add_bool(is_fortran)?, data];
        if let Some(masked) = array.masked() {
            let mask = if is_fortran { masked.mask.bytes()? } else { masked.mask.c_order_bytes()? };
            state.push(self.add_bytes(&mask)?);
            state.push(match masked.fill_value {
                Some(value) => self.add_copy(value)?,
                None => self.add_none()?,
            });
        }
        let state = self.add_tuple(&state)?;
        self.add_step(object, StepKind::Build, &[state])?;
        Ok(object)
    }

    /// Adds a dtype of NumPy.
    ///
    /// # Errors
    /// `InvalidArray` for dtypes that NumPy has not.
    pub fn add_dtype(&mut self, dtype: &Dtype) -> Result<Id> {
        match dtype {
            Dtype::Record(record) => {
                let name = self.add_str(&format!("V{}", record.size()))?;
                self.record_dtype(record, name)
            }
            Dtype::SubArray(sub) => {
                let base = self.add_dtype(sub.dtype())?;
                let shape = self.shape(sub.shape())?;
                let part = self.add_tuple(&[base, shape])?;
                let name = self.add_str(&format!("V{}", dtype.size()))?;
                let tail = [signed(dtype.size())?, signed(dtype.alignment())?, 0];
                self.dtype_of(name, "|", [Some(part), None, None], tail, None)
            }
            Dtype::DateTime(step, order) | Dtype::TimeDelta(step, order) => {
                let nothing = self.add_dict(&[])?;
                let unit = self.add_bytes(step.unit.code().as_bytes())?;
                let one = self.add_int(1)?;
                let count = self.add_int(i64::from(step.count))?;
                let unit = self.add_tuple(&[unit, count, one, one])?;
                let metadata = self.add_tuple(&[nothing, unit])?;
                let name = self.add_str(if matches!(dtype, Dtype::DateTime(..)) { "M8" } else { "m8" })?;
                // NumPy 2.5 crashes without it, whatever the unit.
                self.dtype_of(name, order.mark(), [None; 3], [-1, -1, 0], Some(metadata))
            }
            Dtype::String => self.string_dtype(None),
            Dtype::BFloat16 | Dtype::Float8(_) | Dtype::Quantized(..) => {
                Err(bad(format!("NumPy has no {dtype}; make it float32 or bytes first")))
            }
            _ => {
                /// NumPy's flags for objects: how it must treat memory that holds them.
                const OBJECT: i64 = 0x3f;
                const NEEDS_INIT: i64 = 0x08;
                let text = dtype.type_str();
                let (order, code) = text.split_at(1);
                let code = if *dtype == Dtype::Object { "O8" } else { code };
                let name = self.add_str(code)?;
                let size = signed(dtype.size())?;
                let tail = match dtype {
                    Dtype::Bytes(_) | Dtype::Void(_) => [size, 1, 0],
                    Dtype::Str(..) => [size, 4, NEEDS_INIT],
                    Dtype::Object => [-1, -1, OBJECT],
                    _ => [-1, -1, 0],
                };
                self.dtype_of(name, order, [None; 3], tail, None)
            }
        }
    }

    /// `numpy.dtype('V12' or numpy.record, False, True)` with fields.
    fn record_dtype(&mut self, record: &Record, class: Id) -> Result<Id> {
        const NEEDS_API: i64 = 0x10;
        const HAS_OBJECTS: i64 = 0x1b;
        /// The bit 0x80 of what is a signed byte to NumPy 1, which refuses 0x80 itself. NumPy 2 reads it, and forgets just
        /// that the record is aligned; offsets are told one by one.
        const ALIGNED: i64 = -0x80;
        let mut names = Vec::new();
        let mut fields = Vec::new();
        for field in record.fields() {
            let name = self.add_str(&field.name)?;
            let mut parts = vec![self.add_dtype(&field.dtype)?, self.add_int(signed(field.offset)?)?];
            if let Some(title) = &field.title {
                parts.push(self.add_str(title)?);
            }
            let part = self.add_tuple(&parts)?;
            names.push(name);
            fields.push((name, part));
            if let Some(title) = parts.get(2) {
                fields.push((*title, part));
            }
        }
        let names = self.add_tuple(&names)?;
        let fields = self.add_dict(&fields)?;
        let dtype = Dtype::Record(record.clone());
        let flags = if dtype.has_objects() { HAS_OBJECTS } else { NEEDS_API };
        let flags = if record.is_aligned() { flags | ALIGNED } else { flags };
        let tail = [signed(record.size())?, signed(dtype.alignment())?, flags];
        self.dtype_of(class, "|", [None, Some(names), Some(fields)], tail, None)
    }

    /// `numpy.dtype(name, False, True)` with its state: sub-array, names, fields; size, alignment, flags; metadata.
    fn dtype_of(
        &mut self,
        name: Id,
        order: &str,
        parts: [Option<Id>; 3],
        tail: [i64; 3],
        metadata: Option<Id>,
    ) -> Result<Id> {
        let class = self.add_global("numpy", "dtype")?;
        let (no, yes) = (self.add_bool(false)?, self.add_bool(true)?);
        let args = self.add_tuple(&[name, no, yes])?;
        let dtype = self.add_object(Made::Call, class, args, None)?;
        let mut state = vec![self.add_int(if metadata.is_some() { 4 } else { 3 })?, self.add_str(order)?];
        for part in parts {
            state.push(match part {
                Some(part) => part,
                None => self.add_none()?,
            });
        }
        for number in tail {
            state.push(self.add_int(number)?);
        }
        state.extend(metadata);
        let state = self.add_tuple(&state)?;
        self.add_step(dtype, StepKind::Build, &[state])?;
        Ok(dtype)
    }

    /// The type of strs of any length, which NumPy has from version 2 on.
    fn string_dtype(&mut self, missing: Option<Id>) -> Result<Id> {
        let function = self.add_global("numpy._core._internal", "_convert_to_stringdtype_kwargs")?;
        let mut args = vec![self.add_bool(true)?];
        args.extend(missing);
        let args = self.add_tuple(&args)?;
        self.add_object(Made::Call, function, args, None)
    }

    fn shape(&mut self, shape: &[u64]) -> Result<Id> {
        let axes = shape.iter().map(|axis| self.add_int(signed(*axis)?)).collect::<Result<Vec<Id>>>()?;
        self.add_tuple(&axes)
    }
}

/// Module and name of a class of NumPy under which all versions know it.
fn known_class(class: &str) -> Option<(&'static str, &'static str)> {
    Some(match class.strip_prefix("numpy.")? {
        "matrix" | "matrixlib.defmatrix.matrix" => ("numpy", "matrix"),
        "recarray" | "rec.recarray" | "core.records.recarray" | "_core.records.recarray" => ("numpy", "recarray"),
        "memmap" | "core.memmap.memmap" | "core.memmap" => ("numpy", "memmap"),
        "ma.core.MaskedArray" | "ma.MaskedArray" => ("numpy.ma.core", "MaskedArray"),
        "ma.mrecords.MaskedRecords" => ("numpy.ma.mrecords", "MaskedRecords"),
        "chararray" | "char.chararray" | "core.defchararray.chararray" => ("numpy", "chararray"),
        _ => return None,
    })
}

fn signed(size: u64) -> Result<i64> {
    i64::try_from(size).map_err(|_| bad("a size beyond 63 bits"))
}
