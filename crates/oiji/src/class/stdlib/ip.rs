//! `ipaddress.IPv4Address` and `ipaddress.IPv6Address` as the addresses of `std::net`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use num_bigint::BigInt;

use crate::class::pickle::{Pickle, Pickling};
use crate::class::read::wrong_class;
use crate::class::stdlib::call::{Callable, shortened};
use crate::class::unpickle::{Unpickle, Unpickling};
use crate::error::{Error, Result};
use crate::graph::{Id, Node, Value};

const V4: Callable = Callable { shown: "ipaddress.IPv4Address", modules: &["ipaddress"], name: "IPv4Address" };
const V6: Callable = Callable { shown: "ipaddress.IPv6Address", modules: &["ipaddress"], name: "IPv6Address" };

/// An `ipaddress.IPv4Address`.
impl Pickle for Ipv4Addr {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.call("ipaddress", "IPv4Address", &(self.to_bits(),))
    }
}

impl Unpickle for Ipv4Addr {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        address(value, V4, Ipv4Addr::from_bits)
    }

    fn matches(value: Value<'_>) -> bool {
        V4.made(value)
    }
}

/// An `ipaddress.IPv6Address`.
impl Pickle for Ipv6Addr {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        to.call("ipaddress", "IPv6Address", &(self.to_bits(),))
    }
}

/// An `ipaddress.IPv6Address` without a scope.
impl Unpickle for Ipv6Addr {
    fn unpickle(value: Value<'_>, _from: &mut Unpickling<'_>) -> Result<Self> {
        address(value, V6, Ipv6Addr::from_bits)
    }

    fn matches(value: Value<'_>) -> bool {
        V6.made(value)
    }
}

/// An `ipaddress.IPv4Address` or `ipaddress.IPv6Address`.
impl Pickle for IpAddr {
    fn pickle(&self, to: &mut Pickling<'_>) -> Result<Id> {
        match self {
            IpAddr::V4(address) => address.pickle(to),
            IpAddr::V6(address) => address.pickle(to),
        }
    }
}

impl Unpickle for IpAddr {
    fn unpickle(value: Value<'_>, from: &mut Unpickling<'_>) -> Result<Self> {
        match value {
            _ if V4.made(value) => Ipv4Addr::unpickle(value, from).map(IpAddr::V4),
            _ if V6.made(value) => Ipv6Addr::unpickle(value, from).map(IpAddr::V6),
            _ => Err(wrong_class(value, "ipaddress.IPv4Address or ipaddress.IPv6Address")),
        }
    }

    fn matches(value: Value<'_>) -> bool {
        V4.made(value) || V6.made(value)
    }
}

/// From an int, or from text, which 3.9 and later have for version 6.
fn address<A, N>(value: Value<'_>, class: Callable, from_bits: fn(N) -> A) -> Result<A>
where
    A: FromStr,
    N: TryFrom<BigInt>,
{
    let args = class.args(value)?;
    let Some(arg) = args.get(0).filter(|_| args.len() == 1) else { return Err(class.wrong_args(value)) };
    match arg.node() {
        Node::Int(_) | Node::BigInt(_) => match N::try_from(arg.as_big_int()?) {
            Ok(bits) => Ok(from_bits(bits)),
            Err(_) => Err(Error::message(format!("expected an int that fits an {}", class.shown))),
        },
        Node::Str(_) | Node::Py2Str(_) => {
            let text = arg.as_str()?;
            text.parse().map_err(|_| {
                let scope = if text.contains('%') { " without a scope" } else { "" };
                Error::message(format!("expected an {}{scope}, found {:?}", class.shown, shortened(text)))
            })
        }
        _ => Err(class.wrong_args(value)),
    }
}
