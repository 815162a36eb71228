//! Rust names for Python's: types in CamelCase, fields in snake_case, none twice.

use rustc_hash::FxHashSet;

/// Characters of a name.
const LONGEST: usize = 48;

/// Names that the printed code uses for something else.
const TAKEN: &[&str] = &[
    "Array",
    "BTreeMap",
    "BTreeSet",
    "BigInt",
    "Box",
    "Buffer",
    "Clone",
    "Complex",
    "Counter",
    "Date",
    "DateTime",
    "Debug",
    "Decimal",
    "Default",
    "DefaultDict",
    "Deque",
    "Drop",
    "Eq",
    "Err",
    "Fn",
    "FnMut",
    "FnOnce",
    "Fraction",
    "From",
    "GlobalName",
    "Graph",
    "Hash",
    "Into",
    "IpAddr",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "OrderedDict",
    "PartialEq",
    "PartialOrd",
    "PathBuf",
    "PersistentId",
    "Pickle",
    "Py2Str",
    "Range",
    "Rc",
    "RefCell",
    "Result",
    "Self",
    "Send",
    "Sized",
    "Slice",
    "Some",
    "String",
    "Sync",
    "Time",
    "TimeDelta",
    "TimeZone",
    "ToString",
    "Unpickle",
    "Unpickler",
    "Uuid",
    "Vec",
];

const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Keywords that not even `r#` makes names of.
const NEVER: &[&str] = &["self", "super", "crate", "_"];

/// Names that are in use.
#[derive(Debug, Default)]
pub(super) struct Names(FxHashSet<String>);

impl Names {
    /// Those that types must not have.
    pub(super) fn of_types() -> Self {
        Names(TAKEN.iter().map(|name| (*name).to_owned()).collect())
    }

    /// The name, with a number after it if it is in use.
    pub(super) fn unique(&mut self, name: String) -> String {
        if self.0.insert(name.clone()) {
            return name;
        }
        let is_number = name.ends_with(|char: char| char.is_ascii_digit());
        let dash = if is_number { "_" } else { "" };
        let mut numbers = 2..;
        loop {
            let numbered = format!("{name}{dash}{}", numbers.next().unwrap_or_default());
            if self.0.insert(numbered.clone()) {
                return numbered;
            }
        }
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// `sgd_classifier`, `SGDClassifier` → `SgdClassifier`, `SGDClassifier`.
pub(super) fn type_name(text: &str) -> String {
    let mut name = String::new();
    for word in text.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(1);
        // Words that follow a number stay apart from it.
        if first.starts_with(|char: char| char.is_ascii_digit()) && name.ends_with(|char: char| char.is_ascii_digit()) {
            name.push('N');
        }
        name.push_str(&first.to_ascii_uppercase());
        let is_shouted = rest.len() > 1 && text.contains('_') && !rest.contains(|char: char| char.is_ascii_lowercase());
        name.push_str(&if is_shouted { rest.to_ascii_lowercase() } else { rest.to_owned() });
    }
    name.truncate(LONGEST);
    match name.chars().next() {
        None => "Type".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("N{name}"),
        Some(_) => name,
    }
}

/// A name that grew with every level, cut.
pub(super) fn shortened(mut name: String) -> String {
    name.truncate(LONGEST);
    name
}

/// What one of several things called `text` is called, as a type.
pub(super) fn one_of(text: &str) -> String {
    let name = type_name(text);
    // Items of items differ by their numbers.
    if name.trim_end_matches(|char: char| char.is_ascii_digit()).ends_with("Item") {
        return name.trim_end_matches(|char: char| char.is_ascii_digit()).to_owned();
    }
    let endings = [("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")];
    if let Some((stem, end)) = endings.iter().find_map(|(many, one)| Some((name.strip_suffix(many)?, one))) {
        return format!("{stem}{end}");
    }
    match name.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i', 'a']) => stem.to_owned(),
        _ => format!("{name}Item"),
    }
}

/// `someName`, `some-name` → `some_name`; without `r#`.
fn snake(text: &str) -> String {
    let mut name = String::new();
    let mut before = None;
    for char in text.chars() {
        if char.is_ascii_uppercase() {
            if before.is_some_and(|before: char| before.is_ascii_lowercase() || before.is_ascii_digit()) {
                name.push('_');
            }
            name.push(char.to_ascii_lowercase());
        } else if char.is_ascii_alphanumeric() {
            name.push(char);
        } else {
            name.push('_');
        }
        before = Some(char);
    }
    // Underscores stand at the ends as they were, and single ones between.
    let middle = name.trim_matches('_');
    let start = name.len() - name.trim_start_matches('_').len();
    let end = name.len() - name.trim_end_matches('_').len();
    let words: Vec<&str> = middle.split('_').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return "field".to_owned();
    }
    let mut name = format!("{}{}{}", "_".repeat(start.min(2)), words.join("_"), "_".repeat(end.min(2)));
    name.truncate(LONGEST);
    if name.starts_with(|char: char| char.is_ascii_digit()) { format!("field_{name}") } else { name }
}

/// A field's name in Rust, and whether Python's differs from it.
pub(super) fn field_name(text: &str, names: &mut Names) -> (String, bool) {
    let mut name = snake(text);
    if NEVER.contains(&&*name) {
        name.push('_');
    }
    let name = names.unique(name);
    let is_other = name != text;
    if KEYWORDS.contains(&&*name) { (format!("r#{name}"), is_other) } else { (name, is_other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_in_camel_case() {
        let names =
            ["plain_function", "SGDClassifier", "_Hidden", "MAX_SIZE", "3d", "", "ünicode", "a.b"].map(type_name);
        assert_eq!(names, ["PlainFunction", "SGDClassifier", "Hidden", "MaxSize", "N3d", "Type", "Nicode", "AB"]);
    }

    #[test]
    fn one_of_many_has_the_singular() {
        let names = ["layers", "classes", "entries", "boxes", "class", "data", "steps_"].map(one_of);
        assert_eq!(names, ["Layer", "Class", "Entry", "Box", "ClassItem", "DataItem", "Step"]);
    }

    #[test]
    fn fields_are_named_in_snake_case_and_none_twice() {
        let mut names = Names::default();
        let found = ["x", "X", "type", "self", "coef_", "_mgr", "_A__b", "first name", "2nd", "--", "x2", "X2"]
            .map(|text| field_name(text, &mut names));
        let expected = [
            ("x", false),
            ("x2", true),
            ("r#type", false),
            ("self_", true),
            ("coef_", false),
            ("_mgr", false),
            ("_a_b", true),
            ("first_name", true),
            ("field_2nd", true),
            ("field", true),
            ("x2_2", true),
            ("x2_3", true),
        ];
        assert_eq!(found, expected.map(|(name, is_other)| (name.to_owned(), is_other)));
    }
}
