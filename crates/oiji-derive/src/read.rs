//! `impl Unpickle`, and `impl OfClass` where there is a class.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Result};

use crate::attributes::{OnType, StateKind};
use crate::enums;
use crate::model::{Field, Kind, Role, Struct, bounded};

/// The bodies of the trait's functions.
pub(crate) struct Bodies {
    pub(crate) unpickle: TokenStream,
    pub(crate) matches: TokenStream,
    pub(crate) link: TokenStream,
    pub(crate) link_shared: TokenStream,
}

pub(crate) fn implement(input: &DeriveInput) -> Result<TokenStream> {
    let on = OnType::parse(&input.attrs)?;
    let class = class(&on)?;
    let bodies = match &input.data {
        Data::Struct(data) => structure(&Struct::new(on, &data.fields)?),
        Data::Enum(data) => enums::read(&on, &input.ident, data)?,
        Data::Union(data) => return Err(Error::new(data.union_token.span, "a union cannot be read from a pickle")),
    };
    let name = &input.ident;
    let generics = bounded(&input.generics, &quote!(::oiji::class::Unpickle));
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, type_generics, _) = input.generics.split_for_impl();
    let of_class = class.map(|class| {
        quote! {
            #[automatically_derived]
            impl #impl_generics ::oiji::class::OfClass for #name #type_generics #where_clause {
                const CLASS: ::oiji::class::Class = #class;
            }
        }
    });
    let Bodies { unpickle, matches, link, link_shared } = bodies;
    Ok(quote! {
        #of_class

        #[automatically_derived]
        #[allow(unused_variables, non_snake_case)]
        impl #impl_generics ::oiji::class::Unpickle for #name #type_generics #where_clause {
            fn unpickle(
                value: ::oiji::Value<'_>,
                from: &mut ::oiji::class::Unpickling<'_>,
            ) -> ::oiji::Result<Self> {
                #unpickle
            }

            fn matches(value: ::oiji::Value<'_>) -> bool {
                #matches
            }

            fn link(
                &mut self,
                value: ::oiji::Value<'_>,
                from: &mut ::oiji::class::Unpickling<'_>,
            ) -> ::oiji::Result<()> {
                #link
            }

            fn link_shared(
                &self,
                value: ::oiji::Value<'_>,
                from: &mut ::oiji::class::Unpickling<'_>,
            ) -> ::oiji::Result<()> {
                #link_shared
            }
        }
    })
}

/// The class, if there is one.
fn class(on: &OnType) -> Result<Option<TokenStream>> {
    let Some(class) = &on.class else { return Ok(None) };
    let name = class.tokens();
    let callable = match &on.call {
        Some((Some(function), _)) => {
            let function = function.tokens();
            quote!(.called(#function))
        }
        _ => TokenStream::new(),
    };
    let formerly = on.formerly.iter().map(crate::attributes::Name::tokens);
    let version = match &on.version {
        Some(version) => {
            let current = version.base10_parse::<i64>()?;
            let attribute = on.version_attribute.as_ref().map_or_else(|| "_version".to_owned(), syn::LitStr::value);
            quote!(.version(::oiji::class::Version { current: #current, attribute: #attribute }))
        }
        None => TokenStream::new(),
    };
    Ok(Some(quote! {
        ::oiji::class::Class::new(#name)#callable.formerly(&[#(#formerly),*])#version
    }))
}

fn structure(model: &Struct) -> Bodies {
    match model.kind {
        Kind::Class | Kind::Dict => attributes(model),
        Kind::Transparent => transparent(model),
        Kind::Tuple => tuple(model),
        Kind::None => Bodies {
            unpickle: quote! {
                let () = ::oiji::class::Unpickle::unpickle(value, from)?;
                ::oiji::Result::Ok(Self)
            },
            matches: quote!(value.is_none()),
            link: quote!(::oiji::Result::Ok(())),
            link_shared: quote!(::oiji::Result::Ok(())),
        },
    }
}

/// An instance or dict, of which fields are read one by one.
fn attributes(model: &Struct) -> Bodies {
    let on = &model.on;
    let steps = on.migrate.iter().map(|(version, path)| quote!((#version, #path as ::oiji::class::Migration)));
    let steps = quote!(&[#(#steps),*]);
    let namedtuple = on.namedtuple.map(|_| quote!(.namedtuple()));
    let open = match (model.kind, &on.version) {
        (Kind::Class, None) => {
            quote!(let object = from.object(value, &<Self as ::oiji::class::OfClass>::CLASS)?#namedtuple;)
        }
        (Kind::Class, Some(_)) => quote! {
            let object = from.object(value, &<Self as ::oiji::class::OfClass>::CLASS)?.migrate(from, #steps)?;
        },
        (_, None) => quote!(let object = from.record(value, ::core::option::Option::None)?;),
        (_, Some(version)) => {
            let attribute = on.version_attribute.as_ref().map_or_else(|| "_version".to_owned(), syn::LitStr::value);
            quote! {
                let version = ::oiji::class::Version { current: #version, attribute: #attribute };
                let object =
                    from.record(value, ::core::option::Option::Some(version))?.migrate(from, #steps)?;
            }
        }
    };
    let known = model.known();
    let matches = match model.kind {
        Kind::Class => quote!(::oiji::class::is_instance(value, &<Self as ::oiji::class::OfClass>::CLASS)),
        _ => {
            let needed = model.fields.iter().filter(|field| field.role == Role::Attribute);
            let needed = needed.filter(|field| field.default.is_none()).map(|field| {
                let (names, ty) = (field.names(), &field.ty);
                if field.with.is_some() {
                    quote!(::oiji::class::has_field(value, &[#(#names),*]))
                } else {
                    quote! {
                        (::oiji::class::has_field(value, &[#(#names),*])
                            || <#ty as ::oiji::class::Unpickle>::absent().is_some())
                    }
                }
            });
            quote!(::oiji::class::is_record(value) #(&& #needed)*)
        }
    };
    if let Some(path) = &on.setstate {
        return Bodies {
            unpickle: quote! {
                #open
                #path(object.state(from)?)
            },
            matches,
            // What a hook was given is gone: there is nothing to fill.
            link: quote!(::oiji::Result::Ok(())),
            link_shared: quote!(::oiji::Result::Ok(())),
        };
    }
    let reads = model.fields.iter().map(|field| {
        let (local, read) = (field.local(), read(field, &known));
        quote!(let #local = #read;)
    });
    let values = model.fields.iter().map(|field| {
        let (member, local) = (&field.member, field.local());
        quote!(#member: #local)
    });
    let deny = on.deny_unknown_fields.then(|| quote!(object.deny_unknown(&[#(#known),*])?;));
    let len = match on.state {
        Some((StateKind::Tuple | StateKind::List, _)) if !model.hooked() => {
            let count = model.count(|role| matches!(role, Role::StateItem(_)));
            Some(quote!(object.state_len(#count)?;))
        }
        _ => None,
    };
    let loaded = on.loaded.as_ref().map(|path| quote!(#path(&mut loaded)?;));
    let links = |shared: bool| {
        let links: Vec<TokenStream> = model.kept().filter_map(|field| link(field, shared)).collect();
        if links.is_empty() {
            return quote!(::oiji::Result::Ok(()));
        }
        quote! {
            #open
            #(#links)*
            ::oiji::Result::Ok(())
        }
    };
    Bodies {
        unpickle: quote! {
            #open
            #deny
            #len
            #(#reads)*
            #[allow(unused_mut)]
            let mut loaded = Self { #(#values),* };
            #loaded
            ::oiji::Result::Ok(loaded)
        },
        matches,
        link: links(false),
        link_shared: links(true),
    }
}

/// The value of a field in the pickle: an expression of `Option<Value>`.
fn found(field: &Field) -> Option<TokenStream> {
    let names = field.names();
    Some(match field.role {
        Role::Attribute | Role::Slot | Role::Kwarg => quote!(object.attribute_value(&[#(#names),*])),
        Role::Arg(index) => quote!(object.arg_value(#index)),
        Role::StateItem(index) => quote!(object.state_value(#index)?),
        Role::Items | Role::DictItems | Role::Rest | Role::Skip => return None,
    })
}

/// Reads a field.
fn read(field: &Field, known: &[&str]) -> TokenStream {
    let (name, ty) = (&field.name, &field.ty);
    match field.role {
        Role::Items => return quote!(<#ty as ::oiji::class::ListItems>::read(&object, from)?),
        Role::DictItems => return quote!(<#ty as ::oiji::class::DictItems>::read(&object, from)?),
        Role::Rest => return quote!(object.rest(&[#(#known),*])?),
        _ => {}
    }
    let default = field.default_value();
    let Some(found) = found(field) else { return default.unwrap_or_default() };
    let step = format!(".{name}");
    // So that the compiler points at the field whose type cannot be read.
    let read = match &field.with {
        Some(path) => quote!(from.field_with(value, #step, #path::unpickle)?),
        None => quote_spanned!(ty.span()=> from.field::<#ty>(value, #step)?),
    };
    let absent = match (default, &field.with) {
        (Some(default), _) => default,
        (None, Some(_)) => quote!(return ::oiji::Result::Err(object.missing(#name))),
        (None, None) => return quote_spanned!(ty.span()=> object.field::<#ty>(from, #found, #name)?),
    };
    quote! {
        match #found {
            ::core::option::Option::Some(value) => #read,
            ::core::option::Option::None => #absent,
        }
    }
}

/// Fills a field later, if it can have gaps.
fn link(field: &Field, shared: bool) -> Option<TokenStream> {
    let member = &field.member;
    if field.with.is_some() {
        return None;
    }
    let (function, place) =
        if shared { (quote!(link_shared), quote!(&self.#member)) } else { (quote!(link), quote!(&mut self.#member)) };
    Some(match field.role {
        Role::Items => quote!(::oiji::class::ListItems::#function(#place, &object, from)?;),
        Role::DictItems => quote!(::oiji::class::DictItems::#function(#place, &object, from)?;),
        _ => {
            let found = found(field)?;
            quote! {
                if let ::core::option::Option::Some(value) = #found {
                    ::oiji::class::Unpickle::#function(#place, value, from)?;
                }
            }
        }
    })
}

/// A struct of one field, which stands for it.
fn transparent(model: &Struct) -> Bodies {
    let Some(field) = model.fields.first() else { return structure_of_nothing() };
    let (member, ty) = (&field.member, &field.ty);
    let read = match &field.with {
        Some(path) => quote!(#path::unpickle(value, from)?),
        None => quote!(<#ty as ::oiji::class::Unpickle>::unpickle(value, from)?),
    };
    let (link, link_shared) = match &field.with {
        Some(_) => (quote!(::oiji::Result::Ok(())), quote!(::oiji::Result::Ok(()))),
        None => (
            quote!(::oiji::class::Unpickle::link(&mut self.#member, value, from)),
            quote!(::oiji::class::Unpickle::link_shared(&self.#member, value, from)),
        ),
    };
    let matches = match &field.with {
        Some(_) => quote!(true),
        None => quote!(<#ty as ::oiji::class::Unpickle>::matches(value)),
    };
    Bodies { unpickle: quote!(::oiji::Result::Ok(Self { #member: #read })), matches, link, link_shared }
}

fn structure_of_nothing() -> Bodies {
    let nothing = quote!(::oiji::Result::Ok(()));
    Bodies {
        unpickle: quote!(::oiji::Result::Err(::oiji::Error::message("a struct of nothing"))),
        matches: quote!(false),
        link: nothing.clone(),
        link_shared: nothing,
    }
}

/// A tuple struct, read as the tuple of its fields.
fn tuple(model: &Struct) -> Bodies {
    let kept: Vec<&Field> = model.kept().collect();
    let types = kept.iter().map(|field| &field.ty);
    let locals: Vec<_> = kept.iter().map(|field| field.local()).collect();
    let values = model.fields.iter().map(|field| {
        let (member, local) = (&field.member, field.local());
        match field.default_value() {
            Some(default) if field.role == Role::Skip => quote!(#member: #default),
            _ => quote!(#member: #local),
        }
    });
    let count = kept.len();
    let links = |shared: bool| {
        let links = kept.iter().enumerate().map(|(index, field)| {
            let member = &field.member;
            let call = if shared {
                quote!(::oiji::class::Unpickle::link_shared(&self.#member, value, from)?)
            } else {
                quote!(::oiji::class::Unpickle::link(&mut self.#member, value, from)?)
            };
            quote! {
                if let ::oiji::Result::Ok(value) = value.at(#index) {
                    #call;
                }
            }
        });
        quote! {
            #(#links)*
            ::oiji::Result::Ok(())
        }
    };
    let (link, link_shared) = (links(false), links(true));
    Bodies {
        unpickle: quote! {
            let (#(#locals,)*): (#(#types,)*) = ::oiji::class::Unpickle::unpickle(value, from)?;
            ::oiji::Result::Ok(Self { #(#values),* })
        },
        matches: quote!(::oiji::class::is_tuple(value, #count)),
        link,
        link_shared,
    }
}
