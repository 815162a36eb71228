//! Lines as rustfmt lays them out.

/// Columns of a line.
const WIDTH: usize = 100;
/// Columns of several things in one attribute.
const ATTRIBUTE: usize = 70;
/// Columns of the fields of a tuple struct.
const FIELDS: usize = 60;

/// `#[name(parts)]`, on lines of their own where they are long.
pub(super) fn attribute(indent: &str, name: &str, parts: &[String]) -> String {
    let line = parts.join(", ");
    let len = indent.len() + name.len() + line.len() + "#[()]".len();
    if len <= WIDTH && (parts.len() == 1 || line.len() <= ATTRIBUTE) {
        return format!("{indent}#[{name}({line})]\n");
    }
    let parts: Vec<String> = parts.iter().map(|part| format!("{indent}    {part}")).collect();
    format!("{indent}#[{name}(\n{}\n{indent})]\n", parts.join(",\n"))
}

/// `pub name: type,`, the type below where the line is long.
pub(super) fn field(name: &str, ty: &str) -> String {
    let line = format!("    pub {name}: {ty},\n");
    if line.len() <= WIDTH + 1 { line } else { format!("    pub {name}:\n        {ty},\n") }
}

/// `pub type name = type;`
pub(super) fn alias(name: &str, ty: &str) -> String {
    let line = format!("pub type {name} = {ty};\n");
    if line.len() <= WIDTH + 1 { line } else { format!("pub type {name} =\n    {ty};\n") }
}

/// `pub struct Name(pub A, pub B);`: fields with what stands before each.
pub(super) fn tuple_struct(name: &str, fields: &[(String, String)]) -> String {
    let types: Vec<String> = fields.iter().map(|(_, ty)| format!("pub {ty}")).collect();
    let types = types.join(", ");
    let line = format!("pub struct {name}({types});\n");
    if line.len() <= WIDTH + 1 && types.len() <= FIELDS && fields.iter().all(|(before, _)| before.is_empty()) {
        return line;
    }
    let lines: String = fields.iter().map(|(before, ty)| format!("{before}    pub {ty},\n")).collect();
    format!("pub struct {name}(\n{lines});\n")
}

/// `// notes`
pub(super) fn comment(indent: &str, notes: &[String]) -> String {
    if notes.is_empty() { String::new() } else { format!("{indent}// {}\n", notes.join("; ")) }
}

/// A str as Rust writes it.
pub(super) fn quoted(text: &str) -> String {
    format!("{text:?}")
}
