//! What went wrong, in one line for people: what, where, and what to do about it.

use std::fmt;
use std::io;
use std::process::ExitCode;

use oiji::ErrorKind;

/// What came of a command. The worse of two is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// Exit status 0.
    Done,
    /// Something was found, or differs: exit status 1.
    Found,
    /// Something could not be done: exit status 2.
    Failed,
    /// Not all could be looked at: exit status 3.
    Incomplete,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}

/// Why a command cannot go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Whoever read our output wants no more of it. Nothing is to be said; the status is what came of the part before.
    ClosedPipe(Status),
    /// In words, with the name of the input or output it is about.
    Message(String),
    /// In several lines, which show a place in a file of the user's.
    Shown(String),
}

impl Failure {
    /// About the file or stream `name`.
    pub(crate) fn about(name: &str, problem: impl fmt::Display) -> Failure {
        Failure::Message(format!("{name}: {problem}"))
    }

    /// About standard output.
    pub(crate) fn writing(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ClosedPipe(Status::Done),
            _ => Failure::about("standard output", explain_io(&error)),
        }
    }

    /// The same, unless nobody listens any more: then with the status so far.
    pub(crate) fn after(self, status: Status) -> Failure {
        match self {
            Failure::ClosedPipe(so_far) => Failure::ClosedPipe(so_far.max(status)),
            message => message,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::ClosedPipe(_) => f.write_str("standard output: closed"),
            Failure::Message(text) => f.write_str(&visible(text)),
            Failure::Shown(text) => {
                let lines: Vec<String> = text.lines().map(visible).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

/// Writes the failure to standard error. If nobody reads that either, there is nothing left to do.
pub(crate) fn complain(failure: &Failure) {
    use std::io::Write;
    let _ = writeln!(io::stderr().lock(), "oiji: {failure}");
}

/// Names and values come from files of others: what would move the cursor or break the line is shown as an escape.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// An error of the library in the words of the command line: options instead of functions.
pub(crate) fn explain(error: &oiji::Error) -> String {
    let advice = match error.kind() {
        ErrorKind::Io(error) => return explain_io(error),
        ErrorKind::EndOfInput => return "no pickle: the input is empty".to_owned(),
        ErrorKind::Limit { limit: "bytes", allowed } => {
            format!("larger than {allowed} bytes; give --max-bytes SIZE or --unlimited if you trust it")
        }
        ErrorKind::Limit { limit, allowed } => {
            format!("limit reached: {limit} is {allowed}; give --unlimited if you trust the input")
        }
        ErrorKind::MissingBuffer { index } => format!("out-of-band buffer {index} is missing"),
        _ => return error.to_string(),
    };
    match (error.offset(), error.path()) {
        (Some(offset), _) => format!("{advice} (at offset {offset})"),
        (None, Some(path)) => format!("{advice} (at {path})"),
        (None, None) => advice,
    }
}

/// Without the number of the error, which says nothing to most.
pub(crate) fn explain_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        io::ErrorKind::StorageFull => "no space left on the device".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_without_control_characters() {
        let failure = Failure::about("a\nb", "\u{1b}[2Jgone\u{7f}");
        assert_eq!(failure.to_string(), "a\\nb: \\u{1b}[2Jgone\\u{7f}");
    }

    #[test]
    fn a_closed_pipe_keeps_the_worst_status() {
        let failure = Failure::writing(io::ErrorKind::BrokenPipe.into()).after(Status::Failed);
        assert!(matches!(failure, Failure::ClosedPipe(Status::Failed)));
    }

    #[test]
    fn advice_names_options_of_the_command() {
        let limits = oiji::Limits { ops: 1, ..oiji::Limits::default() };
        let error = oiji::ReadOptions::new().limits(limits).from_slice(b"]N.").unwrap_err();
        assert_eq!(explain(&error), "limit reached: ops is 1; give --unlimited if you trust the input (at offset 1)");
    }
}
