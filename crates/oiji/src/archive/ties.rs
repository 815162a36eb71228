//! The member `ties` of archives that Python's `oiji.archive` wrote: JSON that says which arrays are views of one memory.
//!
//! Each view is a member of its own all the same, so nothing here reads ties; but who replaces an array is to untie it.

use json_event_parser::{JsonEvent, LowLevelJsonParser, WriterJsonSerializer};

use crate::archive::zip::invalid;
use crate::error::Result;

/// The member's name.
pub(crate) const TIES: &str = "ties";

/// The ties without those in which one of some names has a part, as a view or as its base; nothing if that is all of them.
///
/// # Errors
/// `InvalidArchive` for what is no such JSON.
pub(crate) fn untied(ties: &[u8], is_one: impl Fn(&str) -> bool) -> Result<Option<Vec<u8>>> {
    let mut kept = WriterJsonSerializer::new(Vec::new());
    let mut count = 0;
    // The events of one tie, until it is known whether it stays.
    let mut tie: Vec<JsonEvent<'static>> = Vec::new();
    let (mut depth, mut drop, mut is_base) = (0_usize, false, false);
    let mut parser = LowLevelJsonParser::new();
    let mut offset = 0;
    loop {
        let parsed = parser.parse_next(&ties[offset..], true);
        offset += parsed.consumed_bytes;
        let event = match parsed.event {
            None => continue,
            Some(event) => owned(event.map_err(|error| invalid(format!("member {TIES}: {}", error.message())))?),
        };
        match &event {
            JsonEvent::Eof => break,
            JsonEvent::StartObject | JsonEvent::StartArray => depth += 1,
            JsonEvent::EndObject | JsonEvent::EndArray => depth = depth.saturating_sub(1),
            JsonEvent::ObjectKey(key) if depth == 1 => drop = is_one(key),
            JsonEvent::ObjectKey(key) => is_base = depth == 2 && key == "base",
            JsonEvent::String(base) if is_base => drop |= is_one(base),
            _ => {}
        }
        let is_whole = depth == 1 && !matches!(event, JsonEvent::ObjectKey(_));
        let is_outer = depth == 0 || matches!(event, JsonEvent::StartObject) && depth == 1;
        is_base &= matches!(event, JsonEvent::ObjectKey(_));
        if is_outer {
            kept.serialize_event(event)?;
            continue;
        }
        tie.push(event);
        if is_whole {
            count += usize::from(!drop);
            for event in tie.drain(..).filter(|_| !drop) {
                kept.serialize_event(event)?;
            }
        }
    }
    let kept = kept.finish()?;
    Ok((count > 0).then_some(kept))
}

fn owned(event: JsonEvent<'_>) -> JsonEvent<'static> {
    match event {
        JsonEvent::String(text) => JsonEvent::String(text.into_owned().into()),
        JsonEvent::Number(text) => JsonEvent::Number(text.into_owned().into()),
        JsonEvent::ObjectKey(text) => JsonEvent::ObjectKey(text.into_owned().into()),
        JsonEvent::Boolean(value) => JsonEvent::Boolean(value),
        JsonEvent::Null => JsonEvent::Null,
        JsonEvent::StartArray => JsonEvent::StartArray,
        JsonEvent::EndArray => JsonEvent::EndArray,
        JsonEvent::StartObject => JsonEvent::StartObject,
        JsonEvent::EndObject => JsonEvent::EndObject,
        JsonEvent::Eof => JsonEvent::Eof,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ties_of_a_name_go_and_the_others_stay() {
        let ties =
            br#"{"a": {"base": "x", "shape": [2, [3]]}, "b": {"base": "y", "dtype": "base"}, "x": {"base": "z"}}"#;
        let without =
            |name: &str| untied(ties, |other| other == name).unwrap().map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(without("x").unwrap(), r#"{"b":{"base":"y","dtype":"base"}}"#);
        assert_eq!(without("b").unwrap(), r#"{"a":{"base":"x","shape":[2,[3]]},"x":{"base":"z"}}"#);
        assert_eq!(untied(ties, |_| true).unwrap(), None);
        assert!(untied(b"{\"a\": ", |_| true).is_err());
    }
}
