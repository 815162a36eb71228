//! A struct as its attributes say: what each field is in Python.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Error, ExprPath, Fields, Generics, Ident, Index, Member, Result, Type};

use crate::attributes::{OnField, OnType, StateKind};

/// A struct.
pub(crate) struct Struct {
    pub(crate) on: OnType,
    pub(crate) fields: Vec<Field>,
    pub(crate) kind: Kind,
}

/// What a struct is in Python.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An instance of a class.
    Class,
    /// A dict.
    Dict,
    /// Its only field.
    Transparent,
    /// A tuple.
    Tuple,
    /// `None`.
    None,
}

/// A field.
pub(crate) struct Field {
    pub(crate) member: Member,
    pub(crate) ty: Type,
    /// Its name in Python.
    pub(crate) name: String,
    pub(crate) alias: Vec<String>,
    pub(crate) role: Role,
    pub(crate) default: Option<Option<ExprPath>>,
    pub(crate) with: Option<ExprPath>,
}

/// What a field is in Python.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Skip,
    Arg(usize),
    Kwarg,
    Attribute,
    Slot,
    StateItem(usize),
    Items,
    DictItems,
    Rest,
}

impl Struct {
    pub(crate) fn new(on: OnType, fields: &Fields) -> Result<Struct> {
        let named = matches!(fields, Fields::Named(_));
        let kind = match (&on.class, fields) {
            (Some(_), _) => Kind::Class,
            (None, Fields::Named(_)) => Kind::Dict,
            (None, Fields::Unnamed(fields)) if fields.unnamed.len() == 1 => Kind::Transparent,
            (None, Fields::Unnamed(_)) => Kind::Tuple,
            (None, Fields::Unit) => Kind::None,
        };
        let mut found = Vec::new();
        let (mut args, mut items) = (0, 0);
        for (index, field) in fields.iter().enumerate() {
            let attributes = OnField::parse(&field.attrs)?;
            let member = match &field.ident {
                Some(ident) => Member::Named(ident.clone()),
                None => Member::Unnamed(Index::from(index)),
            };
            let plain = match &field.ident {
                Some(ident) => ident.to_string().trim_start_matches("r#").to_owned(),
                None => index.to_string(),
            };
            let role = role(&on, kind, named, attributes.role.as_ref(), field.span())?;
            let role = match role {
                Role::Arg(_) => {
                    args += 1;
                    Role::Arg(args - 1)
                }
                Role::StateItem(_) => {
                    items += 1;
                    Role::StateItem(items - 1)
                }
                other => other,
            };
            found.push(Field {
                member,
                ty: field.ty.clone(),
                name: attributes.rename.unwrap_or(plain),
                alias: attributes.alias,
                role,
                default: attributes.default,
                with: attributes.with,
            });
        }
        if found.iter().filter(|field| field.role == Role::Rest).count() > 1 {
            return Err(Error::new(fields.span(), "only one field can be `rest`"));
        }
        Ok(Struct { on, fields: found, kind })
    }

    /// Fields that are part of the pickle.
    pub(crate) fn kept(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.role != Role::Skip)
    }

    pub(crate) fn count(&self, wanted: impl Fn(Role) -> bool) -> usize {
        self.fields.iter().filter(|field| wanted(field.role)).count()
    }

    /// All names of attributes that fields are read from.
    pub(crate) fn known(&self) -> Vec<&str> {
        let named = self.fields.iter().filter(|field| matches!(field.role, Role::Attribute | Role::Slot | Role::Kwarg));
        named.flat_map(|field| field.names()).collect()
    }

    /// Whether a hook of the user's makes or takes the state.
    pub(crate) fn hooked(&self) -> bool {
        self.on.getstate.is_some() || self.on.setstate.is_some()
    }
}

impl Field {
    /// Its name in Python today, then its other names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.alias).map(String::as_str)
    }

    /// The local variable it is read into.
    pub(crate) fn local(&self) -> Ident {
        match &self.member {
            Member::Named(ident) => quote::format_ident!("field_{}", ident),
            Member::Unnamed(index) => quote::format_ident!("field_{}", index.index),
        }
    }

    /// What stands for it where it is missing, if its attributes say.
    pub(crate) fn default_value(&self) -> Option<TokenStream> {
        match (&self.default, self.role) {
            (Some(Some(path)), _) => Some(quote!(#path())),
            (Some(None), _) | (None, Role::Skip) => Some(quote!(::core::default::Default::default())),
            (None, _) => None,
        }
    }
}

fn role(on: &OnType, kind: Kind, named: bool, given: Option<&(String, Span)>, at: Span) -> Result<Role> {
    let Some((name, span)) = given else {
        return Ok(match kind {
            Kind::Class if on.namedtuple.is_some() || !named => Role::Arg(0),
            Kind::Class => match on.state.map(|(state, _)| state).unwrap_or_default() {
                StateKind::Dict => Role::Attribute,
                StateKind::Slots => Role::Slot,
                StateKind::Tuple | StateKind::List => Role::StateItem(0),
            },
            Kind::Dict => Role::Attribute,
            Kind::Transparent | Kind::Tuple | Kind::None => Role::StateItem(0),
        });
    };
    let for_classes = |role| match kind {
        Kind::Class => Ok(role),
        _ => Err(Error::new(*span, format!("`{name}` is for classes: add `class = \"module.Name\"` to the type"))),
    };
    match name.as_str() {
        "skip" => Ok(Role::Skip),
        "rest" if matches!(kind, Kind::Class | Kind::Dict) && named => Ok(Role::Rest),
        "rest" => Err(Error::new(*span, "`rest` needs named fields")),
        "arg" => for_classes(Role::Arg(0)),
        "kwarg" => for_classes(Role::Kwarg),
        "slot" => for_classes(Role::Slot),
        "items" => for_classes(Role::Items),
        "dict_items" => for_classes(Role::DictItems),
        _ => Err(Error::new(at, "a field of no known kind")),
    }
}

/// The type's parameters, each with a bound of `bound` more.
pub(crate) fn bounded(generics: &Generics, bound: &TokenStream) -> Generics {
    let mut generics = generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(syn::parse_quote!(#bound));
    }
    generics
}
