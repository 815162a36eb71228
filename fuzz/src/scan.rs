//! Scanning any bytes ends, and does not change its mind.

use oiji::inspect::scan::{Verdict, scan as scan_bytes};

/// A scan is the same twice; what is clean has no findings, and what no reader can read is not clean.
pub fn scan(input: &[u8]) {
    let report = scan_bytes(input);
    assert_eq!(report.verdict(), scan_bytes(input).verdict());
    assert_eq!(report.verdict() == Verdict::Clean, report.findings.is_empty());
    assert!(report.pickles > 0 || report.verdict() != Verdict::Clean || !input.starts_with(b"\x80"));
}
