//! What a line of a script does.

use jiff::SignedDuration;
use pushboat::core::alarm::AlarmState;
use serde_json::Value;
use simulation::{Fault, Image, Operation};

use crate::options::{self, Made};
use crate::words::{Tagged, duration, fault, number, operation, tagged};

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// A service's owner makes it.
    Service(Box<Made>),
    /// A target's parameter is written.
    Target { name: String, text: String },
    /// A target's parameter is deleted.
    TargetGoes(String),
    /// An image is pushed.
    Push {
        image: Tagged,
        content: Image,
        heard: bool,
    },
    /// The event of a push arrives, once more or at last.
    Tell(Tagged),
    /// An alarm changes its state, or is made.
    Alarm { name: String, state: AlarmState },
    /// An alarm's metric has to be bad for so long.
    AlarmWindow { name: String, seconds: u32 },
    /// Somebody besides Pushboat does something to a service.
    Somebody(Somebody),
    /// A person gives `operator` a command.
    Operator {
        command: String,
        target: String,
        rest: String,
    },
    /// `/pushboat/hold` is written, or deleted.
    Hold(Option<String>),
    /// Tasks reach their registry, or do not.
    Registry { reachable: bool },
    /// Fargate has capacity, or has not.
    Capacity { is_there: bool },
    /// A deployment alarm, which ECS itself looks at.
    DeploymentAlarm(String),
    /// The next calls go wrong.
    Next {
        operation: Operation,
        fault: Fault,
        times: usize,
    },
    /// Events of this kind are lost from now on.
    Lose(Source),
    /// Reads lag behind writes.
    Lag(SignedDuration),
    /// Every fault ends.
    Heal,
    /// What differs between two revisions is written down.
    Show { revision: String, base: String },
    /// Nothing: the script ends here.
    End,
}

/// A source of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Pushes,
    Services,
    Tasks,
    Alarms,
    Notices,
}

/// What somebody does.
#[derive(Clone, Debug)]
pub(crate) enum Somebody {
    Deploys {
        service: String,
        image: Tagged,
        content: Image,
    },
    RunsRevision {
        service: String,
        revision: String,
    },
    Stops(String),
    Forces(String),
    Continues(String),
    Scales {
        service: String,
        desired: i64,
    },
    Kills {
        service: String,
    },
    TakesSpot {
        service: String,
    },
    DeletesService(String),
    DeletesImage(Tagged),
    ArchivesImage(Tagged),
    Deregisters(String),
    Configures {
        service: String,
        configuration: Value,
    },
    Consents {
        service: String,
        target: String,
    },
}

/// What can be said, for whoever said something else.
const KNOWN: &str = "
  service NAME runs IMAGE [and IMAGE] [tasks N] [grace TIME] [controller NAME] [consent TARGET|none] [on spot] [definition {JSON}]
  target NAME follows REPOSITORY:PATTERN [and ...] [alarms A,B] [bake TIME] [deadline TIME] [supersede WHEN] [alarms-at-start WHAT] [failed-tasks N]
  target NAME {JSON}                 target NAME is deleted
  push [unheard] IMAGE [holding NAME] [healthy | crashing [with CODE] [after TIME] | unhealthy | for ARCHITECTURE | that is MEDIA-TYPE]
  tell of IMAGE
  alarm NAME fires | is ok | lacks data | takes TIME
  ecs alarm NAME fires
  somebody deploys SERVICE IMAGE [...] | runs SERVICE REVISION | stops SERVICE | forces SERVICE | continues SERVICE
  somebody scales SERVICE to N | kills a task of SERVICE | deletes service SERVICE | deletes image IMAGE | archives image IMAGE
  somebody deregisters REVISION | configures SERVICE {JSON} | consents SERVICE TARGET
  operator deploy|rollback|release|hold|resume|status|explain TARGET [IMAGE | REASON]
  hold everything REASON             hold nothing
  registry is unreachable | is back
  capacity runs out | is back         spot takes a task of SERVICE
  next [N | all] CALL: FAULT
  lose pushes | services | tasks | alarms | notices
  lag TIME                           faults end
  show what REVISION changes of REVISION
  end";

impl Action {
    /// Reads one, without the time before it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let after = |count: usize| -> String { words[count.min(words.len())..].join(" ") };
        let named = |name: &&str| (*name).to_owned();
        Ok(match words.as_slice() {
            ["service", name, "runs", rest @ ..] => {
                Self::Service(Box::new(options::service(name, rest)?))
            }
            ["target", name, "is", "deleted"] => Self::TargetGoes(named(name)),
            ["target", name, rest @ ..] => Self::Target {
                name: named(name),
                text: options::target(name, rest, &after(2))?,
            },
            ["push", "unheard", image, rest @ ..] => Self::push(image, rest, false)?,
            ["push", image, rest @ ..] => Self::push(image, rest, true)?,
            ["tell", "of", image] => Self::Tell(tagged(image)?),
            ["alarm", name, rest @ ..] => Self::alarm(name, rest)?,
            ["ecs", "alarm", name, "fires"] => Self::DeploymentAlarm(named(name)),
            ["somebody", rest @ ..] => Self::Somebody(Somebody::parse(rest)?),
            ["operator", command, target, ..] => Self::Operator {
                command: named(command),
                target: named(target),
                rest: after(3),
            },
            ["spot", "takes", "a", "task", "of", service] => Self::Somebody(Somebody::TakesSpot {
                service: named(service),
            }),
            ["hold", "nothing"] => Self::Hold(None),
            ["hold", "everything", ..] => Self::Hold(Some(after(2))),
            ["registry", "is", "unreachable"] => Self::Registry { reachable: false },
            ["registry", "is", "back"] => Self::Registry { reachable: true },
            ["capacity", "runs", "out"] => Self::Capacity { is_there: false },
            ["capacity", "is", "back"] => Self::Capacity { is_there: true },
            ["next", rest @ ..] => Self::next(rest)?,
            ["lose", source] => Self::Lose(Source::parse(source)?),
            ["lag", time] => Self::Lag(duration(time)?),
            ["faults", "end"] => Self::Heal,
            ["show", "what", revision, "changes", "of", base] => Self::Show {
                revision: named(revision),
                base: named(base),
            },
            ["end"] => Self::End,
            _ => return Err(unknown(text)),
        })
    }

    fn push(image: &str, words: &[&str], heard: bool) -> Result<Self, String> {
        let image = tagged(image)?;
        let content = options::content(&image, words)?;
        Ok(Self::Push {
            image,
            content,
            heard,
        })
    }

    fn alarm(name: &str, words: &[&str]) -> Result<Self, String> {
        let name = name.to_owned();
        let state = match words {
            ["fires"] => AlarmState::Alarm,
            ["is", "ok"] => AlarmState::Ok,
            ["lacks", "data"] => AlarmState::InsufficientData,
            ["takes", time] => {
                let seconds = u32::try_from(duration(time)?.as_secs()).unwrap_or_default();
                return Ok(Self::AlarmWindow { name, seconds });
            }
            _ => return Err("an alarm `fires`, `is ok`, `lacks data` or `takes TIME`".to_owned()),
        };
        Ok(Self::Alarm { name, state })
    }

    fn next(words: &[&str]) -> Result<Self, String> {
        let (times, words) = match words {
            ["all", rest @ ..] => (usize::MAX, rest),
            [count, call, rest @ ..] if !count.ends_with(':') => {
                let mut words = vec![*call];
                words.extend(rest);
                return Self::broken(number(count)?, &words);
            }
            words => (1, words),
        };
        Self::broken(times, words)
    }

    fn broken(times: usize, words: &[&str]) -> Result<Self, String> {
        let [call, rest @ ..] = words else {
            return Err("name the call: `next UpdateService: answer lost`".to_owned());
        };
        Ok(Self::Next {
            operation: operation(call.trim_end_matches(':'))?,
            fault: fault(&rest.join(" "))?,
            times,
        })
    }
}

impl Source {
    fn parse(word: &str) -> Result<Self, String> {
        Ok(match word {
            "pushes" => Self::Pushes,
            "services" => Self::Services,
            "tasks" => Self::Tasks,
            "alarms" => Self::Alarms,
            "notices" => Self::Notices,
            _ => return Err(unknown(&format!("lose {word}"))),
        })
    }
}

impl Somebody {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let named = |name: &&str| (*name).to_owned();
        Ok(match words {
            ["deploys", service, image, rest @ ..] => {
                let image = tagged(image)?;
                let content = options::content(&image, rest)?;
                let service = named(service);
                Self::Deploys {
                    service,
                    image,
                    content,
                }
            }
            ["runs", service, revision] => Self::RunsRevision {
                service: named(service),
                revision: named(revision),
            },
            ["stops", service] => Self::Stops(named(service)),
            ["forces", service] => Self::Forces(named(service)),
            ["continues", service] => Self::Continues(named(service)),
            ["scales", service, "to", desired] => Self::Scales {
                service: named(service),
                desired: number(desired)?,
            },
            ["kills", "a", "task", "of", service] => Self::Kills {
                service: named(service),
            },
            ["deletes", "service", service] => Self::DeletesService(named(service)),
            ["deletes", "image", image] => Self::DeletesImage(tagged(image)?),
            ["archives", "image", image] => Self::ArchivesImage(tagged(image)?),
            ["deregisters", revision] => Self::Deregisters(named(revision)),
            ["consents", service, target] => Self::Consents {
                service: named(service),
                target: named(target),
            },
            ["configures", service, rest @ ..] => {
                let configuration = serde_json::from_str(&rest.join(" "));
                Self::Configures {
                    service: named(service),
                    configuration: configuration.map_err(|error| format!("no JSON: {error}"))?,
                }
            }
            words => return Err(unknown(&format!("somebody {}", words.join(" ")))),
        })
    }
}

fn unknown(text: &str) -> String {
    format!("`{text}` is nothing that can happen; known are:{KNOWN}")
}
