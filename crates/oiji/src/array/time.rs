//! Dates and times of counts since 1970.

/// A date and time as ISO 8601 writes it, from a count of `unit` since 1970.
pub(crate) fn since_1970(count: i64, unit: &str) -> Option<String> {
    let (per_day, digits): (i128, usize) = match unit {
        "D" => return date(i128::from(count)),
        "W" => return date(i128::from(count) * 7),
        "M" => return month(count),
        "Y" => return Some((1970 + i128::from(count)).to_string()),
        "h" => (24, 0),
        "m" => (24 * 60, 0),
        "s" => (86_400, 0),
        "ms" => (86_400_000, 3),
        "us" => (86_400_000_000, 6),
        "ns" => (86_400_000_000_000, 9),
        _ => return None,
    };
    let count = i128::from(count);
    let (day, within) = (count.div_euclid(per_day), count.rem_euclid(per_day));
    let nanos = within * (86_400_000_000_000 / per_day);
    let (seconds, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let mut out = format!("{}T{:02}:{:02}:{:02}", date(day)?, seconds / 3600, seconds / 60 % 60, seconds % 60);
    if digits > 0 && nanos > 0 {
        let fraction = format!("{nanos:09}");
        out.push('.');
        out.push_str(fraction[..digits].trim_end_matches('0'));
    }
    Some(out)
}

fn month(count: i64) -> Option<String> {
    Some(format!("{}-{:02}", 1970 + count.div_euclid(12), count.rem_euclid(12) + 1))
}

/// The day with this number, 1970-01-01 being 0.
fn date(day: i128) -> Option<String> {
    // Eras of 400 years, each year taken to begin in March so that the leap day comes last.
    let day = day + 719_468;
    let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i128::from(month <= 2);
    Some(format!("{year:04}-{month:02}-{:02}", day_of_year - (153 * shifted + 2) / 5 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_since_1970_are_dates() {
        assert_eq!(since_1970(0, "D").unwrap(), "1970-01-01");
        assert_eq!(since_1970(-1, "D").unwrap(), "1969-12-31");
        assert_eq!(since_1970(19_782, "D").unwrap(), "2024-02-29");
        assert_eq!(since_1970(-719_468, "D").unwrap(), "0000-03-01");
        assert_eq!(since_1970(1_577_836_800_500_000_000, "ns").unwrap(), "2020-01-01T00:00:00.5");
        assert_eq!(since_1970(-1, "s").unwrap(), "1969-12-31T23:59:59");
        assert_eq!(since_1970(25, "M").unwrap(), "1972-02");
        assert!(since_1970(i64::MAX, "W").is_some());
    }
}
