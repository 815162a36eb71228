//! What a policy has against things that a pickle does: one judgement, for a scan that reports it and a load that refuses it.
//!
//! Of a value it asks only what matters here (`Seen`), whoever keeps it. It changes nothing, and knows no pickles.

use crate::policy::{Arguments, Rule, Standing, Use};

/// Who keeps values, and tells what they are.
pub(crate) trait Values {
    /// A value, or the handle of one.
    type Value: Copy;

    /// What it is.
    fn seen(&self, value: Self::Value) -> Seen<'_>;

    /// The two values of a pair.
    fn pair(&self, value: Self::Value) -> Option<(Self::Value, Self::Value)>;
}

/// What a value is to a judge.
#[derive(Clone, Copy)]
pub(crate) enum Seen<'v> {
    /// A class, function or module.
    Global { module: &'v str, name: &'v str, standing: Standing<'v> },
    /// What a call gave: what may be done with it, where the policy knows.
    Made(Option<Rule>),
    /// What a persistent id, an extension code or a computation stands for.
    Outside,
    /// Text, or bytes that may be taken for it.
    Text(&'v [u8]),
    /// Bytes alone.
    Bytes,
    /// A dict, of which a key may be a name of Python's machinery.
    Dict { has_dunder: bool },
    /// Anything else.
    Data,
}

/// What is to be said against something that is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Objection<'v> {
    /// Whether it is known to do harm, or done by no honest writer; else nobody knows.
    pub(crate) is_danger: bool,
    /// Why.
    pub(crate) why: &'v str,
    /// What a rule would have to allow, where that is all there is against it.
    pub(crate) wanted: Option<Use>,
}

fn unknown(why: &str) -> Objection<'_> {
    Objection { is_danger: false, why, wanted: None }
}

fn danger(why: &str) -> Objection<'_> {
    Objection { is_danger: true, why, wanted: None }
}

impl Objection<'_> {
    fn unless(self, wanted: Use) -> Self {
        Objection { wanted: Some(wanted), ..self }
    }
}

/// Against the mention of a global.
pub(crate) fn name<'p>(standing: Standing<'p>) -> Option<Objection<'p>> {
    match standing {
        Standing::Allowed(_) => None,
        Standing::Dangerous(why) => Some(danger(why).unless(Use::Name)),
        Standing::Unknown => Some(unknown("no policy knows this code, and its module is imported").unless(Use::Name)),
    }
}

/// Against a call, or an instance that is made by `__new__`.
///
/// What `getattr` gives is a global that is named in its turn, and what a loader is given a pickle: both are for the caller.
pub(crate) fn call<'v, V: Values>(
    values: &'v V,
    callable: V::Value,
    arguments: &[V::Value],
    is_new: bool,
) -> Option<Objection<'v>> {
    let wanted = if is_new { Use::New } else { Use::Call };
    match values.seen(callable) {
        Seen::Global { standing: Standing::Dangerous(why), .. } => Some(danger(why).unless(wanted)),
        Seen::Global { standing: Standing::Unknown, .. } => Some(unknown("no policy knows this code").unless(wanted)),
        Seen::Global { standing: Standing::Allowed(rule), .. } => {
            if !(if is_new { rule.new } else { rule.call }) {
                return Some(unknown("the policy lets it be named, not called").unless(wanted));
            }
            against_arguments(values, rule.arguments, arguments)
        }
        Seen::Made(rule) => {
            let why = "what is called is made while loading";
            Some(if rule.is_some() { unknown(why) } else { danger(why) })
        }
        Seen::Outside => Some(unknown("what is called is told by an id or a code alone")),
        _ => None,
    }
}

fn against_arguments<'v, V: Values>(
    values: &'v V,
    allowed: Arguments,
    arguments: &[V::Value],
) -> Option<Objection<'v>> {
    match allowed {
        Arguments::Any => None,
        Arguments::Latin1 => {
            let encoding = arguments.get(1).map(|encoding| values.seen(*encoding));
            let is_latin1 = matches!(encoding, Some(Seen::Text(b"latin1" | b"latin-1" | b"iso-8859-1")));
            let why = "with another encoding than latin1 it computes text, and may import a codec";
            (!is_latin1).then_some(danger(why))
        }
        Arguments::Class => {
            let why = "it makes an instance of a class that the policy does not know so";
            match arguments.first().map(|class| values.seen(*class)) {
                // What looks at its own arguments is not to be called past them.
                Some(Seen::Global { standing: Standing::Allowed(class), .. })
                    if class.new || class.call && class.arguments == Arguments::Any =>
                {
                    None
                }
                Some(Seen::Global { standing: Standing::Dangerous(_), .. }) => Some(danger(why)),
                _ => Some(unknown(why)),
            }
        }
        Arguments::Attribute => {
            let why = "it reaches an attribute of something that is no class";
            attribute(values, arguments).is_none().then_some(danger(why))
        }
        Arguments::Loaded => {
            let why = "what it is to load is computed";
            let first = arguments.first().map(|bytes| values.seen(*bytes));
            (!matches!(first, Some(Seen::Bytes | Seen::Text(_)))).then_some(unknown(why))
        }
    }
}

/// The global that a class and the name of something in it are.
pub(crate) fn attribute<V: Values>(values: &V, arguments: &[V::Value]) -> Option<(String, String)> {
    let [class, name] = arguments else { return None };
    match (values.seen(*class), values.seen(*name)) {
        (Seen::Global { module, name: class, .. }, Seen::Text(name)) => {
            Some((module.to_owned(), format!("{class}.{}", String::from_utf8_lossy(name))))
        }
        _ => None,
    }
}

/// What may be done with what a call gives: a helper that makes instances of a class gives what the class gives.
pub(crate) fn rule_of_made<V: Values>(values: &V, rule: Rule, arguments: &[V::Value]) -> Rule {
    match (rule.arguments, arguments.first().map(|class| values.seen(*class))) {
        (Arguments::Class, Some(Seen::Global { standing: Standing::Allowed(class), .. })) => class,
        _ => rule,
    }
}

/// Against a state that is given to something.
pub(crate) fn state<V: Values>(values: &V, object: V::Value, state: V::Value) -> Option<Objection<'_>> {
    let has_dunder = |value| matches!(values.seen(value), Seen::Dict { has_dunder: true });
    // Slots are set by name, which may change what the object is; a `__dict__` only holds its names.
    let (in_dict, in_slots) = match values.pair(state) {
        Some((dict, slots)) => (has_dunder(dict), has_dunder(slots)),
        None => (has_dunder(state), false),
    };
    match values.seen(object) {
        Seen::Made(_) if in_slots => Some(danger("it sets a name of Python's own machinery, as `__class__`")),
        Seen::Made(_) if in_dict => Some(unknown("its attributes have names of Python's own machinery")),
        Seen::Made(Some(rule)) if rule.state => None,
        Seen::Made(Some(_)) => Some(unknown("its instances take no state as the policy knows them").unless(Use::State)),
        Seen::Made(None) => Some(unknown("what a state does to unknown code is unknown").unless(Use::State)),
        Seen::Global { .. } => Some(danger("it changes a class, function or module itself, for the whole process")),
        Seen::Outside => Some(unknown("what it does is known to the reader alone")),
        _ => None,
    }
}

/// Against items that are given to something which is no container of Python's own.
pub(crate) fn items<V: Values>(values: &V, target: V::Value) -> Option<Objection<'_>> {
    match values.seen(target) {
        Seen::Global { .. } => Some(danger("it changes a class, function or module itself, for the whole process")),
        Seen::Made(Some(rule)) if rule.items => None,
        Seen::Made(Some(_)) => {
            let why = "its instances take no items as the policy knows them: a method is called";
            Some(unknown(why).unless(Use::Items))
        }
        Seen::Made(None) => Some(unknown("a method of unknown code is called").unless(Use::Items)),
        Seen::Outside => Some(unknown("a method of something unknown is called")),
        _ => None,
    }
}

/// Whether a key is a name of Python's own machinery, as `__class__`.
pub(crate) fn is_dunder(key: &[u8]) -> bool {
    key.len() > 4 && key.starts_with(b"__") && key.ends_with(b"__")
}
