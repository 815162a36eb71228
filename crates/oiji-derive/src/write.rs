//! `impl Pickle`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Result};

use crate::attributes::{OnType, StateKind};
use crate::enums;
use crate::model::{Field, Kind, Role, Struct, bounded};

pub(crate) fn implement(input: &DeriveInput) -> Result<TokenStream> {
    let on = OnType::parse(&input.attrs)?;
    let body = match &input.data {
        Data::Struct(data) => structure(&Struct::new(on, &data.fields)?)?,
        Data::Enum(data) => enums::write(&on, data)?,
        Data::Union(data) => return Err(Error::new(data.union_token.span, "a union cannot be pickled")),
    };
    let name = &input.ident;
    let generics = bounded(&input.generics, &quote!(::oiji::class::Pickle));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, type_generics, _) = input.generics.split_for_impl();
    // `Any` is for types that live as long as they like.
    let as_any = input.generics.params.is_empty().then(|| {
        quote! {
            fn as_any(&self) -> ::core::option::Option<&dyn ::core::any::Any> {
                ::core::option::Option::Some(self)
            }
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::oiji::class::Pickle for #name #type_generics #where_clause {
            fn pickle(&self, to: &mut ::oiji::class::Pickling<'_>) -> ::oiji::Result<::oiji::graph::Id> {
                #body
            }
            #as_any
        }
    })
}

fn structure(model: &Struct) -> Result<TokenStream> {
    Ok(match model.kind {
        Kind::Class => class(model)?,
        Kind::Dict => dict(model),
        Kind::Transparent => match model.kept().next() {
            Some(field) => {
                let value = value(field);
                quote!(::oiji::class::Pickle::pickle(#value, to))
            }
            None => quote!(to.graph().add_none()),
        },
        Kind::Tuple => {
            let count = model.kept().count();
            let items = model.kept().map(|field| {
                let (name, value) = (format!("[{}]", field.name), value(field));
                quote!(to.field(#name, #value)?)
            });
            quote! {
                let none = to.graph().add_none()?;
                let tuple = to.graph().add_tuple(&[none; #count])?;
                to.made(tuple);
                let items = [#(#items),*];
                to.graph().replace_items(tuple, &items)?;
                ::oiji::Result::Ok(tuple)
            }
        }
        Kind::None => quote!(to.graph().add_none()),
    })
}

/// A reference to the field's value, or to what stands for it.
fn value(field: &Field) -> TokenStream {
    let member = &field.member;
    match &field.with {
        // So that the compiler points at the field whose type cannot be pickled.
        None => quote_spanned!(field.ty.span()=> &self.#member),
        Some(path) => quote! {
            &::oiji::class::With(|to: &mut ::oiji::class::Pickling<'_>| #path::pickle(&self.#member, to))
        },
    }
}

fn dict(model: &Struct) -> TokenStream {
    let version = version(model).map(|(attribute, current)| {
        quote! {
            let key = to.name(#attribute)?;
            let version = to.field(#attribute, &#current)?;
            to.graph().set_item(dict, key, version)?;
        }
    });
    let pairs = model.kept().map(|field| {
        let (name, value, member) = (&field.name, value(field), &field.member);
        match field.role {
            Role::Rest => quote!(to.rest(dict, &self.#member)?;),
            _ => {
                let step = format!(".{name}");
                quote! {
                    let value = to.field(#step, #value)?;
                    let key = to.name(#name)?;
                    to.graph().set_item(dict, key, value)?;
                }
            }
        }
    });
    quote! {
        let dict = to.graph().add_dict(&[])?;
        to.made(dict);
        #version
        #(#pairs)*
        ::oiji::Result::Ok(dict)
    }
}

fn version(model: &Struct) -> Option<(String, i64)> {
    let current = model.on.version.as_ref()?.base10_parse().ok()?;
    let attribute = model.on.version_attribute.as_ref().map_or_else(|| "_version".to_owned(), syn::LitStr::value);
    Some((attribute, current))
}

fn class(model: &Struct) -> Result<TokenStream> {
    let on = &model.on;
    let kwargs = model.count(|role| role == Role::Kwarg) > 0;
    let made = match (&on.call, on.instance, kwargs) {
        (Some((_, span)), _, true) => {
            return Err(Error::new(*span, "a call has no keyword arguments: use `arg`, or leave out `call`"));
        }
        (_, Some(span), true) => {
            return Err(Error::new(span, "an old-style instance has no keyword arguments: use `arg`"));
        }
        (Some((_, span)), Some(_), _) => return Err(Error::new(*span, "`call` and `instance` exclude each other")),
        (Some(_), ..) => quote!(Call),
        (_, Some(_), _) => quote!(Instance),
        (.., true) => quote!(NewEx),
        _ => quote!(New),
    };
    let name = match (&on.call, &on.class) {
        (Some((Some(function), _)), _) | (_, Some(function)) => function.tokens(),
        (_, None) => return Ok(TokenStream::new()),
    };
    let args = model.count(|role| matches!(role, Role::Arg(_)));
    let version = version(model).map(|(attribute, current)| quote!(object.attribute(#attribute, &#current)?;));
    let list = matches!(on.state, Some((StateKind::List, _)));
    let fields = model.kept().map(|field| {
        let (name, value, member) = (&field.name, value(field), &field.member);
        match field.role {
            Role::Arg(_) => quote!(object.arg(#name, #value)?;),
            Role::Kwarg => quote!(object.kwarg(#name, #value)?;),
            Role::Items => quote!(::oiji::class::ListItems::write(&self.#member, &mut object)?;),
            Role::DictItems => quote!(::oiji::class::DictItems::write(&self.#member, &mut object)?;),
            _ if on.getstate.is_some() => TokenStream::new(),
            Role::Attribute => quote!(object.attribute(#name, #value)?;),
            Role::Slot => quote!(object.slot(#name, #value)?;),
            Role::StateItem(_) => quote!(object.state_item(#name, #value, #list)?;),
            Role::Rest => quote!(object.attributes(&self.#member)?;),
            Role::Skip => TokenStream::new(),
        }
    });
    let state = on.getstate.as_ref().map(|path| quote!(object.state(&#path(self)?)?;));
    Ok(quote! {
        let mut object = to.object(#name, ::oiji::graph::Made::#made, #args)?;
        #version
        #(#fields)*
        #state
        object.end()
    })
}
