//! What a scan found, as SARIF 2.1.0: the form in which code hosts and editors take findings.

use oiji::inspect::scan::{Finding, Report, Rule, Verdict};
use serde_json::{Value as Json, json};

/// The results of one run of the command.
#[derive(Debug, Default)]
pub(crate) struct Sarif {
    results: Vec<Json>,
    artifacts: Vec<Json>,
    /// What could not be read, and why.
    failures: Vec<Json>,
}

impl Sarif {
    /// Adds what was found in a file.
    pub(crate) fn add(&mut self, name: &str, report: &Report) {
        let index = self.artifacts.len();
        let location = json!({ "uri": uri(name), "index": index });
        self.artifacts.push(json!({
            "location": { "uri": uri(name) },
            "properties": { "verdict": report.verdict().name(), "pickles": report.pickles },
        }));
        self.results.extend(report.findings.iter().map(|finding| result(finding, &location)));
    }

    /// Adds that a file could not be read.
    pub(crate) fn fail(&mut self, problem: &str) {
        self.failures.push(json!({ "level": "error", "message": { "text": problem } }));
    }

    /// All of it.
    pub(crate) fn into_json(self) -> Json {
        let rules: Vec<Json> = Rule::ALL
            .iter()
            .map(|rule| {
                json!({
                    "id": rule.name(), "name": rule.name(),
                    "shortDescription": { "text": rule.about() }, "fullDescription": { "text": rule.about() },
                })
            })
            .collect();
        let driver = json!({
            "name": "oiji", "version": env!("CARGO_PKG_VERSION"), "semanticVersion": env!("CARGO_PKG_VERSION"),
            "informationUri": env!("CARGO_PKG_REPOSITORY"), "rules": rules,
        });
        let invocation = json!({
            "executionSuccessful": self.failures.is_empty(), "toolExecutionNotifications": self.failures,
        });
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
            "runs": [{
                "tool": { "driver": driver }, "invocations": [invocation], "artifacts": self.artifacts,
                "results": self.results, "columnKind": "unicodeCodePoints",
            }],
        })
    }
}

fn result(finding: &Finding, location: &Json) -> Json {
    let level = match finding.verdict {
        Verdict::Dangerous => "error",
        Verdict::Unknown => "warning",
        Verdict::Clean | Verdict::Incomplete => "note",
    };
    let mut place = json!({ "physicalLocation": { "artifactLocation": location } });
    let offset = i64::try_from(finding.offset).unwrap_or(i64::MAX);
    if finding.place.is_empty() {
        place["physicalLocation"]["region"] = json!({ "byteOffset": offset });
    } else {
        // Offsets count from the start of the member, of which nobody else knows where it stands.
        place["logicalLocations"] = json!([{ "fullyQualifiedName": finding.place, "kind": "member" }]);
    }
    json!({
        "ruleId": finding.rule.name(), "ruleIndex": Rule::ALL.iter().position(|rule| *rule == finding.rule),
        "level": level, "message": { "text": format!("{}: {}", finding.what, finding.why) },
        "locations": [place], "occurrenceCount": finding.count,
        "properties": { "verdict": finding.verdict.name(), "offset": offset },
    })
}

/// A path as a URI: relative where the path is.
fn uri(path: &str) -> String {
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let mut uri = String::with_capacity(path.len());
    if path.starts_with('/') {
        uri.push_str("file://");
    } else if path.split('/').next().is_some_and(|first| first.contains(':')) {
        // What stands before a colon would be a scheme.
        uri.push_str("./");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=:@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_relative_reference_or_names_a_file() {
        for (path, told) in [
            ("models/a.pkl", "models/a.pkl"),
            ("/srv/a b.pkl", "file:///srv/a%20b.pkl"),
            ("a:b.pkl", "./a:b.pkl"),
            ("오이.pkl", "%EC%98%A4%EC%9D%B4.pkl"),
            ("50%#?.pkl", "50%25%23%3F.pkl"),
        ] {
            assert_eq!(uri(path), told);
        }
    }
}
