//! Rules from their text, TOML. Every error has the place of what is wrong; nothing unknown is passed over.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::rewrite::migrate::error::RulesError;
use crate::rewrite::migrate::names::Pattern;
use crate::rewrite::migrate::rules::{
    Action, Argument, ClassRule, Condition, DictRule, Fields, Literal, Order, Rules, Shape, Step, Strings, ValueRule,
};

type Result<T> = std::result::Result<T, RulesError>;
type Value<'t> = Spanned<DeValue<'t>>;
type Pair = (String, Range<usize>);

pub(super) fn parse(text: &str) -> Result<Rules> {
    let table = DeTable::parse(text).map_err(|error| {
        RulesError::new(text, error.span().unwrap_or(0..0), format!("no TOML: {}", error.message()))
    })?;
    Parser { text }.rules(table.get_ref())
}

struct Parser<'t> {
    text: &'t str,
}

/// What stands in a step, and may stand without one.
const STEP: &[&str] = &["modules", "globals", "class", "dict", "value", "strings", "python"];

impl Parser<'_> {
    fn fail<T>(&self, span: Range<usize>, message: impl Into<String>) -> Result<T> {
        Err(RulesError::new(self.text, span, message))
    }

    fn rules(&self, table: &DeTable<'_>) -> Result<Rules> {
        let mut rules = Rules::default();
        let mut alone = Step::default();
        let mut steps_at = None;
        let mut rule_at = None;
        for (key, value) in table.iter() {
            match &**key.get_ref() {
                "name" => rules.name = self.string(value)?.0,
                "about" => drop(self.string(value)?),
                "protocol" => match self.integer(value)? {
                    protocol @ 0..=5 => rules.protocol = Some(protocol as u8),
                    _ => return self.fail(value.span(), "a protocol is from 0 to 5"),
                },
                "step" => {
                    steps_at = Some(key.span());
                    for step in self.tables(value)? {
                        let step = self.step(step, &mut rules.steps)?;
                        rules.steps.push(step);
                    }
                }
                known if STEP.contains(&known) => {
                    rule_at = Some(key.span());
                    self.step_key(known, value, &mut alone)?;
                }
                other => {
                    let known: Vec<&str> = ["name", "about", "protocol", "step"].iter().chain(STEP).copied().collect();
                    return self.unknown(other, key.span(), &known);
                }
            }
        }
        match (steps_at, rule_at) {
            (Some(_), Some(at)) => return self.fail(at, "rules beside steps; put them into a [[step]] of their own"),
            (None, _) => rules.steps.push(alone),
            (Some(at), None) => {
                if rules.name.is_empty() && rules.steps.iter().any(|step| step.version.is_some()) {
                    return self.fail(at, "steps with versions need a `name`, which is stamped into files");
                }
            }
        }
        Ok(rules)
    }

    fn step(&self, value: &Value<'_>, before: &mut [Step]) -> Result<Step> {
        let mut step = Step::default();
        for (key, value) in self.table(value)?.iter() {
            match &**key.get_ref() {
                "version" => {
                    let last = before.last().and_then(|step| step.version).unwrap_or(0);
                    match u32::try_from(self.integer(value)?) {
                        Ok(version) if version > last => step.version = Some(version),
                        _ => return self.fail(value.span(), format!("versions go up; this one is above {last}")),
                    }
                }
                known if STEP.contains(&known) => self.step_key(known, value, &mut step)?,
                other => {
                    let known: Vec<&str> = ["version"].iter().chain(STEP).copied().collect();
                    return self.unknown(other, key.span(), &known);
                }
            }
        }
        Ok(step)
    }

    fn step_key(&self, key: &str, value: &Value<'_>, step: &mut Step) -> Result<()> {
        match key {
            "modules" => {
                for (from, to) in self.string_pairs(value)? {
                    let starred = |pair: &Pair| pair.0.ends_with(".*");
                    if starred(&from) != starred(&to) || from.0.trim_end_matches(".*").contains(['*', ':']) {
                        return self.fail(from.1, "a module and its new name, or both with `.*` for all below them");
                    }
                    step.names.add_module(&from.0, &to.0);
                }
            }
            "globals" => {
                for (from, to) in self.string_pairs(value)? {
                    step.names.add_global(self.global(&from)?, self.global(&to)?);
                }
            }
            "class" => {
                for table in self.tables(value)? {
                    let rule = self.class(table)?;
                    self.add_class(rule, step);
                }
            }
            "dict" => {
                for table in self.tables(value)? {
                    step.dicts.push(self.dict(table)?);
                }
            }
            "value" => {
                for table in self.tables(value)? {
                    step.values.push(self.value(table)?);
                }
            }
            "strings" => step.strings = self.strings(value)?,
            _ => match self.integer(value)? {
                3 => step.names.to_python3 = true,
                _ => {
                    return self
                        .fail(value.span(), "names can be made those of Python 3; `protocol = 2` is for Python 2");
                }
            },
        }
        Ok(())
    }

    /// A class that just moves is a matter of names.
    fn add_class(&self, rule: ClassRule, step: &mut Step) {
        if rule.conditions.is_empty()
            && let Some(Action::To(module, name)) = rule.actions.last()
            && let Some(exact) = rule.patterns.iter().map(Pattern::exact).collect::<Option<Vec<_>>>()
        {
            for from in exact {
                step.names.add_global((from.0.to_owned(), from.1.to_owned()), (module.clone(), name.clone()));
            }
            let actions = rule.actions[..rule.actions.len() - 1].to_vec();
            if !actions.is_empty() {
                step.classes.push(ClassRule { actions, ..rule });
            }
            return;
        }
        step.classes.push(rule);
    }

    fn class(&self, value: &Value<'_>) -> Result<ClassRule> {
        let mut rule = ClassRule::default();
        for (key, entry) in self.table(value)?.iter() {
            let span = entry.span();
            let actions = &mut rule.actions;
            match &**key.get_ref() {
                "match" => rule.patterns = self.strings_of(entry)?.iter().map(|text| Pattern::new(&text.0)).collect(),
                "if" => rule.conditions = self.conditions(entry)?,
                "tuple-to-dict" | "list-to-dict" => actions.push(Action::SequenceToDict(self.names(entry)?)),
                "dict-to-tuple" => actions.push(Action::DictToTuple(self.names(entry)?)),
                "dict-to-list" => actions.push(Action::DictToList(self.names(entry)?)),
                "dict-to-slots" => actions.push(Action::DictToSlots(self.names(entry)?)),
                "state-item" => match usize::try_from(self.integer(entry)?) {
                    Ok(index) => actions.push(Action::StateItem(index)),
                    Err(_) => return self.fail(span, "the number of an item, counted from 0"),
                },
                "state-of" => match usize::try_from(self.integer(entry)?) {
                    Ok(index) => actions.push(Action::StateOf(index)),
                    Err(_) => return self.fail(span, "the number of an argument, counted from 0"),
                },
                "items" => {
                    for (index, value) in self.table(entry)?.iter() {
                        let Ok(number) = index.get_ref().parse() else {
                            return self.fail(index.span(), "the number of an item, counted from 0");
                        };
                        let pairs = match value.get_ref().as_array() {
                            Some(pairs) => pairs.iter().map(|pair| self.replacement(pair)).collect::<Result<_>>()?,
                            None => vec![self.replacement(value)?],
                        };
                        actions.push(Action::Item(number, pairs));
                    }
                }
                "slots-to-dict" => self.yes(entry).map(|()| actions.push(Action::SlotsToDict))?,
                "to-dict" => self.yes(entry).map(|()| actions.push(Action::ToDict))?,
                "rename" => {
                    let pairs = self.string_pairs(entry)?;
                    actions.extend(pairs.into_iter().map(|(from, to)| Action::Rename(from.0, to.0)));
                }
                "drop" => actions.extend(self.names(entry)?.into_iter().map(Action::Drop)),
                "flatten" => actions.extend(self.names(entry)?.into_iter().map(Action::Flatten)),
                "normalize" => actions.extend(self.names(entry)?.into_iter().map(Action::Normalize)),
                "copy" => {
                    let pairs = self.string_pairs(entry)?;
                    actions.extend(pairs.into_iter().map(|(to, from)| Action::Copy(to.0, from.0)));
                }
                "length" => {
                    let pairs = self.string_pairs(entry)?;
                    actions.extend(pairs.into_iter().map(|(to, from)| Action::Length(to.0, from.0)));
                }
                "add" => {
                    for (name, value) in self.table(entry)?.iter() {
                        actions.push(Action::Add(name.get_ref().to_string(), self.literal(value)?));
                    }
                }
                "set" => {
                    for (name, value) in self.table(entry)?.iter() {
                        actions.push(Action::Set(name.get_ref().to_string(), self.literal(value)?));
                    }
                }
                "nest" => {
                    for (name, value) in self.table(entry)?.iter() {
                        actions.push(Action::Nest(name.get_ref().to_string(), self.names(value)?));
                    }
                }
                "strings" => {
                    for (name, value) in self.table(entry)?.iter() {
                        if let Some(strings) = self.strings(value)? {
                            actions.push(Action::Strings(name.get_ref().to_string(), strings));
                        }
                    }
                }
                "replace" => {
                    for (name, value) in self.table(entry)?.iter() {
                        let (from, to) = self.replacement(value)?;
                        actions.push(Action::Replace(name.get_ref().to_string(), from, to));
                    }
                }
                "fields" => {
                    for (name, value) in self.table(entry)?.iter() {
                        actions.push(Action::Fields(name.get_ref().to_string(), self.fields(value)?));
                    }
                }
                "to" => {
                    let (module, name) = self.global(&self.string(entry)?)?;
                    actions.push(Action::To(module, name));
                }
                "call" => actions.push(self.call(entry)?),
                "decide" => actions.push(Action::Decide(self.string(entry)?.0)),
                other => {
                    const KNOWN: &[&str] = &[
                        "match",
                        "if",
                        "tuple-to-dict",
                        "list-to-dict",
                        "dict-to-tuple",
                        "dict-to-list",
                        "dict-to-slots",
                        "slots-to-dict",
                        "state-item",
                        "state-of",
                        "items",
                        "to-dict",
                        "rename",
                        "drop",
                        "flatten",
                        "normalize",
                        "copy",
                        "length",
                        "add",
                        "set",
                        "nest",
                        "strings",
                        "replace",
                        "fields",
                        "to",
                        "call",
                        "decide",
                    ];
                    return self.unknown(other, key.span(), KNOWN);
                }
            }
            if let (Some(Action::ToDict), true) = (rule.actions.iter().rev().nth(1), rule.actions.len() > 1) {
                return self.fail(span, "after `to-dict` there is no instance any more");
            }
        }
        if rule.patterns.is_empty() {
            return self.fail(value.span(), "which class? `match = \"module:Class\"` says it");
        }
        Ok(rule)
    }

    fn conditions(&self, value: &Value<'_>) -> Result<Vec<Condition>> {
        let mut conditions = Vec::new();
        for (key, value) in self.table(value)?.iter() {
            match &**key.get_ref() {
                "has" => conditions.extend(self.names(value)?.into_iter().map(Condition::Has)),
                "lacks" => conditions.extend(self.names(value)?.into_iter().map(Condition::Lacks)),
                "equals" => {
                    for (name, value) in self.table(value)?.iter() {
                        conditions.push(Condition::Equals(name.get_ref().to_string(), self.literal(value)?));
                    }
                }
                "args" => match usize::try_from(self.integer(value)?) {
                    Ok(count) => conditions.push(Condition::Args(count)),
                    Err(_) => return self.fail(value.span(), "a count of arguments"),
                },
                "state" => conditions.push(Condition::State(match self.string(value)?.0.as_str() {
                    "none" => Shape::None,
                    "dict" => Shape::Dict,
                    "tuple" => Shape::Tuple,
                    "list" => Shape::List,
                    "slots" => Shape::Slots,
                    _ => return self.fail(value.span(), "a state is `none`, `dict`, `tuple`, `list` or `slots`"),
                })),
                "library" => {
                    for (text, span) in self.strings_of(value)? {
                        conditions.push(self.library(&text, span)?);
                    }
                }
                other => {
                    return self.unknown(other, key.span(), &["has", "lacks", "equals", "args", "state", "library"]);
                }
            }
        }
        Ok(conditions)
    }

    /// `sklearn < 1.3`.
    fn library(&self, text: &str, span: Range<usize>) -> Result<Condition> {
        let mut words = text.split_whitespace();
        let order = |word: &str| {
            Some(match word {
                "<" => Order::Below,
                "<=" => Order::AtMost,
                "==" => Order::Is,
                ">=" => Order::AtLeast,
                ">" => Order::Above,
                _ => return None,
            })
        };
        match (words.next(), words.next().and_then(order), words.next(), words.next()) {
            (Some(library), Some(order), Some(version), None) if version.starts_with(|c: char| c.is_ascii_digit()) => {
                Ok(Condition::Library(library.to_owned(), order, version.to_owned()))
            }
            _ => self.fail(span, "a library and its version, as in `sklearn < 1.3`; also <= == >= >"),
        }
    }

    fn fields(&self, value: &Value<'_>) -> Result<Fields> {
        let mut fields = Fields::default();
        for (key, value) in self.table(value)?.iter() {
            match &**key.get_ref() {
                "rename" => {
                    fields.rename = self.string_pairs(value)?.into_iter().map(|(from, to)| (from.0, to.0)).collect();
                }
                "drop" => fields.drop = self.names(value)?,
                "add" => {
                    for (name, dtype) in self.string_pairs(value)? {
                        if dtype.0.parse::<crate::array::Dtype>().is_err() {
                            return self.fail(dtype.1, "no dtype of NumPy, such as `<f8` or `|u1`");
                        }
                        fields.add.push((name.0, dtype.0));
                    }
                }
                "aligned" => match value.get_ref().as_bool() {
                    Some(aligned) => fields.aligned = aligned,
                    None => return self.fail(value.span(), "true or false"),
                },
                other => return self.unknown(other, key.span(), &["rename", "drop", "add", "aligned"]),
            }
        }
        Ok(fields)
    }

    fn call(&self, value: &Value<'_>) -> Result<Action> {
        let (mut to, mut args) = (None, None);
        for (key, value) in self.table(value)?.iter() {
            match &**key.get_ref() {
                "to" => to = Some(self.global(&self.string(value)?)?),
                "args" => {
                    let Some(items) = value.get_ref().as_array() else {
                        return self.fail(value.span(), "a list of arguments");
                    };
                    args = Some(items.iter().map(|item| self.argument(item)).collect::<Result<Vec<_>>>()?);
                }
                other => return self.unknown(other, key.span(), &["to", "args"]),
            }
        }
        match to {
            Some(to) => Ok(Action::Call { to, args }),
            None => self.fail(value.span(), "what is called instead? `to = \"module:function\"` says it"),
        }
    }

    /// `$0` is the first argument that there was, `$0@name` the name of the global it is, `$1..` all from the second on, `$$` a
    /// dollar; else a value.
    fn argument(&self, value: &Value<'_>) -> Result<Argument> {
        let Some(text) = value.get_ref().as_str().and_then(|text| text.strip_prefix('$')) else {
            return self.literal(value).map(Argument::New);
        };
        if text.starts_with('$') {
            return Ok(Argument::New(Literal::Str(text.to_owned())));
        }
        if let Some(number) = text.strip_suffix("@name").and_then(|number| number.parse().ok()) {
            return Ok(Argument::NameOf(number));
        }
        let (number, is_rest) = text.strip_suffix("..").map_or((text, false), |number| (number, true));
        match (number.parse(), is_rest) {
            (Ok(number), false) => Ok(Argument::Old(number)),
            (Ok(number), true) => Ok(Argument::Rest(number)),
            _ => self.fail(value.span(), "`$0` is the first argument, `$1..` all from the second on, `$$` a dollar"),
        }
    }

    fn dict(&self, value: &Value<'_>) -> Result<DictRule> {
        let mut rule = DictRule { has: Vec::new(), path: None, to: Default::default() };
        for (key, value) in self.table(value)?.iter() {
            match &**key.get_ref() {
                "has" => rule.has = self.names(value)?,
                "path" => rule.path = Some(self.path(value)?),
                "to" => rule.to = self.global(&self.string(value)?)?,
                other => return self.unknown(other, key.span(), &["has", "path", "to"]),
            }
        }
        if rule.to.0.is_empty() || (rule.has.is_empty() && rule.path.is_none()) {
            return self
                .fail(value.span(), "a dict needs `has` or `path`, which find it, and `to`, the class it becomes");
        }
        Ok(rule)
    }

    fn value(&self, value: &Value<'_>) -> Result<ValueRule> {
        let (mut path, mut from, mut to) = (None, None, None);
        for (key, value) in self.table(value)?.iter() {
            match &**key.get_ref() {
                "path" => path = Some(self.path(value)?),
                "from" => from = Some(self.literal(value)?),
                "to" => to = Some(self.literal(value)?),
                other => return self.unknown(other, key.span(), &["path", "from", "to"]),
            }
        }
        match to {
            Some(to) if path.is_some() || from.is_some() => Ok(ValueRule { path, from, to }),
            _ => self.fail(value.span(), "a value needs `path` or `from`, which find it, and `to`"),
        }
    }

    fn path(&self, value: &Value<'_>) -> Result<String> {
        let (text, span) = self.string(value)?;
        match text.parse::<crate::graph::Path>() {
            Ok(_) => Ok(text),
            Err(error) => self.fail(span, error.to_string()),
        }
    }

    fn replacement(&self, value: &Value<'_>) -> Result<(Literal, Literal)> {
        let table = self.table(value)?;
        match (table.get("from"), table.get("to"), table.len()) {
            (Some(from), Some(to), 2) => Ok((self.literal(from)?, self.literal(to)?)),
            _ => self.fail(value.span(), "what is replaced by what? `{ from = 1, to = 2 }` says it"),
        }
    }

    fn strings(&self, value: &Value<'_>) -> Result<Option<Strings>> {
        Ok(Some(match self.string(value)?.0.as_str() {
            "auto" => Strings::Auto,
            "text" => Strings::Text,
            "latin-1" => Strings::Latin1,
            "bytes" => Strings::Bytes,
            "keep" => return Ok(None),
            _ => return self.fail(value.span(), "strings are `auto`, `text`, `latin-1`, `bytes` or `keep`"),
        }))
    }

    fn literal(&self, value: &Value<'_>) -> Result<Literal> {
        Ok(match value.get_ref() {
            DeValue::String(text) => Literal::Str(text.to_string()),
            DeValue::Integer(_) => Literal::Int(self.integer(value)?),
            DeValue::Float(float) => match float.as_str().parse() {
                Ok(float) => Literal::Float(float),
                Err(_) => return self.fail(value.span(), "no number"),
            },
            DeValue::Boolean(value) => Literal::Bool(*value),
            DeValue::Array(_) => Literal::List(self.literals(value)?),
            DeValue::Datetime(_) => {
                return self.fail(value.span(), "dates are objects in pickles; make them by a call");
            }
            DeValue::Table(table) => {
                let mut pairs = table.iter();
                if let (Some((key, inner)), None) = (pairs.next(), pairs.next())
                    && let Some(tagged) = self.tagged(key.get_ref(), inner)?
                {
                    return Ok(tagged);
                }
                let pair = |(key, value): (&Spanned<_>, &Value<'_>)| {
                    let key: &std::borrow::Cow<'_, str> = key.get_ref();
                    Ok((key.to_string(), self.literal(value)?))
                };
                Literal::Dict(table.iter().map(pair).collect::<Result<_>>()?)
            }
        })
    }

    /// What TOML has no way to say: `{ tuple = [1, 2] }`.
    fn tagged(&self, tag: &str, value: &Value<'_>) -> Result<Option<Literal>> {
        Ok(Some(match tag {
            "none" => self.yes(value).map(|()| Literal::None)?,
            "tuple" => Literal::Tuple(self.literals(value)?),
            "set" => Literal::Set(self.literals(value)?),
            "bytes" => Literal::Bytes(self.string(value)?.0.into_bytes()),
            "dict" => match self
                .table(value)?
                .iter()
                .map(|(key, value)| Ok((key.get_ref().to_string(), self.literal(value)?)))
                .collect::<Result<_>>()
            {
                Ok(pairs) => Literal::Dict(pairs),
                Err(error) => return Err(error),
            },
            "global" => {
                let (module, name) = self.global(&self.string(value)?)?;
                Literal::Global(module, name)
            }
            _ => return Ok(None),
        }))
    }

    fn literals(&self, value: &Value<'_>) -> Result<Vec<Literal>> {
        match value.get_ref().as_array() {
            Some(items) => items.iter().map(|item| self.literal(item)).collect(),
            None => self.fail(value.span(), "a list"),
        }
    }

    /// `module:name`; without the colon the name is what follows the last dot.
    fn global(&self, (text, span): &Pair) -> Result<(String, String)> {
        match text.split_once(':').or_else(|| text.rsplit_once('.')) {
            Some((module, name)) if !module.is_empty() && !name.is_empty() && !text.contains('*') => {
                Ok((module.to_owned(), name.to_owned()))
            }
            _ => self.fail(span.clone(), "a global is written `module:name`, as in `shop.models:Cart`"),
        }
    }

    fn names(&self, value: &Value<'_>) -> Result<Vec<String>> {
        Ok(self.strings_of(value)?.into_iter().map(|(text, _)| text).collect())
    }

    /// One string, or a list of them.
    fn strings_of(&self, value: &Value<'_>) -> Result<Vec<Pair>> {
        match value.get_ref().as_array() {
            Some(items) => items.iter().map(|item| self.string(item)).collect(),
            None => Ok(vec![self.string(value)?]),
        }
    }

    fn string_pairs(&self, value: &Value<'_>) -> Result<Vec<(Pair, Pair)>> {
        let pairs = self.table(value)?.iter();
        pairs.map(|(key, value)| Ok(((key.get_ref().to_string(), key.span()), self.string(value)?))).collect()
    }

    fn string(&self, value: &Value<'_>) -> Result<Pair> {
        match value.get_ref().as_str() {
            Some(text) => Ok((text.to_owned(), value.span())),
            None => self.fail(value.span(), format!("a string belongs here, not {}", a(value))),
        }
    }

    fn integer(&self, value: &Value<'_>) -> Result<i64> {
        let number = value.get_ref().as_integer();
        match number.and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok()) {
            Some(number) => Ok(number),
            None => self.fail(value.span(), format!("an integer belongs here, not {}", a(value))),
        }
    }

    fn yes(&self, value: &Value<'_>) -> Result<()> {
        match value.get_ref().as_bool() {
            Some(true) => Ok(()),
            _ => self.fail(value.span(), "`true`, or leave it out"),
        }
    }

    fn table<'v, 't>(&self, value: &'v Value<'t>) -> Result<&'v DeTable<'t>> {
        match value.get_ref().as_table() {
            Some(table) => Ok(table),
            None => self.fail(value.span(), format!("a table belongs here, not {}", a(value))),
        }
    }

    fn tables<'v, 't>(&self, value: &'v Value<'t>) -> Result<Vec<&'v Value<'t>>> {
        match value.get_ref() {
            DeValue::Array(items) => Ok(items.iter().collect()),
            DeValue::Table(_) => {
                self.fail(value.span(), "several of these may stand here: write it in double brackets")
            }
            _ => self.fail(value.span(), format!("a table belongs here, not {}", a(value))),
        }
    }

    fn unknown<T>(&self, key: &str, span: Range<usize>, known: &[&str]) -> Result<T> {
        let near = known.iter().map(|known| (distance(key, known), known)).min();
        match near {
            Some((0..=2, near)) => self.fail(span, format!("unknown key `{key}`; did you mean `{near}`?")),
            _ => self.fail(span, format!("unknown key `{key}`; known are {}", known.join(", "))),
        }
    }
}

fn a(value: &Value<'_>) -> String {
    let name = value.get_ref().type_str();
    format!("{} {name}", if name.starts_with(['a', 'i']) { "an" } else { "a" })
}

/// How many letters must be put in, taken out or changed to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    // Longer words than any that is known are none of them.
    for (i, a) in one.chars().take(64).enumerate() {
        let mut before = i;
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = before + usize::from(a != *b);
            before = row[j + 1];
            row[j + 1] = changed.min(before + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}
