//! The words of a script: times, images and names, each read or refused.

use jiff::SignedDuration;
use simulation::{Fault, Operation};

/// An image by its repository and tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tagged {
    pub(crate) repository: String,
    pub(crate) tag: String,
}

impl std::fmt::Display for Tagged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

/// Reads `team/web:main-2`.
pub(crate) fn tagged(word: &str) -> Result<Tagged, String> {
    match word.rsplit_once(':') {
        Some((repository, tag)) if !repository.is_empty() && !tag.is_empty() => Ok(Tagged {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
        }),
        Some(_) | None => Err(format!(
            "`{word}` is no image: write it as `team/web:main-2`"
        )),
    }
}

/// Reads `3:10`, which is three minutes and ten seconds, or `1:02:03`.
pub(crate) fn duration(word: &str) -> Result<SignedDuration, String> {
    let bad = || format!("`{word}` is no time: write it as `3:10` or `1:02:03`");
    let parts: Vec<&str> = word.split(':').collect();
    let (first, rest) = parts.split_first().ok_or_else(bad)?;
    if rest.is_empty() || rest.len() > 2 {
        return Err(bad());
    }
    let mut seconds: i64 = first.parse().map_err(|_| bad())?;
    for part in rest {
        let number: i64 = part.parse().map_err(|_| bad())?;
        if part.len() != 2 || !(0..60).contains(&number) {
            return Err(bad());
        }
        seconds = seconds * 60 + number;
    }
    if seconds < 0 {
        return Err(bad());
    }
    Ok(SignedDuration::from_secs(seconds))
}

/// Writes a time as [`duration`] reads it.
pub(crate) fn written(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.abs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{sign}{minutes}:{seconds:02}"),
        _ => format!("{sign}{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// Reads a whole number.
pub(crate) fn number<N: std::str::FromStr>(word: &str) -> Result<N, String> {
    let parsed = word.parse();
    parsed.map_err(|_| format!("`{word}` is no whole number that fits here"))
}

/// The calls that a script can break.
const OPERATIONS: [Operation; 17] = [
    Operation::LoadTarget,
    Operation::SaveTarget,
    Operation::FindFollowers,
    Operation::ReadGoodDefinition,
    Operation::DescribeServices,
    Operation::DescribeTaskDefinition,
    Operation::FindRevision,
    Operation::RegisterTaskDefinition,
    Operation::UpdateService,
    Operation::DescribeServiceDeployments,
    Operation::StopServiceDeployment,
    Operation::DescribeImage,
    Operation::DescribeGoodImage,
    Operation::DescribeAlarms,
    Operation::DescribeTargetHealth,
    Operation::SendMessages,
    Operation::Publish,
];

/// Reads the name of a call.
pub(crate) fn operation(word: &str) -> Result<Operation, String> {
    let mut known = OPERATIONS.into_iter();
    known.find(|one| format!("{one:?}") == word).ok_or_else(|| {
        let names = OPERATIONS.map(|one| format!("{one:?}"));
        format!("`{word}` is no call; known are: {}", names.join(", "))
    })
}

/// What can go wrong with a call, as a script and a transcript say it.
const FAULTS: [(&str, Fault); 7] = [
    ("throttled", Fault::Throttled),
    ("request lost", Fault::LostRequest),
    ("answer lost", Fault::LostAnswer),
    ("refused", Fault::Refused),
    ("another write was faster", Fault::Conflict),
    ("crash before", Fault::CrashBefore),
    ("crash after", Fault::CrashAfter),
];

/// Reads what goes wrong with a call.
pub(crate) fn fault(words: &str) -> Result<Fault, String> {
    let found = FAULTS.iter().find(|(name, _)| *name == words);
    found.map(|(_, fault)| *fault).ok_or_else(|| {
        let names = FAULTS.map(|(name, _)| name);
        format!("`{words}` is no fault; known are: {}", names.join(", "))
    })
}

/// Says what went wrong with a call.
pub(crate) fn fault_name(fault: Fault) -> &'static str {
    let found = FAULTS.iter().find(|(_, one)| *one == fault);
    found.map_or("", |(name, _)| *name)
}
