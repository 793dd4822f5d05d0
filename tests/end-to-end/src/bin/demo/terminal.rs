//! What the demo writes, coloured where somebody looks.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use jiff::Timestamp;

use crate::line::{Line, Speaker};
use crate::setting::FASTER_THAN_AWS;

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";

/// How wide the text is.
const WIDTH: usize = 100;

/// Standard output.
#[derive(Debug)]
pub(crate) struct Terminal {
    is_coloured: bool,
    is_terminal: bool,
    started_at: Timestamp,
    step_started: Instant,
}

impl Terminal {
    /// Starts the clock that lines are marked with.
    #[expect(
        clippy::disallowed_methods,
        reason = "the demo reads the clock and the environment for the person before it"
    )]
    pub(crate) fn new() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        // https://no-color.org
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Terminal {
            is_coloured: is_terminal && !is_unwanted,
            is_terminal,
            started_at: Timestamp::now(),
            step_started: Instant::now(),
        }
    }

    /// Says what this is, what runs faster here than on AWS, and how to read the rest.
    pub(crate) fn introduce(&self) {
        println!("{}", self.style(BOLD, "Pushboat on a local AWS"));
        println!(
            "The functions and the template are the real ones. ECS is a model of it, all else is\n\
             ministack, and nothing leaves this machine. Faster here than on AWS:"
        );
        for faster in FASTER_THAN_AWS {
            println!("  - {faster}");
        }
        println!(
            "Each act counts its own seconds. A notice is what people get: chat has every step,\n\
             email only how it ended.\n"
        );
    }

    /// Says what is begun.
    #[expect(clippy::disallowed_methods, reason = "steps tell how long they took")]
    pub(crate) fn step(&mut self, what: &str) {
        self.step_started = Instant::now();
        println!("{} {what} ...", self.style(DIM, "▸"));
    }

    /// Shows how far the step is, where that can be overwritten.
    pub(crate) fn progress(&self, what: &str) {
        if self.is_terminal {
            print!("\r\x1b[K  {}", self.style(DIM, what));
            let _ = std::io::stdout().flush();
        }
    }

    /// Says that the step is done.
    pub(crate) fn done(&self, what: &str) {
        if self.is_terminal {
            print!("\r\x1b[K");
        }
        let took = format!("{:.1} s", self.step_started.elapsed().as_secs_f64());
        println!("  {} {what} ({took})", self.style(GREEN, "✓"));
    }

    /// Opens an act, and starts the clock anew that lines are marked with.
    pub(crate) fn act(&mut self, title: &str, at: Timestamp) {
        self.started_at = at;
        self.heading(title);
    }

    /// Writes a heading.
    pub(crate) fn heading(&self, what: &str) {
        let rule = "─".repeat(WIDTH.saturating_sub(what.chars().count() + 4));
        println!("\n{}", self.style(BOLD, &format!("── {what} {rule}")));
    }

    /// Writes a line of the timeline.
    pub(crate) fn line(&self, line: &Line) {
        let since = line.at.duration_since(self.started_at).as_secs_f64();
        let time = self.style(DIM, &format!("{since:>6.1} s"));
        let name = format!("{:<14}", line.speaker.name());
        let name = self.style(line.speaker.colour(), &name);
        let text = match line.speaker {
            Speaker::Notice => self.style(BOLD, &line.text),
            _ => line.text.clone(),
        };
        println!("{time}  {name} {text}");
        for detail in &line.details {
            let detail = format!("{} {detail}", self.style(DIM, "│"));
            println!("{:10}{}", "", detail.trim_end());
        }
    }

    /// Writes what came of an act.
    pub(crate) fn remark(&self, what: &str) {
        println!("{:10}{} {what}", "", self.style(GREEN, "→"));
    }

    /// Writes plain text.
    pub(crate) fn text(&self, text: &str) {
        println!("{text}");
    }

    fn style(&self, code: &str, text: &str) -> String {
        if self.is_coloured {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
