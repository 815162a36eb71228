//! What one import of the module holds: objects of the standard library that pickling asks for again and again.

use std::cell::{Cell, OnceCell, RefCell};
use std::ffi::CStr;

use crate::load::{Kept, Options};
use crate::py::decimals::Decimals;
use crate::py::layout::Layout;
use crate::py::typing::Known;
use crate::py::{self, Kind, Obj, Own, Py, Raised};
use crate::save::{Plans, Room};
use crate::types::Classes;

macro_rules! names {
    ($($name:ident $text:literal;)*) => {
        /// Names that stay for good.
        pub(crate) struct Names {
            $(pub(crate) $name: Own,)*
        }

        impl Names {
            fn new() -> Py<Names> {
                Ok(Names { $($name: py::name($text)?,)* })
            }
        }
    };
}

names! {
    qualname c"__qualname__";
    dunder_name c"__name__";
    module c"__module__";
    class c"__class__";
    new c"__new__";
    init c"__init__";
    dict c"__dict__";
    reduce c"__reduce__";
    reduce_ex c"__reduce_ex__";
    getstate c"__getstate__";
    setstate c"__setstate__";
    slots c"__slots__";
    getinitargs c"__getinitargs__";
    getnewargs c"__getnewargs__";
    getnewargs_ex c"__getnewargs_ex__";
    persistent_id c"persistent_id";
    persistent_load c"persistent_load";
    reducer_override c"reducer_override";
    dispatch_table c"dispatch_table";
    find_class c"find_class";
    write c"write";
    read c"read";
    readline c"readline";
    readinto c"readinto";
    peek c"peek";
    append c"append";
    extend c"extend";
    add c"add";
    items c"items";
    latin1 c"latin1";
    import c"__import__";
}

/// The state of the module.
pub(crate) struct State {
    pub(crate) names: Names,
    pub(crate) pickling_error: Own,
    pub(crate) unpickling_error: Own,
    pub(crate) dispatch_table: Own,
    pub(crate) extension_registry: Own,
    pub(crate) inverted_registry: Own,
    pub(crate) extension_cache: Own,
    pub(crate) name_mapping_2to3: Own,
    pub(crate) import_mapping_2to3: Own,
    pub(crate) name_mapping_3to2: Own,
    pub(crate) import_mapping_3to2: Own,
    pub(crate) encode: Own,
    pub(crate) getattr: Own,
    pub(crate) partial: Own,
    pub(crate) not_implemented: Own,
    pub(crate) ellipsis: Own,
    pub(crate) type_type: Own,
    pub(crate) set_type: Own,
    pub(crate) frozenset_type: Own,
    pub(crate) bytes_type: Own,
    pub(crate) bytearray_type: Own,
    pub(crate) modules: Own,
    /// What `import` calls, if that is the interpreter's own.
    pub(crate) import: Option<Own>,
    /// What `object` has: a class with these has no ways of its own.
    pub(crate) object_reduce_ex: Own,
    pub(crate) object_reduce: Own,
    pub(crate) object_getstate: Option<Own>,
    /// The descriptor of `__class__`.
    pub(crate) object_class: Own,
    pub(crate) module_type: Own,
    pub(crate) layout: Layout,
    pub(crate) plans: RefCell<Plans>,
    /// Memory that pickles leave to the next.
    pub(crate) room: Cell<Option<Box<Room>>>,
    /// How long the last pickle was, or half of the one before.
    pub(crate) last_len: Cell<usize>,
    known_names: [OnceCell<(Own, Own)>; 4],
    ordered_names: OnceCell<(Own, Own)>,
    /// The base that `INT` and `LONG` read numbers in: 0 takes `0x10` too.
    pub(crate) text_base: i32,
    /// What makes `__dict__` of a class, where instances lie in memory as `py::plan` takes them to.
    pub(crate) dict_getter: Option<usize>,
    /// Whether dicts lie in memory as `py::shape` takes them to.
    pub(crate) knows_dicts: bool,
    /// How new objects are made by hand, where that is known.
    pub(crate) fresh: Option<py::fresh::Fresh>,
    /// A dict that stays empty.
    pub(crate) blank: Own,
    /// The C API of `datetime`, once a date was met.
    pub(crate) dates: OnceCell<py::dates::Dates>,
    /// How decimals are made, once their class was met; nothing if that is not known.
    decimals: OnceCell<Option<Decimals>>,
    pub(crate) spare: Kept,
    /// How `loads` reads if nothing else is asked for.
    pub(crate) as_usual: Options,
    classes: OnceCell<Classes>,
}

impl State {
    pub(crate) fn new() -> Py<State> {
        let copyreg = py::import(c"copyreg")?;
        let pickle = py::import(c"_pickle")?;
        let compat = py::import(c"_compat_pickle")?;
        let builtins = py::import(c"builtins")?;
        let (copyreg, pickle, compat, builtins) = (copyreg.obj(), pickle.obj(), compat.obj(), builtins.obj());
        let sys = py::import(c"sys")?;
        let object = builtins.attr(c"object")?;
        let getstate = object.obj().attr_maybe(py::name(c"__getstate__")?.obj())?;
        let names = Names::new()?;
        Ok(State {
            dict_getter: py::plan::find_getter(&names),
            knows_dicts: py::shape::works(),
            fresh: py::fresh::Fresh::learnt(),
            blank: py::dict()?,
            dates: OnceCell::new(),
            decimals: OnceCell::new(),
            spare: Kept::default(),
            as_usual: Options::new(true, Some(c"ASCII".into()), c"strict".into(), None),
            names,
            pickling_error: pickle.attr(c"PicklingError")?,
            unpickling_error: pickle.attr(c"UnpicklingError")?,
            dispatch_table: copyreg.attr(c"dispatch_table")?,
            extension_registry: copyreg.attr(c"_extension_registry")?,
            inverted_registry: copyreg.attr(c"_inverted_registry")?,
            extension_cache: copyreg.attr(c"_extension_cache")?,
            name_mapping_2to3: compat.attr(c"NAME_MAPPING")?,
            import_mapping_2to3: compat.attr(c"IMPORT_MAPPING")?,
            name_mapping_3to2: compat.attr(c"REVERSE_NAME_MAPPING")?,
            import_mapping_3to2: compat.attr(c"REVERSE_IMPORT_MAPPING")?,
            encode: py::import(c"codecs")?.obj().attr(c"encode")?,
            getattr: builtins.attr(c"getattr")?,
            partial: py::import(c"functools")?.obj().attr(c"partial")?,
            not_implemented: builtins.attr(c"NotImplemented")?,
            ellipsis: builtins.attr(c"Ellipsis")?,
            type_type: builtins.attr(c"type")?,
            set_type: builtins.attr(c"set")?,
            frozenset_type: builtins.attr(c"frozenset")?,
            bytes_type: builtins.attr(c"bytes")?,
            bytearray_type: builtins.attr(c"bytearray")?,
            modules: sys.obj().attr(c"modules")?,
            import: Some(builtins.attr(c"__import__")?).filter(|import| import.obj().is_builtin_function()),
            object_reduce_ex: object.obj().attr(c"__reduce_ex__")?,
            object_reduce: object.obj().attr(c"__reduce__")?,
            object_getstate: getstate,
            object_class: object
                .obj()
                .attr(c"__dict__")?
                .obj()
                .item_maybe(py::name(c"__class__")?.obj())?
                .ok_or(Raised)?,
            module_type: sys.obj().type_of(),
            layout: Layout::new(),
            plans: RefCell::default(),
            room: Cell::default(),
            last_len: Cell::new(0),
            known_names: Default::default(),
            ordered_names: OnceCell::new(),
            text_base: if cfg!(Py_3_14) { 10 } else { 0 },
            classes: OnceCell::new(),
        })
    }

    /// Leaves all to the interpreter's functions from here on.
    pub(crate) fn go_slowly(&mut self) {
        self.layout.known = false;
        self.knows_dicts = false;
        self.dict_getter = None;
        self.fresh = None;
        self.decimals = OnceCell::from(None);
    }

    /// How decimals are made, if a class is theirs.
    pub(crate) fn decimals_of(&self, class: Obj<'_>) -> Option<&Decimals> {
        let decimals = match self.decimals.get() {
            Some(decimals) => decimals,
            None if Decimals::may_be(class) && self.is_decimal(class).unwrap_or(false) => {
                let learnt = Decimals::learnt(class);
                self.decimals.get_or_init(|| learnt)
            }
            None => return None,
        };
        decimals.as_ref().filter(|decimals| decimals.is_for(class))
    }

    /// Whether a class is what the module made in C has, if that is imported.
    fn is_decimal(&self, class: Obj<'_>) -> Py<bool> {
        let Some(module) = self.modules.obj().item_maybe(py::name(c"_decimal")?.obj())? else { return Ok(false) };
        let Some(names) = py::typing::module_dict(module.obj(), self.module_type.obj()) else { return Ok(false) };
        Ok(names.dict_get(py::name(c"Decimal")?.obj())?.is_some_and(|found| found.is(class)))
    }

    /// Module and name of a class of `datetime`; the two are never one str, as they are not for `pickle`.
    pub(crate) fn known_name(&self, known: Known) -> Py<&(Own, Own)> {
        names_in(&self.known_names[known as usize], c"datetime", known.name())
    }

    /// Module and name of `OrderedDict`.
    pub(crate) fn ordered_name(&self) -> Py<&(Own, Own)> {
        names_in(&self.ordered_names, c"collections", "OrderedDict")
    }

    /// The classes that the module makes by itself.
    pub(crate) fn classes(&self) -> Py<&Classes> {
        match self.classes.get() {
            Some(classes) => Ok(classes),
            None => py::raise(Kind::Runtime, "the module is not imported whole"),
        }
    }

    pub(crate) fn set_classes(&self, classes: Classes) {
        drop(self.classes.set(classes));
    }

    /// The error that pickling raises.
    #[cold]
    pub(crate) fn pickling<T>(&self, text: &str) -> Py<T> {
        py::raise_of(self.pickling_error.obj(), text)
    }

    /// The error that unpickling raises.
    #[cold]
    pub(crate) fn unpickling<T>(&self, text: &str) -> Py<T> {
        py::raise_of(self.unpickling_error.obj(), text)
    }
}

/// Module and name of a class made in C, whose name is no interned str.
fn names_in<'s>(place: &'s OnceCell<(Own, Own)>, module: &CStr, name: &str) -> Py<&'s (Own, Own)> {
    if let Some(names) = place.get() {
        return Ok(names);
    }
    let names = (py::name(module)?, py::str_of(name)?);
    Ok(place.get_or_init(|| names))
}

/// The `repr` of an object, for messages.
pub(crate) fn shown(object: Obj<'_>) -> String {
    match object.repr().and_then(|text| text.obj().text()) {
        Ok(text) => text,
        Err(_) => {
            py::clear();
            "<object>".to_owned()
        }
    }
}
