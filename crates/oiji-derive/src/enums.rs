//! Enums: members of Python's `enum.Enum`, names as str, and one of several types.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DataEnum, Error, Fields, Ident, Result, Variant};

use crate::attributes::{Name, OnType, OnVariant, Value};
use crate::read::Bodies;

/// A variant, with what stands on it.
struct Known<'v> {
    variant: &'v Variant,
    on: OnVariant,
    name: String,
}

fn variants<'v>(on: &OnType, data: &'v DataEnum) -> Result<Vec<Known<'v>>> {
    let mut known = Vec::new();
    for variant in &data.variants {
        let attributes = OnVariant::parse(&variant.attrs)?;
        match (&variant.fields, &on.class) {
            (Fields::Unit, None) => {}
            (Fields::Unit, Some(_)) if attributes.value.is_some() => {}
            (Fields::Unit, Some(_)) => {
                return Err(Error::new(
                    variant.ident.span(),
                    "a member of an enum with `class` needs its value in Python: `#[pickle(value = 1)]`",
                ));
            }
            (Fields::Unnamed(fields), None) if fields.unnamed.len() == 1 => {}
            (_, None) => {
                return Err(Error::new(
                    variant.ident.span(),
                    "a variant is a name, or has one field: put these fields into a struct of their own",
                ));
            }
            (_, Some(_)) => {
                return Err(Error::new(variant.ident.span(), "a member of an enum with `class` has no fields"));
            }
        }
        match (attributes.other, &variant.fields) {
            (Some(span), Fields::Unit) => {
                return Err(Error::new(span, "the `other` variant needs a field, such as `oiji::Graph<'static>`"));
            }
            _ => {
                let name = attributes.rename.clone().unwrap_or_else(|| variant.ident.to_string());
                known.push(Known { variant, on: attributes, name });
            }
        }
    }
    Ok(known)
}

pub(crate) fn write(on: &OnType, data: &DataEnum) -> Result<TokenStream> {
    let arms = variants(on, data)?;
    let arms = arms.iter().map(|known| {
        let ident = &known.variant.ident;
        match (&known.variant.fields, &on.class, &known.on.value) {
            (Fields::Unit, Some(Name { module, name }), Some(value)) => {
                let value = match value {
                    Value::Int(int) => quote!(&(#int as i64,)),
                    Value::Str(text) => quote!(&(#text,)),
                };
                quote!(Self::#ident => to.call(#module, #name, #value))
            }
            (Fields::Unit, ..) => {
                let name = &known.name;
                quote!(Self::#ident => to.name(#name))
            }
            _ => quote!(Self::#ident(content) => ::oiji::class::Pickle::pickle(content, to)),
        }
    });
    Ok(quote! {
        match self {
            #(#arms),*
        }
    })
}

pub(crate) fn read(on: &OnType, ident: &Ident, data: &DataEnum) -> Result<Bodies> {
    let known = variants(on, data)?;
    let nothing = quote!(::oiji::Result::Ok(()));
    if on.class.is_some() {
        let members = known.iter().map(|known| {
            let (ident, name) = (&known.variant.ident, &known.name);
            let is = match &known.on.value {
                Some(Value::Str(text)) => quote!(member.is_str(#text)),
                Some(Value::Int(int)) => quote!(member.is_int(#int as i64)),
                None => quote!(false),
            };
            quote! {
                if #is || member.is_named(#name) {
                    return ::oiji::Result::Ok(Self::#ident);
                }
            }
        });
        return Ok(Bodies {
            unpickle: quote! {
                let member = ::oiji::class::Member::new(value, &<Self as ::oiji::class::OfClass>::CLASS)?;
                #(#members)*
                ::oiji::Result::Err(member.unknown())
            },
            matches: quote! {
                ::oiji::class::Member::new(value, &<Self as ::oiji::class::OfClass>::CLASS).is_ok()
            },
            link: nothing.clone(),
            link_shared: nothing,
        });
    }
    let mut tries = Vec::new();
    let mut matches = Vec::new();
    let mut last = None;
    for known in &known {
        let variant = &known.variant.ident;
        match &known.variant.fields {
            Fields::Unit => {
                let name = &known.name;
                tries.push(quote! {
                    if ::oiji::class::is_text(value, #name) {
                        return ::oiji::Result::Ok(Self::#variant);
                    }
                });
                matches.push(quote!(::oiji::class::is_text(value, #name)));
            }
            fields => {
                let ty = fields.iter().next().map(|field| &field.ty);
                let read = quote!(<#ty as ::oiji::class::Unpickle>::unpickle(value, from).map(Self::#variant));
                if known.on.other.is_some() {
                    last = Some(read);
                    matches.push(quote!(true));
                } else {
                    tries.push(quote! {
                        if <#ty as ::oiji::class::Unpickle>::matches(value) {
                            return #read;
                        }
                    });
                    matches.push(quote!(<#ty as ::oiji::class::Unpickle>::matches(value)));
                }
            }
        }
    }
    let expected = ident.to_string();
    let last = last.unwrap_or_else(|| quote!(::oiji::Result::Err(::oiji::class::wrong_class(value, #expected))));
    let links = |function: TokenStream| {
        let arms = known.iter().map(|known| {
            let variant = &known.variant.ident;
            match &known.variant.fields {
                Fields::Unit => quote!(Self::#variant => ::oiji::Result::Ok(())),
                _ => quote!(Self::#variant(content) => ::oiji::class::Unpickle::#function(content, value, from)),
            }
        });
        quote! {
            match self {
                #(#arms),*
            }
        }
    };
    Ok(Bodies {
        unpickle: quote! {
            #(#tries)*
            #last
        },
        matches: quote!(#(#matches)||*),
        link: links(quote!(link)),
        link_shared: links(quote!(link_shared)),
    })
}
