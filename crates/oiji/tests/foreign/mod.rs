//! Types of other crates, crossed with Python as those of oiji are, and what they cannot hold.

use crate::Crossings;

pub(crate) fn add(all: &mut Crossings) {
    #[cfg(feature = "bigdecimal")]
    bigdecimals(all);
    #[cfg(feature = "chrono")]
    chronos(all);
    #[cfg(feature = "indexmap")]
    indexmaps(all);
    #[cfg(feature = "jiff")]
    jiffs(all);
    #[cfg(feature = "num-complex")]
    all.both("complex(1.5, -2)", num_complex::Complex::<f32>::new(1.5, -2.0));
    #[cfg(feature = "num-complex")]
    all.both("complex(1.5, -2)", num_complex::Complex::<f64>::new(1.5, -2.0));
    #[cfg(feature = "num-rational")]
    ratios(all);
    #[cfg(feature = "rust_decimal")]
    rust_decimals(all);
    #[cfg(feature = "uuid")]
    all.both("uuid.UUID(int=7)", uuid::Uuid::from_u128(7));
    // Without any feature there is nothing to add.
    let _ = all;
}

#[cfg(feature = "bigdecimal")]
fn bigdecimals(all: &mut Crossings) {
    use bigdecimal::BigDecimal;
    all.both("decimal.Decimal('1.50')", "1.50".parse::<BigDecimal>().unwrap());
    all.both("decimal.Decimal('-1.5E+10')", "-1.5E+10".parse::<BigDecimal>().unwrap());
    all.both("decimal.Decimal('0E-8')", "0E-8".parse::<BigDecimal>().unwrap());
    all.both("decimal.Decimal('1E-999999')", "1E-999999".parse::<BigDecimal>().unwrap());
    all.both("decimal.Decimal(10**40)", format!("1{}", "0".repeat(40)).parse::<BigDecimal>().unwrap());
}

#[cfg(feature = "rust_decimal")]
fn rust_decimals(all: &mut Crossings) {
    use rust_decimal::Decimal;
    all.both("decimal.Decimal('1.50')", Decimal::new(150, 2));
    all.both("decimal.Decimal('-79228162514264337593543950335')", Decimal::MIN);
    all.both("decimal.Decimal('-0.0000000000000000000000000001')", -Decimal::new(1, 28));
    all.read("decimal.Decimal('-1.5E+3')", Decimal::new(-1500, 0));
    all.read("decimal.Decimal('0E+50')", Decimal::ZERO);
}

#[cfg(feature = "num-rational")]
fn ratios(all: &mut Crossings) {
    use num_bigint::BigInt;
    use num_rational::Ratio;
    all.both("fractions.Fraction(-3, 4)", Ratio::new(-3_i64, 4));
    all.both("fractions.Fraction(-3, 4)", Ratio::new(-3_i8, 4));
    all.both("fractions.Fraction(10**30, 7)", Ratio::new(BigInt::from(10).pow(30), BigInt::from(7)));
}

#[cfg(feature = "indexmap")]
fn indexmaps(all: &mut Crossings) {
    use indexmap::{IndexMap, IndexSet};
    let pair = |key: &str, value: i64| (key.to_owned(), value);
    all.both("{u'a': 1}", IndexMap::<String, i64>::from_iter([pair("a", 1)]));
    let ordered = IndexMap::<String, i64>::from_iter([pair("b", 1), pair("a", 2)]);
    all.read("collections.OrderedDict([(u'b', 1), (u'a', 2)])", ordered);
    all.both("set([7])", IndexSet::<u8>::from_iter([7]));
}

#[cfg(feature = "chrono")]
fn chronos(all: &mut Crossings) {
    use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, TimeDelta, Utc};
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let time = NaiveTime::from_hms_micro_opt(1, 2, 3, 456_789).unwrap();
    all.both("datetime.date(2024, 2, 29)", day);
    all.both("datetime.date.max", NaiveDate::from_ymd_opt(9999, 12, 31).unwrap());
    all.both("datetime.time(1, 2, 3, 456789)", time);
    all.both("datetime.datetime(2024, 2, 29, 1, 2, 3, 456789)", day.and_time(time));
    let moment: DateTime<FixedOffset> = "2024-02-29T01:02:03.456789-05:30".parse().unwrap();
    let source = "datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, datetime.timezone(datetime.timedelta(hours=-5.5)))";
    all.both(source, moment);
    all.read(source, moment.to_utc());
    let utc: DateTime<Utc> = "2024-02-29T01:02:03.456789Z".parse().unwrap();
    all.both("datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, datetime.timezone.utc)", utc);
    all.both("datetime.timedelta(-1, 2, 3)", TimeDelta::microseconds(-86_397_999_997));
    let longest = TimeDelta::new(999_999_999 * 86_400 + 86_399, 999_999_000).unwrap();
    all.both("datetime.timedelta.max", longest);
}

#[cfg(feature = "jiff")]
fn jiffs(all: &mut Crossings) {
    use jiff::civil::{Date, DateTime, Time};
    use jiff::{SignedDuration, Timestamp, ZonedDateTime, tz::TimeZone};
    all.both("datetime.date(2024, 2, 29)", Date::constant(2024, 2, 29));
    all.both("datetime.date.max", Date::constant(9999, 12, 31));
    all.both("datetime.time(1, 2, 3, 456789)", Time::constant(1, 2, 3, 456_789_000));
    let datetime: DateTime = "2024-02-29T01:02:03.456789".parse().unwrap();
    all.both("datetime.datetime(2024, 2, 29, 1, 2, 3, 456789)", datetime);
    let utc: Timestamp = "2024-02-29T01:02:03.456789Z".parse().unwrap();
    all.both("datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, datetime.timezone.utc)", utc);
    all.both("datetime.timezone.utc", TimeZone::UTC);
    all.both("zoneinfo.ZoneInfo('Europe/Paris')", TimeZone::get("Europe/Paris").unwrap());

    let zoned = |text: &str| text.parse::<ZonedDateTime>().unwrap();
    let source = "datetime.datetime(2024, 2, 29, 1, 2, 3, 456789, datetime.timezone(datetime.timedelta(hours=-5.5)))";
    all.both(source, zoned("2024-02-29T01:02:03.456789-05:30[-05:30]"));
    all.read(source, zoned("2024-02-29T01:02:03.456789-05:30[-05:30]").timestamp());
    let paris = "datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=zoneinfo.ZoneInfo('Europe/Paris'))";
    all.both(paris, zoned("2024-02-29T01:02:03[Europe/Paris]"));
    // Half past two comes twice on one day of the year, and not at all on another.
    let (first, second) =
        (zoned("2024-10-27T02:30:00+02:00[Europe/Paris]"), zoned("2024-10-27T02:30:00+01:00[Europe/Paris]"));
    all.both("datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo('Europe/Paris'))", first.clone());
    let twice = "datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zoneinfo.ZoneInfo('Europe/Paris'), fold=1)";
    all.losing(twice, second, 4, first);
    let never = "datetime.datetime(2024, 3, 31, 2, 30, tzinfo=zoneinfo.ZoneInfo('Europe/Paris'))";
    all.read(never, zoned("2024-03-31T03:30:00+02:00[Europe/Paris]"));
    let span = SignedDuration::from_micros(-86_397_999_997);
    all.both("datetime.timedelta(-1, 2, 3)", span);
}

/// The message with which what is written is refused as a `T`.
#[cfg(any(
    feature = "bigdecimal",
    feature = "chrono",
    feature = "jiff",
    feature = "rust_decimal",
    feature = "num-rational"
))]
fn refused<T: oiji::Unpickle + std::fmt::Debug>(value: &impl oiji::Pickle) -> String {
    let error = T::loads(&value.dumps().unwrap()).unwrap_err().to_string();
    error.split(" at offset").next().unwrap().to_owned()
}

#[cfg(feature = "chrono")]
#[test]
fn chrono_says_what_it_cannot_hold() {
    use crate::datetime;
    use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Utc};
    use oiji::Pickle;
    use oiji::class::stdlib::TimeZone;
    let named = datetime().with_zone(TimeZone::named("Europe/Paris"));
    let wrong = "expected a datetime with an offset of whole seconds, found one in Europe/Paris";
    assert_eq!(refused::<DateTime<Utc>>(&named), wrong);
    assert_eq!(
        refused::<DateTime<FixedOffset>>(&datetime()),
        "expected a datetime with a time zone, found one without"
    );
    let wrong = "expected a time without a time zone, found one in UTC";
    assert_eq!(refused::<NaiveDateTime>(&datetime().with_zone(TimeZone::UTC)), wrong);
    assert!(NaiveDate::MAX.dumps().unwrap_err().to_string().contains("expected a year from 1 to 9999, found 262142"));
    assert!(DateTime::<Utc>::MIN_UTC.fixed_offset().dumps().is_err());
    let leap = NaiveTime::from_hms_micro_opt(23, 59, 59, 1_500_000).unwrap();
    assert!(leap.dumps().unwrap_err().to_string().contains("expected a microsecond from 0 to 999999, found 1500000"));
    let fine = NaiveTime::from_hms_nano_opt(1, 2, 3, 4_999).unwrap();
    assert_eq!(NaiveTime::from_hms_micro_opt(1, 2, 3, 4), oiji::Unpickle::loads(&fine.dumps().unwrap()).ok());
}

#[cfg(feature = "jiff")]
#[test]
fn jiff_says_what_it_cannot_hold() {
    use crate::datetime;
    use jiff::{Timestamp, ZonedDateTime, civil};
    use oiji::class::{Pickler, stdlib::TimeZone};
    use oiji::{ErrorKind, Pickle};
    let nowhere = datetime().with_zone(TimeZone::named("Nowhere/Atall"));
    assert!(refused::<ZonedDateTime>(&nowhere).contains("Nowhere/Atall"));
    assert_eq!(refused::<Timestamp>(&datetime()), "expected a datetime with a time zone, found one without");
    let wrong = "expected a time without a time zone, found one in UTC";
    assert_eq!(refused::<civil::DateTime>(&datetime().with_zone(TimeZone::UTC)), wrong);
    let pytz = oiji::loads(b"cpytz\n_p\n(VEurope/Paris\ntR.").unwrap().into_owned();
    let other = datetime().with_zone(TimeZone::Other(Box::new(pytz)));
    let wrong = "expected a time zone with a key or an offset of whole seconds, found pytz._p('Europe/Paris')";
    assert_eq!(refused::<ZonedDateTime>(&other), wrong);
    assert!(Timestamp::MIN.dumps().unwrap_err().to_string().contains("expected a year from 1 to 9999"));
    let second: ZonedDateTime = "2024-10-27T02:30:00+01:00[Europe/Paris]".parse().unwrap();
    let error = Pickler::new().protocol(3).dumps(&second).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Inexpressible { protocol: 3, .. }), "{error}");
}

#[cfg(any(feature = "rust_decimal", feature = "bigdecimal", feature = "num-rational"))]
#[test]
fn numbers_of_other_crates_say_what_they_cannot_hold() {
    let decimal = |text: &str| text.parse::<oiji::class::stdlib::Decimal>().unwrap();
    #[cfg(feature = "rust_decimal")]
    {
        use rust_decimal::Decimal;
        assert_eq!(refused::<Decimal>(&decimal("NaN")), "expected a finite decimal number, found NaN");
        for long in ["1E+29", "1E-29", "1E+999999999999", "1E-999999999999", "79228162514264337593543950336"] {
            let wrong = format!("expected a decimal number that fits 96 bits, found {long}");
            assert_eq!(refused::<Decimal>(&decimal(long)), wrong);
        }
        let wrong = refused::<Decimal>(&decimal("1E-9223372036854775809"));
        assert_eq!(wrong, "expected a finite decimal number, found 1E-9223372036854775809");
    }
    #[cfg(feature = "bigdecimal")]
    {
        use bigdecimal::BigDecimal;
        assert_eq!(refused::<BigDecimal>(&decimal("-Infinity")), "expected a finite decimal number, found -Infinity");
        let long = refused::<BigDecimal>(&decimal(&"1".repeat(1 << 20)));
        assert_eq!(long, "expected a decimal number of at most 100000 digits");
    }
    #[cfg(feature = "num-rational")]
    {
        let fraction = oiji::class::stdlib::Fraction::new(1000, 7).unwrap();
        let wrong = refused::<num_rational::Ratio<i8>>(&fraction);
        assert_eq!(wrong, "expected a fraction of ints that fit i8");
    }
    let _ = decimal;
}

#[cfg(all(feature = "indexmap", feature = "derive"))]
#[test]
fn a_subclass_of_dict_may_hold_its_items_in_an_index_map() {
    use indexmap::IndexMap;
    use oiji::{Pickle, Unpickle};
    #[derive(Pickle, Unpickle, Debug, PartialEq)]
    #[pickle(class = "settings.Settings")]
    struct Settings {
        #[pickle(dict_items)]
        items: IndexMap<String, i64>,
    }
    let items = IndexMap::from_iter([("b".to_owned(), 1), ("a".to_owned(), 2)]);
    let settings = Settings { items };
    let bytes = settings.dumps().unwrap();
    assert_eq!(oiji::loads(&bytes).unwrap().to_string(), "settings.Settings(; pairs={'b': 1, 'a': 2})");
    assert_eq!(Settings::loads(&bytes).unwrap().items.get_index(0), Some((&"b".to_owned(), &1)));
}
