//! What a scan found: verdicts, findings, and what was reached.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};

use rustc_hash::{FxHashMap, FxHasher};

use crate::policy;

/// What is to be thought of a file, the worst last.
///
/// ```
/// use oiji::inspect::scan::Verdict;
/// assert!(Verdict::Clean < Verdict::Dangerous);
/// assert_eq!(Verdict::Incomplete.to_string(), "incomplete");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Verdict {
    /// Every byte is accounted for, and only what the policy allows is done.
    #[default]
    Clean,
    /// Not all of it could be read: it breaks off, something follows that is no pickle, or a limit was met.
    Incomplete,
    /// It names code that the policy does not know.
    Unknown,
    /// It does what is known to do harm, or what no honest writer does.
    Dangerous,
}

impl Verdict {
    /// Its name: `clean`, `incomplete`, `unknown`, `dangerous`.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Clean => "clean",
            Verdict::Incomplete => "incomplete",
            Verdict::Unknown => "unknown",
            Verdict::Dangerous => "dangerous",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something that keeps a file from being clean.
///
/// ```
/// use oiji::inspect::scan;
/// let report = scan::scan(b"cos\nsystem\n(Vid\ntR.");
/// let finding = &report.findings[1];
/// assert_eq!((finding.offset, finding.what.as_str()), (17, "calls os.system('id')"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub verdict: Verdict,
    /// The rule it comes of.
    pub rule: Rule,
    /// The member of a container it stands in, as `model.pt!data.pkl`; empty for the file itself.
    pub place: String,
    /// Bytes from the start of that member.
    pub offset: u64,
    /// What is done: `calls os.system('id')`.
    pub what: String,
    /// Why that is bad.
    pub why: String,
    /// How often the like was found.
    pub count: u64,
}

/// The kinds of findings.
///
/// ```
/// assert_eq!(oiji::inspect::scan::Rule::Call.name(), "call");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum Rule {
    /// A global is named, and so imported.
    Name,
    /// A name is computed while loading.
    ComputedName,
    /// Something is called, or an instance made.
    Call,
    /// A state is given to something.
    State,
    /// Items are given to something.
    Items,
    /// An extension code stands for a global.
    Extension,
    /// Real readers read it differently.
    ReadersDiffer,
    /// A pickle breaks off, or bytes are no pickle.
    Broken,
    /// Bytes that belong to nothing.
    Tail,
    /// A limit was met.
    Limit,
    /// A container is not what it seems.
    Container,
}

impl Rule {
    /// All kinds, in order.
    pub const ALL: [Rule; 11] = [
        Rule::Name,
        Rule::ComputedName,
        Rule::Call,
        Rule::State,
        Rule::Items,
        Rule::Extension,
        Rule::ReadersDiffer,
        Rule::Broken,
        Rule::Tail,
        Rule::Limit,
        Rule::Container,
    ];

    /// What it is about, in a sentence for people.
    pub fn about(self) -> &'static str {
        match self {
            Rule::Name => {
                "A pickle names a class or function that the policy does not allow, and so imports its module."
            }
            Rule::ComputedName => {
                "A pickle makes the name of what it imports while it is loaded, as no honest writer does."
            }
            Rule::Call => {
                "A pickle calls something that the policy does not allow, or with arguments that it does not allow."
            }
            Rule::State => "A pickle gives a state to something that takes none as the policy knows it.",
            Rule::Items => {
                "A pickle gives items to something that takes none as the policy knows it: a method is called."
            }
            Rule::Extension => {
                "A pickle takes what an extension code stands for, which the loading process alone knows."
            }
            Rule::ReadersDiffer => {
                "Real readers read these bytes differently, so that one may see what another does not."
            }
            Rule::Broken => "A pickle, or a member of a container, breaks off or cannot be read on.",
            Rule::Tail => "Bytes belong to no pickle and to no container, and nothing is known of them.",
            Rule::Limit => "A limit was met, or a value takes far more than its bytes promise.",
            Rule::Container => "A container is not what it seems, or is of a kind that is not read.",
        }
    }

    /// Its name for machines.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Name => "name",
            Rule::ComputedName => "computed-name",
            Rule::Call => "call",
            Rule::State => "state",
            Rule::Items => "items",
            Rule::Extension => "extension",
            Rule::ReadersDiffer => "readers-differ",
            Rule::Broken => "broken",
            Rule::Tail => "tail",
            Rule::Limit => "limit",
            Rule::Container => "container",
        }
    }
}

/// Something a pickle does when it is loaded, in the order in which it happens.
///
/// ```
/// use oiji::inspect::scan;
/// let report = scan::scan(b"cos\nsystem\n(Vid\ntR0.");
/// let told: Vec<_> = report.effects.iter().map(|effect| effect.what.as_str()).collect();
/// assert_eq!(told, ["names os.system", "calls os.system('id')"]);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Effect {
    /// The member of a container it stands in; empty for the file itself.
    pub place: String,
    /// Bytes from the start of that member.
    pub offset: u64,
    /// What is done.
    pub what: String,
    /// How it came there, where not as it stands: `by a name from the memo`, `by a computed name`, `for readers that …`.
    pub how: Option<&'static str>,
}

/// What a file would do if it were loaded.
///
/// ```
/// use oiji::inspect::scan::{self, Verdict};
/// let report = scan::scan(b"\x80\x04]\x94(K\x01K\x02e.");
/// assert_eq!((report.verdict(), report.pickles), (Verdict::Clean, 1));
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// What keeps it from being clean, in order.
    pub findings: Vec<Finding>,
    /// What it does, in order: the first ten thousand.
    pub effects: Vec<Effect>,
    /// How many effects there are.
    pub effect_count: u64,
    /// The globals it names, as the pickle spells them, with how often.
    pub globals: BTreeMap<(String, String), u64>,
    /// What a policy would have to allow for all of it, by the names under which Python 3 finds them.
    pub needs: BTreeMap<(String, String), policy::Rule>,
    /// How many pickles were read to their end.
    pub pickles: u64,
    /// Bytes scanned, what was decompressed counted too.
    pub bytes: u64,
    /// The place that findings and effects are of now.
    pub(super) place: String,
    /// Findings by what makes them alike.
    pub(super) alike: FxHashMap<u64, usize>,
}

/// So many effects are kept.
const EFFECTS: usize = 10_000;

/// So many findings are kept; more of them change no verdict.
const FINDINGS: usize = 1_000;

impl Report {
    /// The worst of all findings.
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or_default()
    }

    /// Takes note of a finding; the same at another place in a member is counted with it.
    pub(super) fn find(&mut self, verdict: Verdict, rule: Rule, offset: u64, what: String, why: &str) {
        let like = what.clone();
        self.find_like(&like, verdict, rule, offset, what, why);
    }

    /// As `find`, where `like` says what makes two findings alike.
    pub(super) fn find_like(&mut self, like: &str, verdict: Verdict, rule: Rule, offset: u64, what: String, why: &str) {
        let mut hasher = FxHasher::default();
        (&self.place, rule.name(), verdict.name(), like).hash(&mut hasher);
        let key = hasher.finish();
        if let Some(same) = self.alike.get(&key).and_then(|index| self.findings.get_mut(*index)) {
            same.count += 1;
        } else if self.findings.len() < FINDINGS || verdict == Verdict::Dangerous && self.alike.len() < 2 * FINDINGS {
            self.alike.insert(key, self.findings.len());
            let (place, why) = (self.place.clone(), why.to_owned());
            self.findings.push(Finding { verdict, rule, place, offset, what, why, count: 1 });
        }
    }

    /// Forgets all findings from a number on.
    pub(super) fn forget_from(&mut self, count: usize) {
        self.findings.truncate(count);
        self.alike.retain(|_, index| *index < count);
    }

    /// Takes over what another scan of the same bytes found.
    pub(super) fn take(&mut self, other: Report) {
        self.findings.extend(other.findings);
        self.effects.extend(other.effects);
        self.effects.truncate(EFFECTS);
        self.effect_count += other.effect_count;
        for (global, count) in other.globals {
            *self.globals.entry(global).or_default() += count;
        }
        for (global, rule) in other.needs {
            let both = self.needs.entry(global).or_default();
            *both = both.and(rule);
        }
    }

    /// Whether what is done is still kept in words.
    pub(super) fn keeps_effects(&self) -> bool {
        self.effects.len() < EFFECTS
    }

    /// Takes note of an effect; what it is is asked only if it is kept.
    pub(super) fn does(&mut self, offset: u64, how: Option<&'static str>, what: impl FnOnce() -> String) {
        self.effect_count += 1;
        if self.keeps_effects() {
            self.effects.push(Effect { place: self.place.clone(), offset, what: what(), how });
        }
    }
}
