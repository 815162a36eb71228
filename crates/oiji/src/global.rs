//! Names of globals: what Python 2 called what Python 3 calls otherwise, and the numbers that stand for names.
//!
//! A pickle of protocol 2 or less may come from Python 2, or go to it, so `_pickle` translates the names in it (its
//! `fix_imports`). The tables say what CPython's say, held against them by a test. They are the same in 3.6 to 3.13 but
//! for one row: 3.13 dropped `Tix`, since it has no `tkinter.tix` any more. It stays here: an old name does not become
//! another one because the module is gone.

use std::collections::{BTreeMap, HashMap};

use crate::error::{Error, Result};

/// The Python 3 name of a global as Python 2 wrote it.
///
/// A global that was renamed has its own row; one that was not goes with its module.
///
/// ```
/// use oiji::global::to_python3;
/// assert_eq!(to_python3("__builtin__", "xrange"), ("builtins", "range"));
/// assert_eq!(to_python3("copy_reg", "_reconstructor"), ("copyreg", "_reconstructor"));
/// assert_eq!(to_python3("mine", "Class"), ("mine", "Class"));
/// ```
pub fn to_python3<'a>(module: &'a str, name: &'a str) -> (&'a str, &'a str) {
    if module == "exceptions" && EXCEPTIONS.binary_search(&name).is_ok() {
        return ("builtins", name);
    }
    if let Some(global) = find(&NAMES_TO_3, (module, name)) {
        return global;
    }
    (find(&MODULES_TO_3, module).unwrap_or(module), name)
}

/// The Python 2 name of a global of Python 3, for protocols 0 to 2.
///
/// Not the inverse of `to_python3`: several names became one, and newer exceptions become the older one above them.
///
/// ```
/// use oiji::global::to_python2;
/// assert_eq!(to_python2("builtins", "range"), ("__builtin__", "xrange"));
/// assert_eq!(to_python2("builtins", "FileNotFoundError"), ("exceptions", "OSError"));
/// ```
pub fn to_python2<'a>(module: &'a str, name: &'a str) -> (&'a str, &'a str) {
    if module == "builtins" && EXCEPTIONS.binary_search(&name).is_ok() {
        return ("exceptions", name);
    }
    if let Some(global) = find(&NAMES_TO_2, (module, name)) {
        return global;
    }
    (find(&MODULES_TO_2, module).unwrap_or(module), name)
}

/// Module and name.
type Global = (&'static str, &'static str);

fn find<K: Ord + Copy, V: Copy>(table: &[(K, V)], key: K) -> Option<V> {
    table.binary_search_by_key(&key, |&(key, _)| key).ok().map(|index| table[index].1)
}

/// Extension codes: numbers agreed between writer and readers that stand for globals in `EXT1`, `EXT2` and `EXT4`.
///
/// One code has one global and one global one code.
///
/// ```
/// use oiji::global::Extensions;
/// let mut extensions = Extensions::new();
/// extensions.add("decimal", "Decimal", 240)?;
/// assert_eq!(extensions.name(240), Some(("decimal", "Decimal")));
/// assert_eq!(extensions.code("decimal", "Decimal"), Some(240));
/// # Ok::<(), oiji::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    globals: BTreeMap<u32, (Box<str>, Box<str>)>,
    // By module, then by name, so that a look-up needs no key of its own.
    codes: HashMap<Box<str>, HashMap<Box<str>, u32>>,
}

impl Extensions {
    /// The largest code: `EXT4` holds a signed number.
    pub const MAX_CODE: u32 = 0x7fff_ffff;

    /// No codes.
    pub fn new() -> Self {
        Extensions::default()
    }

    /// Lets `code` stand for the global. Saying the same again is fine.
    ///
    /// # Errors
    /// If `code` is not in 1 to 0x7fffffff, or the code or the global is taken.
    ///
    /// Source: `copyreg.add_extension`.
    pub fn add(&mut self, module: &str, name: &str, code: u32) -> Result<()> {
        if !(1..=Extensions::MAX_CODE).contains(&code) {
            return Err(Error::message(format!("extension code {code} is not in 1 to {}", Extensions::MAX_CODE)));
        }
        let global = self.name(code);
        if global == Some((module, name)) {
            return Ok(());
        }
        if let Some(taken) = self.code(module, name) {
            return Err(Error::message(format!("global {module}.{name} already has extension code {taken}")));
        }
        if let Some((module, name)) = global {
            return Err(Error::message(format!("extension code {code} already stands for global {module}.{name}")));
        }
        self.globals.insert(code, (module.into(), name.into()));
        self.codes.entry(module.into()).or_default().insert(name.into(), code);
        Ok(())
    }

    /// Takes a code away again.
    ///
    /// # Errors
    /// If `code` does not stand for this global.
    ///
    /// Source: `copyreg.remove_extension`.
    pub fn remove(&mut self, module: &str, name: &str, code: u32) -> Result<()> {
        if self.name(code) != Some((module, name)) {
            return Err(Error::message(format!("extension code {code} does not stand for global {module}.{name}")));
        }
        self.globals.remove(&code);
        if let Some(names) = self.codes.get_mut(module) {
            names.remove(name);
            if names.is_empty() {
                self.codes.remove(module);
            }
        }
        Ok(())
    }

    /// Module and name of the global that `code` stands for.
    pub fn name(&self, code: u32) -> Option<(&str, &str)> {
        self.globals.get(&code).map(|(module, name)| (&**module, &**name))
    }

    /// The code that stands for this global.
    pub fn code(&self, module: &str, name: &str) -> Option<u32> {
        self.codes.get(module)?.get(name).copied()
    }

    /// Each code with module and name of its global, the smallest first.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str, &str)> {
        self.globals.iter().map(|(&code, (module, name))| (code, &**module, &**name))
    }

    /// Whether there is no code.
    pub fn is_empty(&self) -> bool {
        self.globals.is_empty()
    }
}

/// Exceptions of Python 2, which kept them in a module of their own.
const EXCEPTIONS: [&str; 47] = [
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BufferError",
    "BytesWarning",
    "DeprecationWarning",
    "EOFError",
    "EnvironmentError",
    "Exception",
    "FloatingPointError",
    "FutureWarning",
    "GeneratorExit",
    "IOError",
    "ImportError",
    "ImportWarning",
    "IndentationError",
    "IndexError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "NameError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PendingDeprecationWarning",
    "ReferenceError",
    "RuntimeError",
    "RuntimeWarning",
    "StopIteration",
    "SyntaxError",
    "SyntaxWarning",
    "SystemError",
    "SystemExit",
    "TabError",
    "TypeError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeError",
    "UnicodeTranslateError",
    "UnicodeWarning",
    "UserWarning",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
];

/// Python 2 modules that have another name in Python 3.
const MODULES_TO_3: [(&str, &str); 55] = [
    ("BaseHTTPServer", "http.server"),
    ("CGIHTTPServer", "http.server"),
    ("ConfigParser", "configparser"),
    ("Cookie", "http.cookies"),
    ("Dialog", "tkinter.dialog"),
    ("DocXMLRPCServer", "xmlrpc.server"),
    ("FileDialog", "tkinter.filedialog"),
    ("HTMLParser", "html.parser"),
    ("Queue", "queue"),
    ("ScrolledText", "tkinter.scrolledtext"),
    ("SimpleDialog", "tkinter.simpledialog"),
    ("SimpleHTTPServer", "http.server"),
    ("SimpleXMLRPCServer", "xmlrpc.server"),
    ("SocketServer", "socketserver"),
    ("StringIO", "io"),
    ("Tix", "tkinter.tix"),
    ("Tkconstants", "tkinter.constants"),
    ("Tkdnd", "tkinter.dnd"),
    ("Tkinter", "tkinter"),
    ("UserDict", "collections"),
    ("UserList", "collections"),
    ("UserString", "collections"),
    ("__builtin__", "builtins"),
    ("_abcoll", "collections.abc"),
    ("_elementtree", "xml.etree.ElementTree"),
    ("_winreg", "winreg"),
    ("anydbm", "dbm"),
    ("cPickle", "pickle"),
    ("cStringIO", "io"),
    ("commands", "subprocess"),
    ("cookielib", "http.cookiejar"),
    ("copy_reg", "copyreg"),
    ("dbhash", "dbm.bsd"),
    ("dbm", "dbm.ndbm"),
    ("dumbdbm", "dbm.dumb"),
    ("dummy_thread", "_dummy_thread"),
    ("gdbm", "dbm.gnu"),
    ("htmlentitydefs", "html.entities"),
    ("httplib", "http.client"),
    ("markupbase", "_markupbase"),
    ("repr", "reprlib"),
    ("robotparser", "urllib.robotparser"),
    ("test.test_support", "test.support"),
    ("thread", "_thread"),
    ("tkColorChooser", "tkinter.colorchooser"),
    ("tkCommonDialog", "tkinter.commondialog"),
    ("tkFileDialog", "tkinter.filedialog"),
    ("tkFont", "tkinter.font"),
    ("tkMessageBox", "tkinter.messagebox"),
    ("tkSimpleDialog", "tkinter.simpledialog"),
    ("ttk", "tkinter.ttk"),
    ("urllib2", "urllib.request"),
    ("urlparse", "urllib.parse"),
    ("whichdb", "dbm"),
    ("xmlrpclib", "xmlrpc.client"),
];

/// Python 2 globals that have another name or module in Python 3, `EXCEPTIONS` left out.
const NAMES_TO_3: [(Global, Global); 41] = [
    (("UserDict", "IterableUserDict"), ("collections", "UserDict")),
    (("UserDict", "UserDict"), ("collections", "UserDict")),
    (("UserList", "UserList"), ("collections", "UserList")),
    (("UserString", "UserString"), ("collections", "UserString")),
    (("__builtin__", "basestring"), ("builtins", "str")),
    (("__builtin__", "intern"), ("sys", "intern")),
    (("__builtin__", "long"), ("builtins", "int")),
    (("__builtin__", "reduce"), ("functools", "reduce")),
    (("__builtin__", "unichr"), ("builtins", "chr")),
    (("__builtin__", "unicode"), ("builtins", "str")),
    (("__builtin__", "xrange"), ("builtins", "range")),
    (("_multiprocessing", "Connection"), ("multiprocessing.connection", "Connection")),
    (("_socket", "fromfd"), ("socket", "fromfd")),
    (("exceptions", "StandardError"), ("builtins", "Exception")),
    (("itertools", "ifilter"), ("builtins", "filter")),
    (("itertools", "ifilterfalse"), ("itertools", "filterfalse")),
    (("itertools", "imap"), ("builtins", "map")),
    (("itertools", "izip"), ("builtins", "zip")),
    (("itertools", "izip_longest"), ("itertools", "zip_longest")),
    (("multiprocessing", "AuthenticationError"), ("multiprocessing.context", "AuthenticationError")),
    (("multiprocessing", "BufferTooShort"), ("multiprocessing.context", "BufferTooShort")),
    (("multiprocessing", "ProcessError"), ("multiprocessing.context", "ProcessError")),
    (("multiprocessing", "TimeoutError"), ("multiprocessing.context", "TimeoutError")),
    (("multiprocessing.forking", "Popen"), ("multiprocessing.popen_fork", "Popen")),
    (("multiprocessing.process", "Process"), ("multiprocessing.context", "Process")),
    (("socket", "_socketobject"), ("socket", "SocketType")),
    (("urllib", "ContentTooShortError"), ("urllib.error", "ContentTooShortError")),
    (("urllib", "getproxies"), ("urllib.request", "getproxies")),
    (("urllib", "pathname2url"), ("urllib.request", "pathname2url")),
    (("urllib", "quote"), ("urllib.parse", "quote")),
    (("urllib", "quote_plus"), ("urllib.parse", "quote_plus")),
    (("urllib", "unquote"), ("urllib.parse", "unquote")),
    (("urllib", "unquote_plus"), ("urllib.parse", "unquote_plus")),
    (("urllib", "url2pathname"), ("urllib.request", "url2pathname")),
    (("urllib", "urlcleanup"), ("urllib.request", "urlcleanup")),
    (("urllib", "urlencode"), ("urllib.parse", "urlencode")),
    (("urllib", "urlopen"), ("urllib.request", "urlopen")),
    (("urllib", "urlretrieve"), ("urllib.request", "urlretrieve")),
    (("urllib2", "HTTPError"), ("urllib.error", "HTTPError")),
    (("urllib2", "URLError"), ("urllib.error", "URLError")),
    (("whichdb", "whichdb"), ("dbm", "whichdb")),
];

/// Python 3 modules that have another name in Python 2.
const MODULES_TO_2: [(&str, &str); 47] = [
    ("_bz2", "bz2"),
    ("_dbm", "dbm"),
    ("_dummy_thread", "dummy_thread"),
    ("_functools", "functools"),
    ("_gdbm", "gdbm"),
    ("_markupbase", "markupbase"),
    ("_pickle", "pickle"),
    ("_thread", "thread"),
    ("builtins", "__builtin__"),
    ("collections.abc", "_abcoll"),
    ("configparser", "ConfigParser"),
    ("copyreg", "copy_reg"),
    ("dbm", "anydbm"),
    ("dbm.bsd", "dbhash"),
    ("dbm.dumb", "dumbdbm"),
    ("dbm.gnu", "gdbm"),
    ("dbm.ndbm", "dbm"),
    ("html.entities", "htmlentitydefs"),
    ("html.parser", "HTMLParser"),
    ("http.client", "httplib"),
    ("http.cookiejar", "cookielib"),
    ("http.cookies", "Cookie"),
    ("http.server", "BaseHTTPServer"),
    ("queue", "Queue"),
    ("reprlib", "repr"),
    ("socketserver", "SocketServer"),
    ("subprocess", "commands"),
    ("test.support", "test.test_support"),
    ("tkinter", "Tkinter"),
    ("tkinter.colorchooser", "tkColorChooser"),
    ("tkinter.commondialog", "tkCommonDialog"),
    ("tkinter.constants", "Tkconstants"),
    ("tkinter.dialog", "Dialog"),
    ("tkinter.dnd", "Tkdnd"),
    ("tkinter.filedialog", "tkFileDialog"),
    ("tkinter.font", "tkFont"),
    ("tkinter.messagebox", "tkMessageBox"),
    ("tkinter.scrolledtext", "ScrolledText"),
    ("tkinter.simpledialog", "tkSimpleDialog"),
    ("tkinter.tix", "Tix"),
    ("tkinter.ttk", "ttk"),
    ("urllib.parse", "urlparse"),
    ("urllib.request", "urllib2"),
    ("urllib.robotparser", "robotparser"),
    ("winreg", "_winreg"),
    ("xmlrpc.client", "xmlrpclib"),
    ("xmlrpc.server", "SimpleXMLRPCServer"),
];

/// Python 3 globals that have another name or module in Python 2, `EXCEPTIONS` left out.
const NAMES_TO_2: [(Global, Global); 65] = [
    (("_functools", "reduce"), ("__builtin__", "reduce")),
    (("_socket", "socket"), ("socket", "_socketobject")),
    (("builtins", "BrokenPipeError"), ("exceptions", "OSError")),
    (("builtins", "ChildProcessError"), ("exceptions", "OSError")),
    (("builtins", "ConnectionAbortedError"), ("exceptions", "OSError")),
    (("builtins", "ConnectionError"), ("exceptions", "OSError")),
    (("builtins", "ConnectionRefusedError"), ("exceptions", "OSError")),
    (("builtins", "ConnectionResetError"), ("exceptions", "OSError")),
    (("builtins", "FileExistsError"), ("exceptions", "OSError")),
    (("builtins", "FileNotFoundError"), ("exceptions", "OSError")),
    (("builtins", "InterruptedError"), ("exceptions", "OSError")),
    (("builtins", "IsADirectoryError"), ("exceptions", "OSError")),
    (("builtins", "ModuleNotFoundError"), ("exceptions", "ImportError")),
    (("builtins", "NotADirectoryError"), ("exceptions", "OSError")),
    (("builtins", "PermissionError"), ("exceptions", "OSError")),
    (("builtins", "ProcessLookupError"), ("exceptions", "OSError")),
    (("builtins", "TimeoutError"), ("exceptions", "OSError")),
    (("builtins", "chr"), ("__builtin__", "unichr")),
    (("builtins", "filter"), ("itertools", "ifilter")),
    (("builtins", "int"), ("__builtin__", "long")),
    (("builtins", "map"), ("itertools", "imap")),
    (("builtins", "range"), ("__builtin__", "xrange")),
    (("builtins", "str"), ("__builtin__", "unicode")),
    (("builtins", "zip"), ("itertools", "izip")),
    (("collections", "UserDict"), ("UserDict", "IterableUserDict")),
    (("collections", "UserList"), ("UserList", "UserList")),
    (("collections", "UserString"), ("UserString", "UserString")),
    (("dbm", "whichdb"), ("whichdb", "whichdb")),
    (("functools", "reduce"), ("__builtin__", "reduce")),
    (("http.server", "CGIHTTPRequestHandler"), ("CGIHTTPServer", "CGIHTTPRequestHandler")),
    (("http.server", "SimpleHTTPRequestHandler"), ("SimpleHTTPServer", "SimpleHTTPRequestHandler")),
    (("itertools", "filterfalse"), ("itertools", "ifilterfalse")),
    (("itertools", "zip_longest"), ("itertools", "izip_longest")),
    (("multiprocessing.connection", "Connection"), ("_multiprocessing", "Connection")),
    (("multiprocessing.context", "AuthenticationError"), ("multiprocessing", "AuthenticationError")),
    (("multiprocessing.context", "BufferTooShort"), ("multiprocessing", "BufferTooShort")),
    (("multiprocessing.context", "Process"), ("multiprocessing.process", "Process")),
    (("multiprocessing.context", "ProcessError"), ("multiprocessing", "ProcessError")),
    (("multiprocessing.context", "TimeoutError"), ("multiprocessing", "TimeoutError")),
    (("multiprocessing.popen_fork", "Popen"), ("multiprocessing.forking", "Popen")),
    (("socket", "fromfd"), ("_socket", "fromfd")),
    (("sys", "intern"), ("__builtin__", "intern")),
    (("tkinter.filedialog", "FileDialog"), ("FileDialog", "FileDialog")),
    (("tkinter.filedialog", "LoadFileDialog"), ("FileDialog", "LoadFileDialog")),
    (("tkinter.filedialog", "SaveFileDialog"), ("FileDialog", "SaveFileDialog")),
    (("tkinter.simpledialog", "SimpleDialog"), ("SimpleDialog", "SimpleDialog")),
    (("urllib.error", "ContentTooShortError"), ("urllib", "ContentTooShortError")),
    (("urllib.error", "HTTPError"), ("urllib2", "HTTPError")),
    (("urllib.error", "URLError"), ("urllib2", "URLError")),
    (("urllib.parse", "quote"), ("urllib", "quote")),
    (("urllib.parse", "quote_plus"), ("urllib", "quote_plus")),
    (("urllib.parse", "unquote"), ("urllib", "unquote")),
    (("urllib.parse", "unquote_plus"), ("urllib", "unquote_plus")),
    (("urllib.parse", "urlencode"), ("urllib", "urlencode")),
    (("urllib.request", "getproxies"), ("urllib", "getproxies")),
    (("urllib.request", "pathname2url"), ("urllib", "pathname2url")),
    (("urllib.request", "url2pathname"), ("urllib", "url2pathname")),
    (("urllib.request", "urlcleanup"), ("urllib", "urlcleanup")),
    (("urllib.request", "urlopen"), ("urllib", "urlopen")),
    (("urllib.request", "urlretrieve"), ("urllib", "urlretrieve")),
    (("xmlrpc.server", "DocCGIXMLRPCRequestHandler"), ("DocXMLRPCServer", "DocCGIXMLRPCRequestHandler")),
    (("xmlrpc.server", "DocXMLRPCRequestHandler"), ("DocXMLRPCServer", "DocXMLRPCRequestHandler")),
    (("xmlrpc.server", "DocXMLRPCServer"), ("DocXMLRPCServer", "DocXMLRPCServer")),
    (("xmlrpc.server", "ServerHTMLDoc"), ("DocXMLRPCServer", "ServerHTMLDoc")),
    (("xmlrpc.server", "XMLRPCDocGenerator"), ("DocXMLRPCServer", "XMLRPCDocGenerator")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_same_lines, python};

    #[test]
    fn every_table_is_sorted() {
        assert!(EXCEPTIONS.is_sorted());
        assert!(MODULES_TO_3.is_sorted());
        assert!(NAMES_TO_3.is_sorted());
        assert!(MODULES_TO_2.is_sorted());
        assert!(NAMES_TO_2.is_sorted());
    }

    #[test]
    fn a_renamed_global_goes_before_its_renamed_module() {
        assert_eq!(to_python3("itertools", "izip"), ("builtins", "zip"));
        assert_eq!(to_python3("itertools", "count"), ("itertools", "count"));
        assert_eq!(to_python3("UserDict", "UserDict"), ("collections", "UserDict"));
        assert_eq!(to_python3("UserDict", "DictMixin"), ("collections", "DictMixin"));
        assert_eq!(to_python3("exceptions", "Mine"), ("exceptions", "Mine"));
        assert_eq!(to_python2("functools", "reduce"), ("__builtin__", "reduce"));
        assert_eq!(to_python2("functools", "partial"), ("functools", "partial"));
    }

    #[test]
    fn a_name_is_translated_once() {
        // What `anydbm` becomes is itself a Python 2 name of something else.
        assert_eq!(to_python3("dbm", "open"), ("dbm.ndbm", "open"));
        assert_eq!(to_python3("anydbm", "open"), ("dbm", "open"));
        assert_eq!(to_python2("dbm", "open"), ("anydbm", "open"));
    }

    #[test]
    fn the_tables_say_what_a_real_python_says() {
        let script = "import _compat_pickle as c\n\
                      for n in sorted(c.NAME_MAPPING.items()): print('n3', *n[0], *n[1])\n\
                      for n in sorted(c.REVERSE_NAME_MAPPING.items()): print('n2', *n[0], *n[1])\n\
                      for n in sorted(c.IMPORT_MAPPING.items()):\n  \
                      if n[0] != 'Tix': print('m3', *n)\n\
                      for n in sorted(c.REVERSE_IMPORT_MAPPING.items()):\n  \
                      if n[1] != 'Tix': print('m2', *n)";
        let Some(output) = python(script, b"") else { return };
        let exceptions_to_3 = EXCEPTIONS.iter().map(|&name| (("exceptions", name), ("builtins", name)));
        let exceptions_to_2 = EXCEPTIONS.iter().map(|&name| (("builtins", name), ("exceptions", name)));
        let mut names_to_3: Vec<_> = NAMES_TO_3.into_iter().chain(exceptions_to_3).collect();
        let mut names_to_2: Vec<_> = NAMES_TO_2.into_iter().chain(exceptions_to_2).collect();
        names_to_3.sort_unstable();
        names_to_2.sort_unstable();
        let names = |kind, table: Vec<(Global, Global)>| -> Vec<String> {
            table.into_iter().map(|((a, b), (c, d))| format!("{kind} {a} {b} {c} {d}")).collect()
        };
        let modules = |kind, table: &[(&str, &str)]| -> Vec<String> {
            let kept = table.iter().filter(|(from, to)| ![*from, *to].contains(&"Tix"));
            kept.map(|(from, to)| format!("{kind} {from} {to}")).collect()
        };
        let mut ours = names("n3", names_to_3);
        ours.extend(names("n2", names_to_2));
        ours.extend(modules("m3", &MODULES_TO_3));
        ours.extend(modules("m2", &MODULES_TO_2));
        assert_same_lines(ours, &output);
    }

    #[test]
    fn names_are_written_as_a_real_pickle_writes_them() {
        let script = "import pickle, collections, functools, io, urllib.parse, http.client\n\
                      for x in [range, ConnectionError, int, collections.UserDict, functools.reduce, io.StringIO, \
                      urllib.parse.quote, urllib.parse.ParseResult, http.client.HTTPException, OSError, len]:\n \
                      print(x.__module__, x.__qualname__, *pickle.dumps(x, 0)[1:].split(b'\\n')[:2])";
        let Some(output) = python(script, b"") else { return };
        for line in output.lines() {
            let [module, name, old_module, old_name] = line.split(' ').collect::<Vec<_>>()[..] else {
                unreachable!("{line}")
            };
            let (ours_module, ours_name) = to_python2(module, name);
            assert_eq!((format!("b'{ours_module}'"), format!("b'{ours_name}'")), (old_module.into(), old_name.into()));
        }
    }

    #[test]
    fn an_extension_code_is_from_1_to_31_bits() {
        let mut extensions = Extensions::new();
        assert!(extensions.add("m", "n", 0).is_err());
        assert!(extensions.add("m", "n", 0x8000_0000).is_err());
        assert!(extensions.is_empty());
        assert!(extensions.add("m", "a", 1).is_ok());
        assert!(extensions.add("m", "b", 0x7fff_ffff).is_ok());
        assert_eq!(extensions.iter().collect::<Vec<_>>(), [(1, "m", "a"), (0x7fff_ffff, "m", "b")]);
    }

    #[test]
    fn a_code_and_a_global_belong_to_each_other_alone() {
        let mut extensions = Extensions::new();
        assert!(extensions.add("m", "n", 5).is_ok());
        assert!(extensions.add("m", "n", 5).is_ok());
        let error = extensions.add("m", "n", 6).unwrap_err();
        assert_eq!(error.to_string(), "global m.n already has extension code 5");
        let error = extensions.add("m", "x", 5).unwrap_err();
        assert_eq!(error.to_string(), "extension code 5 already stands for global m.n");
        assert!(extensions.remove("m", "x", 5).is_err());
        assert!(extensions.remove("m", "n", 5).is_ok());
        assert_eq!(extensions, Extensions::new());
        assert_eq!(extensions.code("m", "n"), None);
    }
}
