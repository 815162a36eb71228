//! Dates and times as Python's `datetime` packs them into bytes.

/// What `datetime.date` packs into four bytes.
pub(crate) fn packed_date(raw: &[u8]) -> Option<String> {
    let [year_high, year_low, month, day] = *raw else { return None };
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day);
    valid.then(|| format!("{:04}-{month:02}-{day:02}", u16::from_be_bytes([year_high, year_low])))
}

/// What `datetime.time` packs into six bytes. The upper bit of the first is the `fold`.
pub(crate) fn packed_time(raw: &[u8]) -> Option<String> {
    let [hour, minute, second, high, middle, low] = *raw else { return None };
    let hour = hour & 0x7f;
    let micros = u32::from_be_bytes([0, high, middle, low]);
    if hour > 23 || minute > 59 || second > 59 || micros > 999_999 {
        return None;
    }
    let mut out = format!("{hour:02}:{minute:02}:{second:02}");
    if micros > 0 {
        out.push_str(format!(".{micros:06}").trim_end_matches('0'));
    }
    Some(out)
}

/// What `datetime.datetime` packs into ten bytes. The upper bit of the month is the `fold`.
pub(crate) fn packed_datetime(raw: &[u8]) -> Option<String> {
    let (day, time) = raw.split_at_checked(4)?;
    let day = packed_date(&[day[0], day[1], day[2] & 0x7f, day[3]])?;
    Some(format!("{day} {}", packed_time(time)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_times_are_unpacked() {
        assert_eq!(packed_date(b"\x07\xe4\x02\x1d").unwrap(), "2020-02-29");
        assert_eq!(packed_datetime(b"\x07\xe4\x02\x1d\x0c\x1e\x00\x00\x00\x00").unwrap(), "2020-02-29 12:30:00");
        assert_eq!(packed_time(b"\x8c\x1e\x01\x0f\x42\x3f").unwrap(), "12:30:01.999999");
        assert_eq!(packed_time(b"\x18\x00\x00\x00\x00\x00"), None);
    }
}
