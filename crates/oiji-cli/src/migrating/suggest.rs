//! Rules proposed for names that installed packages no longer offer. Packages are looked at as files; nothing is imported
//! unless a Python is given that does it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, Status, complain, explain_io};
use crate::output;
use crate::scanning;

/// What names are looked up in.
#[derive(Debug, clap::Args)]
pub(crate) struct SuggestArgs {
    /// Propose rules for names that installed packages no longer offer
    #[arg(long)]
    suggest: bool,

    /// A folder of installed packages, `site-packages`, whose files are looked at
    #[arg(long = "packages", value_name = "DIR", requires = "suggest")]
    packages: Vec<PathBuf>,

    /// A Python that imports what files name, to see whether it is there: for packages that you trust
    #[arg(long, value_name = "PROGRAM", requires = "suggest")]
    python: Option<PathBuf>,
}

impl SuggestArgs {
    pub(crate) fn is_asked(&self) -> bool {
        self.suggest
    }
}

/// A global: module and name.
type Global = (String, String);

/// Proposes rules for what `paths` name, on standard output.
pub(crate) fn run(args: &SuggestArgs, paths: &[PathBuf]) -> Result<Status, Failure> {
    if args.packages.is_empty() {
        let message = "where are packages installed? --packages DIR says it: python -c 'import site; print(site.getsitepackages())'";
        return Err(Failure::Message(message.to_owned()));
    }
    let mut globals: BTreeMap<Global, u64> = BTreeMap::new();
    let mut has_failed = false;
    for path in paths {
        match named(path) {
            Ok(found) => found.into_iter().for_each(|(global, count)| *globals.entry(global).or_default() += count),
            Err(failure) => {
                complain(&failure);
                has_failed = true;
            }
        }
    }
    let packages = Packages::new(&args.packages);
    let asked: Vec<&Global> = globals.keys().filter(|(module, _)| packages.has_top(module)).collect();
    let missing: Vec<&Global> = match &args.python {
        Some(python) => by_import(python, &args.packages, &asked)?,
        None => asked.into_iter().filter(|(module, name)| !packages.has(module, name)).collect(),
    };
    let text = rules(&packages, &missing);
    output::print(text.as_bytes())?;
    Ok(match (has_failed, missing.is_empty()) {
        (true, _) => Status::Failed,
        (_, false) => Status::Found,
        _ => Status::Done,
    })
}

/// The globals that a file names, with how often.
fn named(path: &Path) -> Result<BTreeMap<Global, u64>, Failure> {
    let policy = oiji::policy::Policy::builtin();
    // The scanner opens whatever holds pickles, and counts what they name.
    let report = scanning::scan(path, policy)?;
    Ok(report.globals.iter().map(|((module, name), count)| ((module.clone(), name.clone()), *count)).collect())
}

/// Packages as files.
struct Packages<'p> {
    folders: &'p [PathBuf],
}

/// The source or the compiled form of a module.
struct Module {
    name: String,
    path: PathBuf,
}

impl<'p> Packages<'p> {
    fn new(folders: &'p [PathBuf]) -> Packages<'p> {
        Packages { folders }
    }

    /// Whether the package that a module is of is installed here.
    fn has_top(&self, module: &str) -> bool {
        let top = module.split('.').next().unwrap_or(module);
        !top.is_empty() && self.find(top).is_some()
    }

    /// The file of a module.
    fn find(&self, module: &str) -> Option<PathBuf> {
        let parts: Vec<&str> = module.split('.').collect();
        if parts.iter().any(|part| part.is_empty() || part.contains(['/', '\\', '\0'])) {
            return None;
        }
        let (last, above) = parts.split_last()?;
        self.folders.iter().find_map(|folder| {
            let folder = above.iter().fold(folder.clone(), |folder, part| folder.join(part));
            let package = folder.join(last).join("__init__.py");
            let plain = folder.join(format!("{last}.py"));
            if let Some(found) = [package, plain].into_iter().find(|path| path.is_file()) {
                return Some(found);
            }
            let compiled = fs::read_dir(&folder).ok()?.flatten().map(|entry| entry.path());
            let mut compiled = compiled.filter(|path| module_name(path).is_some_and(|name| name == *last));
            compiled.next().or_else(|| Some(folder.join(last)).filter(|path| path.is_dir()))
        })
    }

    /// Whether a module offers a name, as far as its file tells.
    fn has(&self, module: &str, name: &str) -> bool {
        let first = name.split('.').next().unwrap_or(name);
        match self.find(module) {
            Some(path) if path.is_dir() => false,
            Some(path) => mentions(&path, first),
            None => false,
        }
    }

    /// All modules of the package that a module is of.
    fn modules(&self, module: &str) -> Vec<Module> {
        let top = module.split('.').next().unwrap_or(module);
        let mut modules = Vec::new();
        for folder in self.folders {
            let mut work = vec![(folder.join(top), top.to_owned())];
            while let Some((folder, prefix)) = work.pop() {
                for path in fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
                    let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
                        continue;
                    };
                    if path.is_dir() {
                        if !matches!(name.as_str(), "tests" | "__pycache__") {
                            work.push((path, format!("{prefix}.{name}")));
                        }
                    } else if name == "__init__.py" {
                        modules.push(Module { name: prefix.clone(), path });
                    } else if let Some(last) = module_name(&path) {
                        modules.push(Module { name: format!("{prefix}.{last}"), path });
                    }
                }
            }
        }
        modules.sort_by(|one, other| one.name.cmp(&other.name));
        modules
    }
}

/// The name of the module that a file is.
fn module_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    if let Some(name) = name.strip_suffix(".py") {
        return Some(name);
    }
    let is_compiled = name.ends_with(".so") || name.ends_with(".pyd");
    is_compiled.then(|| name.split('.').next()).flatten()
}

/// Whether a file has a word in it.
fn mentions(path: &Path, word: &str) -> bool {
    let Ok(content) = fs::read(path) else { return false };
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    // Names in compiled modules stand one after another.
    let is_source = path.extension().is_some_and(|end| end == "py");
    let mut from = 0;
    while let Some(at) = find(&content[from..], word.as_bytes()) {
        let (start, end) = (from + at, from + at + word.len());
        let before = start.checked_sub(1).and_then(|before| content.get(before));
        if !is_source || (!is_word(before) && !is_word(content.get(end))) {
            return true;
        }
        from = start + 1;
    }
    false
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len().max(1)).position(|part| part == needle)
}

/// Whether a module makes a name, rather than import it from elsewhere.
fn defines(module: &Module, name: &str) -> bool {
    if module.path.extension().is_none_or(|end| end != "py") {
        return mentions(&module.path, name);
    }
    let Ok(source) = fs::read_to_string(&module.path) else { return false };
    source.lines().any(|line| {
        let rest = line.strip_prefix("class ").or_else(|| line.strip_prefix("def "));
        let rest =
            rest.or_else(|| Some(line).filter(|line| line.contains(" = "))).and_then(|rest| rest.strip_prefix(name));
        rest.is_some_and(|rest| rest.starts_with(['(', ':', ' ']))
    })
}

/// Those that a Python cannot import.
fn by_import<'g>(python: &Path, packages: &[PathBuf], globals: &[&'g Global]) -> Result<Vec<&'g Global>, Failure> {
    const SCRIPT: &str = "\
import importlib, sys
for line in sys.stdin:
    module, name = line.rstrip('\\n').split('\\t')
    try:
        x = importlib.import_module(module)
        for part in name.split('.'): x = getattr(x, part)
        print('yes', flush=True)
    except BaseException:
        print('no', flush=True)
";
    let about = |problem: String| Failure::about(&output::name(python), problem);
    let path = std::env::join_paths(packages).map_err(|error| about(error.to_string()))?;
    let mut child = Command::new(python)
        .args(["-c", SCRIPT])
        .env("PYTHONPATH", path)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| about(explain_io(&error)))?;
    let lines: String = globals
        .iter()
        .filter(|(module, name)| !module.contains(['\n', '\t']) && !name.contains(['\n', '\t']))
        .map(|(module, name)| format!("{module}\t{name}\n"))
        .collect();
    let mut input = child.stdin.take();
    let writer = std::thread::spawn(move || {
        // A Python that ends early has said what it knows.
        let _ = input.as_mut().map(|input| input.write_all(lines.as_bytes()));
    });
    let result = child.wait_with_output().map_err(|error| about(explain_io(&error)))?;
    let _ = writer.join();
    let answers = String::from_utf8_lossy(&result.stdout);
    let answers: Vec<&str> = answers.lines().filter(|line| matches!(*line, "yes" | "no")).collect();
    let asked: Vec<&&Global> = globals
        .iter()
        .filter(|(module, name)| !module.contains(['\n', '\t']) && !name.contains(['\n', '\t']))
        .collect();
    if answers.len() != asked.len() {
        return Err(about("ended before it had looked up all names".to_owned()));
    }
    Ok(asked.into_iter().zip(answers).filter(|(_, answer)| *answer == "no").map(|(global, _)| *global).collect())
}

/// The text of rules for names that are missing.
fn rules(packages: &Packages<'_>, missing: &[&Global]) -> String {
    let mut known: HashMap<String, Vec<Module>> = HashMap::new();
    let mut globals = Vec::new();
    let mut unknown = Vec::new();
    // Where each name of a module may have gone to.
    let mut by_module: BTreeMap<&str, Vec<(&str, Vec<String>)>> = BTreeMap::new();
    for (module, name) in missing {
        let top = module.split('.').next().unwrap_or(module).to_owned();
        let modules = known.entry(top).or_insert_with(|| packages.modules(module));
        let first = name.split('.').next().unwrap_or(name);
        let mut candidates: Vec<&Module> = modules.iter().filter(|other| defines(other, first)).collect();
        candidates.sort_by(|one, other| {
            let like = |other: &Module| strsim::jaro_winkler(&other.name, module);
            like(other).total_cmp(&like(one))
        });
        let names: Vec<String> = candidates.iter().take(3).map(|module| module.name.clone()).collect();
        by_module.entry(module).or_default().push((name, names));
    }
    let mut moved = Vec::new();
    for (module, names) in by_module {
        let firsts: BTreeSet<Option<&String>> = names.iter().map(|(_, candidates)| candidates.first()).collect();
        if let (1, Some(Some(to))) = (firsts.len(), firsts.first())
            && packages.find(module).is_none()
        {
            moved.push(format!("\"{module}\" = \"{to}\"{}", others(&names[0].1)));
            continue;
        }
        for (name, candidates) in names {
            match candidates.first() {
                Some(to) => globals.push(format!("\"{module}:{name}\" = \"{to}:{name}\"{}", others(&candidates))),
                None => unknown.push(format!("# {module}:{name}")),
            }
        }
    }
    let mut text = String::from(
        "# Proposed for names that are not there any more. Look them over: a name may have gone elsewhere.\n",
    );
    for (title, lines) in
        [("\n[modules]\n", moved), ("\n[globals]\n", globals), ("\n# Nothing was found for:\n", unknown)]
    {
        if !lines.is_empty() {
            text.push_str(title);
            text.extend(lines.into_iter().map(|line| format!("{line}\n")));
        }
    }
    text
}

fn others(candidates: &[String]) -> String {
    if candidates.len() > 1 { format!("  # or {}", candidates[1..].join(", ")) } else { String::new() }
}
