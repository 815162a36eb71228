//! The lines of a policy: `allow MODULE: NAME NAME = USE USE` and `danger MODULE, MODULE: NAME NAME = reason`.

use crate::error::{Error, Result};
use crate::policy::{Arguments, Rule, Tables};

/// Puts the rules of `text` over those of `policy`.
///
/// # Errors
/// A message with the number of the line and what is wrong with it.
pub(super) fn read(policy: &mut Tables, text: &str) -> Result<()> {
    for (index, line) in text.lines().enumerate() {
        let rule = line.split('#').next().unwrap_or_default().trim();
        if !rule.is_empty() {
            read_rule(policy, rule).map_err(|problem| {
                Error::message(format!("policy, line {}: {problem}: `{}`", index + 1, line.trim()))
            })?;
        }
    }
    Ok(())
}

const FORM: &str = "a rule is `allow MODULE: NAMES = USES` or `danger MODULES: NAMES = REASON`";

fn read_rule(policy: &mut Tables, rule: &str) -> Result<(), String> {
    let (verb, rest) = rule.split_once(' ').ok_or(FORM)?;
    let (modules, rest) = rest.split_once(':').ok_or(FORM)?;
    let (names, rest) = rest.split_once('=').ok_or(FORM)?;
    let (names, rest) = (names.split_whitespace(), rest.trim());
    for module in modules.split(',').map(str::trim) {
        match verb {
            "allow" => {
                let uses = read_uses(rest)?;
                let allowed = policy.allowed.entry(module.to_owned()).or_default();
                for name in names.clone() {
                    if name.contains('*') || module.contains('*') {
                        return Err("what is allowed is named in full, without `*`".to_owned());
                    }
                    allowed.insert(name.to_owned(), uses);
                }
            }
            "danger" if rest.is_empty() => return Err("say why, after `=`".to_owned()),
            "danger" => match module.strip_suffix(".*") {
                Some(package) => drop(policy.packages.insert(package.to_owned(), rest.to_owned())),
                None => {
                    let reasons = policy.dangers.entry(module.to_owned()).or_default();
                    reasons.extend(names.clone().map(|name| (name.to_owned(), rest.to_owned())));
                }
            },
            _ => return Err(FORM.to_owned()),
        }
    }
    Ok(())
}

fn read_uses(text: &str) -> Result<Rule, String> {
    let mut rule = Rule::default();
    for word in text.split_whitespace() {
        match word {
            "name" => {}
            "call" => rule.call = true,
            "new" => rule.new = true,
            "state" => rule.state = true,
            "items" => rule.items = true,
            "call(latin1)" => (rule.call, rule.arguments) = (true, Arguments::Latin1),
            "call(class)" => (rule.call, rule.arguments) = (true, Arguments::Class),
            "call(attribute)" => (rule.call, rule.arguments) = (true, Arguments::Attribute),
            "call(loaded)" => (rule.call, rule.arguments) = (true, Arguments::Loaded),
            _ => {
                let uses = "name, call, new, state, items, call(latin1), call(class), call(attribute), call(loaded)";
                return Err(format!("{word} is no use; there are {uses}"));
            }
        }
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, Standing};

    #[test]
    fn our_own_rules_can_be_read() {
        let policy = Policy::new().with(include_str!("builtin.rules")).unwrap();
        let policy = policy.with(include_str!("sklearn.rules")).unwrap().with(include_str!("torch.rules")).unwrap();
        assert!(matches!(policy.standing("builtins", "set"), Standing::Allowed(Rule { call: true, .. })));
    }

    #[test]
    fn a_line_that_is_no_rule_is_named() {
        for (text, message) in [
            ("\nallow os", "policy, line 2: a rule is `allow"),
            ("allow os: * = call", "policy, line 1: what is allowed is named in full"),
            ("allow os: path = run", "policy, line 1: run is no use; there are name, call"),
            ("danger os: * =", "policy, line 1: say why"),
        ] {
            let error = Policy::new().with(text).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn a_package_is_dangerous_with_all_that_is_in_it_but_what_is_allowed() {
        let policy = Policy::new().with("danger a.*: * = why\nallow a.b: C = new # seen").unwrap();
        assert_eq!(policy.standing("a", "x"), Standing::Dangerous("why"));
        assert_eq!(policy.standing("a.b.c", "x"), Standing::Dangerous("why"));
        assert_eq!(policy.standing("a.b", "D"), Standing::Dangerous("why"));
        assert!(matches!(policy.standing("a.b", "C"), Standing::Allowed(Rule { new: true, .. })));
        assert_eq!(policy.standing("ab", "x"), Standing::Unknown);
    }
}
