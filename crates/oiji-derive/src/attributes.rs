//! What stands in `#[pickle(…)]`, on types, fields and variants.

use proc_macro2::Span;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, Expr, ExprPath, Lit, LitInt, LitStr, Result, Token};

/// The name of a class or function: module, and the maybe dotted name in it.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) module: String,
    pub(crate) name: String,
}

impl Name {
    /// The last dot parts module and name, or a colon where the name has dots.
    fn parse(text: &LitStr) -> Result<Name> {
        let value = text.value();
        let split = value.split_once(':').or_else(|| value.rsplit_once('.'));
        match split {
            Some((module, name)) if !module.is_empty() && !name.is_empty() => {
                Ok(Name { module: module.to_owned(), name: name.to_owned() })
            }
            _ => Err(Error::new(
                text.span(),
                "expected a module and a name, as in \"shapes.Point\" or \"shapes:Outer.Inner\"",
            )),
        }
    }

    pub(crate) fn tokens(&self) -> proc_macro2::TokenStream {
        let Name { module, name } = self;
        quote!(::oiji::class::Name::new(#module, #name))
    }
}

/// How fields are kept in the state.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum StateKind {
    #[default]
    Dict,
    Slots,
    Tuple,
    List,
}

/// What stands on the type.
#[derive(Default)]
pub(crate) struct OnType {
    pub(crate) class: Option<Name>,
    pub(crate) formerly: Vec<Name>,
    pub(crate) state: Option<(StateKind, Span)>,
    pub(crate) getstate: Option<ExprPath>,
    pub(crate) setstate: Option<ExprPath>,
    /// Called with what was read.
    pub(crate) loaded: Option<ExprPath>,
    /// Made by a call: of the class, or of a function.
    pub(crate) call: Option<(Option<Name>, Span)>,
    pub(crate) instance: Option<Span>,
    pub(crate) namedtuple: Option<Span>,
    pub(crate) version: Option<LitInt>,
    pub(crate) version_attribute: Option<LitStr>,
    pub(crate) migrate: Vec<(i64, ExprPath)>,
    pub(crate) migrate_span: Option<Span>,
    pub(crate) deny_unknown_fields: bool,
}

impl OnType {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<OnType> {
        let mut on = OnType::default();
        each(attributes, |meta| {
            let name = key(&meta);
            match name.as_str() {
                "class" => on.class = Some(Name::parse(&text(&meta)?)?),
                "formerly" => on.formerly.push(Name::parse(&text(&meta)?)?),
                "state" => {
                    let kind = text(&meta)?;
                    let found = match kind.value().as_str() {
                        "dict" => StateKind::Dict,
                        "slots" => StateKind::Slots,
                        "tuple" => StateKind::Tuple,
                        "list" => StateKind::List,
                        _ => {
                            return Err(Error::new(
                                kind.span(),
                                "a state is \"dict\", \"slots\", \"tuple\" or \"list\"",
                            ));
                        }
                    };
                    on.state = Some((found, kind.span()));
                }
                "getstate" => on.getstate = Some(path(&meta)?),
                "setstate" => on.setstate = Some(path(&meta)?),
                "loaded" => on.loaded = Some(path(&meta)?),
                "call" => {
                    let function = if meta.input.peek(Token![=]) { Some(Name::parse(&text(&meta)?)?) } else { None };
                    on.call = Some((function, meta.path.span()));
                }
                "instance" => on.instance = Some(meta.path.span()),
                "namedtuple" => on.namedtuple = Some(meta.path.span()),
                "version" => on.version = Some(meta.value()?.parse()?),
                "version_attribute" => on.version_attribute = Some(text(&meta)?),
                "migrate" => {
                    on.migrate_span = Some(meta.path.span());
                    let inside;
                    syn::parenthesized!(inside in meta.input);
                    let steps = inside.parse_terminated(
                        |step: syn::parse::ParseStream<'_>| {
                            let version: LitInt = step.parse()?;
                            step.parse::<Token![=>]>()?;
                            Ok((version.base10_parse::<i64>()?, step.parse::<ExprPath>()?))
                        },
                        Token![,],
                    )?;
                    on.migrate.extend(steps);
                }
                "deny_unknown_fields" => on.deny_unknown_fields = true,
                _ => {
                    return Err(unknown(
                        &meta,
                        "class, formerly, state, getstate, setstate, loaded, call, instance, namedtuple, version, \
                         version_attribute, migrate, deny_unknown_fields",
                    ));
                }
            }
            Ok(())
        })?;
        on.check()?;
        Ok(on)
    }

    fn check(&self) -> Result<()> {
        let needs_class = [
            self.formerly.first().map(|_| ("formerly", Span::call_site())),
            self.getstate.as_ref().map(|path| ("getstate", path.span())),
            self.setstate.as_ref().map(|path| ("setstate", path.span())),
            self.call.as_ref().map(|(_, span)| ("call", *span)),
            self.instance.map(|span| ("instance", span)),
            self.namedtuple.map(|span| ("namedtuple", span)),
            self.state.map(|(_, span)| ("state", span)),
        ];
        if self.class.is_none()
            && let Some((name, span)) = needs_class.into_iter().flatten().next()
        {
            return Err(Error::new(span, format!("`{name}` is for classes: add `class = \"module.Name\"`")));
        }
        if let (None, Some(span)) = (&self.version, self.migrate_span) {
            return Err(Error::new(span, "`migrate` leads to a version: add `version = …`"));
        }
        let Some(version) = &self.version else { return Ok(()) };
        if self.setstate.is_some() || matches!(self.state, Some((StateKind::Tuple | StateKind::List, _))) {
            return Err(Error::new(version.span(), "only a state of attributes has a version"));
        }
        let newest = version.base10_parse::<i64>()?;
        for (at, (from, path)) in self.migrate.iter().enumerate() {
            let next = self.migrate.get(at + 1).map_or(newest, |(next, _)| *next);
            if next != from + 1 {
                return Err(Error::new(
                    path.span(),
                    format!("this step leads from version {from} to {}, but {next} follows", from + 1),
                ));
            }
        }
        Ok(())
    }
}

/// What stands on a field.
#[derive(Default)]
pub(crate) struct OnField {
    pub(crate) rename: Option<String>,
    pub(crate) alias: Vec<String>,
    pub(crate) default: Option<Option<ExprPath>>,
    pub(crate) with: Option<ExprPath>,
    /// `skip`, `arg`, `kwarg`, `slot`, `items`, `dict_items`, `rest`.
    pub(crate) role: Option<(String, Span)>,
}

impl OnField {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<OnField> {
        let mut on = OnField::default();
        each(attributes, |meta| {
            let name = key(&meta);
            match name.as_str() {
                "rename" => on.rename = Some(text(&meta)?.value()),
                "alias" => on.alias.push(text(&meta)?.value()),
                "default" => on.default = Some(if meta.input.peek(Token![=]) { Some(path(&meta)?) } else { None }),
                "with" => on.with = Some(path(&meta)?),
                "skip" | "arg" | "kwarg" | "slot" | "items" | "dict_items" | "rest" => {
                    if let Some((other, _)) = &on.role {
                        return Err(meta.error(format!("a field cannot be both `{other}` and `{name}`")));
                    }
                    on.role = Some((name, meta.path.span()));
                }
                _ => {
                    return Err(unknown(
                        &meta,
                        "rename, alias, skip, default, arg, kwarg, slot, items, dict_items, rest, with",
                    ));
                }
            }
            Ok(())
        })?;
        Ok(on)
    }
}

/// What stands on a variant.
#[derive(Default)]
pub(crate) struct OnVariant {
    pub(crate) rename: Option<String>,
    pub(crate) value: Option<Value>,
    pub(crate) other: Option<Span>,
}

/// The value of a member of an enum.
pub(crate) enum Value {
    Int(proc_macro2::TokenStream),
    Str(LitStr),
}

impl OnVariant {
    pub(crate) fn parse(attributes: &[Attribute]) -> Result<OnVariant> {
        let mut on = OnVariant::default();
        each(attributes, |meta| {
            match key(&meta).as_str() {
                "rename" => on.rename = Some(text(&meta)?.value()),
                "value" => on.value = Some(value(&meta)?),
                "other" => on.other = Some(meta.path.span()),
                _ => return Err(unknown(&meta, "rename, value, other")),
            }
            Ok(())
        })?;
        Ok(on)
    }
}

fn value(meta: &ParseNestedMeta<'_>) -> Result<Value> {
    let expr: Expr = meta.value()?.parse()?;
    match &expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => return Ok(Value::Int(quote!(#int))),
            Lit::Str(text) => return Ok(Value::Str(text.clone())),
            _ => {}
        },
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => return Ok(Value::Int(quote!(#unary))),
        _ => {}
    }
    Err(Error::new(expr.span(), "the value of a member is an int or a string here"))
}

fn each(attributes: &[Attribute], mut read: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("pickle")) {
        attribute.parse_nested_meta(&mut read)?;
    }
    Ok(())
}

fn key(meta: &ParseNestedMeta<'_>) -> String {
    meta.path.get_ident().map(ToString::to_string).unwrap_or_default()
}

fn text(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    meta.value()?.parse()
}

fn path(meta: &ParseNestedMeta<'_>) -> Result<ExprPath> {
    let value = meta.value()?;
    if value.peek(LitStr) {
        let text: LitStr = value.parse()?;
        return text.parse();
    }
    value.parse()
}

fn unknown(meta: &ParseNestedMeta<'_>, known: &str) -> Error {
    meta.error(format!("no such attribute; there are {known}"))
}
