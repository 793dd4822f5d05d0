//! A scenario's file: what it shows, what happens when, and what it has to give.

use jiff::SignedDuration;
use libtest_mimic::{Failed, Trial};

use crate::action::Action;
use crate::words::duration;

/// A file as it was read.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// All that stands above the separator, as it stands there.
    pub(crate) script: String,
    /// What is there before the clock starts.
    pub(crate) setting: Vec<Step>,
    /// What happens then.
    pub(crate) steps: Vec<Step>,
    /// The transcript that it has to give.
    pub(crate) expected: String,
}

/// One line of a script.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Counted from 1.
    pub(crate) line: usize,
    /// The action as it is written.
    pub(crate) text: String,
    pub(crate) when: When,
    pub(crate) action: Action,
}

/// When something happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// At the moment of the line before it.
    Then,
    /// So long after the start.
    At(SignedDuration),
    /// So long after the line before it.
    Later(SignedDuration),
    /// As soon as a target is in a phase.
    Once { target: String, phase: String },
}

/// What is wrong with a script.
#[derive(Debug)]
pub(crate) struct Mistake {
    line: usize,
    problem: String,
}

impl Mistake {
    pub(crate) fn new(line: usize, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self { line, problem }
    }

    /// Says it with the file's name.
    pub(crate) fn told(&self, file: &str) -> Failed {
        format!("{file}, line {}: {}", self.line, self.problem).into()
    }
}

const SEPARATOR: &str = "---\n";
/// Who asks for it, which each file says.
const ASKED: &str = "# Asked for by ";
const PHASES: [&str; 8] = [
    "requested",
    "starting",
    "progressing",
    "baking",
    "rolling-back",
    "idle",
    "adopted",
    "halted",
];

impl Scenario {
    /// Reads a file.
    pub(crate) fn parse(text: &str) -> Result<Self, Mistake> {
        let (script, expected) = match text.split_once(&format!("\n{SEPARATOR}")) {
            Some((script, expected)) => (format!("{script}\n"), expected.to_owned()),
            None => (text.to_owned(), String::new()),
        };
        if !script.lines().any(|line| line.starts_with(ASKED)) {
            let problem = format!("say who asks for this in a line that begins with `{ASKED}`");
            return Err(Mistake::new(1, problem));
        }
        let mut setting = Vec::new();
        let mut steps: Vec<Step> = Vec::new();
        for (index, line) in script.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let number = index + 1;
            let read = read(line).map_err(|problem| Mistake::new(number, problem))?;
            let (when, text) = read;
            let action = Action::parse(text).map_err(|problem| Mistake::new(number, problem))?;
            let step = |when| Step {
                line: number,
                text: text.to_owned(),
                when,
                action,
            };
            match when {
                None if steps.is_empty() => setting.push(step(When::Then)),
                None => {
                    let problem =
                        "say when: `at 3:10`, `0:10 later`, `once web is baking` or `then`";
                    return Err(Mistake::new(number, problem));
                }
                Some(when) => steps.push(step(when)),
            }
        }
        if steps.is_empty() {
            return Err(Mistake::new(
                1,
                "nothing happens: no line begins with `at 0:00`",
            ));
        }
        Ok(Self {
            script,
            setting,
            steps,
            expected,
        })
    }
}

/// Splits a line into when and what.
fn read(line: &str) -> Result<(Option<When>, &str), String> {
    let mut parts = line.splitn(2, ' ');
    let (first, rest) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let split = |text: &'static str| rest.split_once(text);
    Ok(match first {
        "then" => (Some(When::Then), rest),
        "at" => {
            let (time, action) = rest.split_once(' ').unwrap_or((rest, ""));
            (Some(When::At(duration(time)?)), action.trim())
        }
        "once" => {
            let (target, rest) = split(" is ").ok_or("say `once TARGET is PHASE, ...`")?;
            let (phase, action) = rest
                .split_once(", ")
                .ok_or("a comma is missing behind the phase")?;
            if !PHASES.contains(&phase) {
                let known = PHASES.join(", ");
                return Err(format!(
                    "`{phase}` is no phase to wait for; known are: {known}"
                ));
            }
            let (target, phase) = (target.to_owned(), phase.to_owned());
            (Some(When::Once { target, phase }), action.trim())
        }
        time if rest.starts_with("later ") => {
            let action = rest.trim_start_matches("later ");
            (Some(When::Later(duration(time)?)), action.trim())
        }
        _ => (None, line),
    })
}

/// What is said of scripts that cannot be read.
pub(crate) fn trials() -> Vec<Trial> {
    let refused = |name: &str, line: &'static str, parts: &'static [&'static str]| {
        Trial::test(format!("a script with {name} is refused"), move || {
            let text = format!("# Nothing.\n# Asked for by nobody.\n{line}\n");
            let Err(mistake) = Scenario::parse(&text) else {
                return Err(format!("`{line}` was taken").into());
            };
            let told = mistake.told("some.txt");
            let told = told.message().unwrap_or_default();
            match parts.iter().find(|part| !told.contains(**part)) {
                Some(part) => Err(format!("`{part}` is missing: {told}").into()),
                None => Ok(()),
            }
        })
    };
    vec![
        refused(
            "an unknown word",
            "at 0:00 pusk a:b",
            &["some.txt, line 3", "`pusk a:b`", "push [unheard] IMAGE"],
        ),
        refused(
            "a bad time",
            "at 3:7 push a:b",
            &["line 3", "`3:7` is no time", "`3:10`"],
        ),
        refused(
            "an unknown call",
            "at 0:00 next UpdateServise: throttled",
            &["`UpdateServise`", "UpdateService"],
        ),
        refused(
            "an unknown fault",
            "at 0:00 next UpdateService: gone",
            &["`gone`", "answer lost"],
        ),
        refused(
            "an unknown phase",
            "once web is baked, push a:b",
            &["`baked`", "baking"],
        ),
        refused(
            "an unknown option",
            "target web follows a:b alarm 5xx",
            &["`alarm`", "alarms"],
        ),
        refused(
            "nothing that happens",
            "alarm 5xx is ok",
            &["nothing happens"],
        ),
    ]
}
