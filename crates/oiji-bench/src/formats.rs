//! The formats of the typed table: the same Rust value read and written by oiji and by its peers.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Who reads and writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Oiji,
    SerdePickle,
    SerdeJson,
    RmpSerde,
    Bincode,
    Postcard,
    Ciborium,
}

impl Format {
    /// oiji first, then the peers.
    pub(crate) const ALL: [Format; 7] = [
        Format::Oiji,
        Format::SerdePickle,
        Format::SerdeJson,
        Format::RmpSerde,
        Format::Bincode,
        Format::Postcard,
        Format::Ciborium,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Oiji => "oiji",
            Format::SerdePickle => "serde-pickle",
            Format::SerdeJson => "serde_json",
            Format::RmpSerde => "rmp-serde",
            Format::Bincode => "bincode",
            Format::Postcard => "postcard",
            Format::Ciborium => "ciborium",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether it reads pickles.
    pub(crate) fn is_pickle(self) -> bool {
        matches!(self, Format::Oiji | Format::SerdePickle)
    }

    /// Writes `value`, as each format does unless told otherwise; pickles in protocol 4.
    ///
    /// # Errors
    /// What the format says.
    pub(crate) fn write<T: Serialize>(self, value: &T) -> Result<Vec<u8>, String> {
        match self {
            Format::Oiji => {
                oiji::to_vec_with(value, &oiji::WriteOptions::new().protocol(4)).map_err(|error| error.to_string())
            }
            Format::SerdePickle => {
                serde_pickle::to_vec(value, serde_pickle::SerOptions::new()).map_err(|error| error.to_string())
            }
            Format::SerdeJson => serde_json::to_vec(value).map_err(|error| error.to_string()),
            Format::RmpSerde => rmp_serde::to_vec(value).map_err(|error| error.to_string()),
            Format::Bincode => {
                bincode::serde::encode_to_vec(value, bincode::config::standard()).map_err(|error| error.to_string())
            }
            Format::Postcard => postcard::to_stdvec(value).map_err(|error| error.to_string()),
            Format::Ciborium => {
                let mut out = Vec::new();
                ciborium::into_writer(value, &mut out).map_err(|error| error.to_string())?;
                Ok(out)
            }
        }
    }

    /// Reads what `write` wrote; for the pickles, also what CPython wrote.
    ///
    /// # Errors
    /// What the format says.
    pub(crate) fn read<T: DeserializeOwned>(self, input: &[u8]) -> Result<T, String> {
        match self {
            Format::Oiji => oiji::from_slice(input).map_err(|error| error.to_string()),
            Format::SerdePickle => {
                serde_pickle::from_slice(input, serde_pickle::DeOptions::new()).map_err(|error| error.to_string())
            }
            Format::SerdeJson => serde_json::from_slice(input).map_err(|error| error.to_string()),
            Format::RmpSerde => rmp_serde::from_slice(input).map_err(|error| error.to_string()),
            Format::Bincode => bincode::serde::decode_from_slice(input, bincode::config::standard())
                .map(|(value, _)| value)
                .map_err(|error| error.to_string()),
            Format::Postcard => postcard::from_bytes(input).map_err(|error| error.to_string()),
            Format::Ciborium => ciborium::from_reader(input).map_err(|error| error.to_string()),
        }
    }
}
