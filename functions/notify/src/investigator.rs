//! Looks up what the notice of a failure tells besides what is stored.

use std::time::Duration;

use futures_util::future::join;
use pushboat::core::observation::{Definition, Platform};
use pushboat::findings::{
    FailedContainer, Findings, ImageFinding, ImageLabels, Investigator, LINES_SHOWN, LogFinding,
    LogPlace, lines, log_place, problem,
};
use pushboat::notice::{News, Notice, RolloutNews};
use pushboat::ports::{Labels, Logs, TaskDefinitions};
use pushboat::task_definition;
use tokio::time::timeout;

/// How long the task definition may take: where the log lies, and for which platform the image is.
const DEFINITION_LIMIT: Duration = Duration::from_secs(2);
/// How long log and labels may take, which are asked for together: people wait for the notice.
const LIMIT: Duration = Duration::from_secs(3);
/// What Fargate runs where the task definition says nothing.
const USUAL_PLATFORM: (&str, &str) = ("linux", "amd64");

/// Looks things up in AWS, and gives up in time.
pub(crate) struct TimedInvestigator<D, L, I> {
    pub(crate) definitions: D,
    pub(crate) logs: L,
    pub(crate) labels: I,
    pub(crate) region: String,
}

impl<D: TaskDefinitions, L: Logs, I: Labels> Investigator for TimedInvestigator<D, L, I> {
    async fn findings(&self, notice: &Notice) -> Findings {
        match &notice.news {
            News::Rollout(news) if news.failure().is_some() => self.investigate(news).await,
            _ => Findings::default(),
        }
    }
}

impl<D: TaskDefinitions, L: Logs, I: Labels> TimedInvestigator<D, L, I> {
    async fn investigate(&self, news: &RolloutNews) -> Findings {
        let failed = FailedContainer::of(news);
        let definition = self.definition(news, failed).await;
        let (log, image) = join(
            self.log(failed, &definition),
            self.image(news, definition.as_ref().ok()),
        )
        .await;
        Findings { log, image }
    }

    /// Reads the task definition that failed; says why not, where it cannot be read.
    async fn definition(
        &self,
        news: &RolloutNews,
        failed: Option<FailedContainer<'_>>,
    ) -> Result<std::sync::Arc<Definition>, String> {
        let tried = news.running.as_ref().map(|running| &running.revision);
        let arn = tried.or(failed.map(|failed| &failed.task.task_definition));
        let arn = arn.ok_or("no task definition of this version is known")?;
        in_time(DEFINITION_LIMIT, self.definitions.definition(arn)).await
    }

    async fn log<A: AsRef<Definition>>(
        &self,
        failed: Option<FailedContainer<'_>>,
        definition: &Result<A, String>,
    ) -> LogFinding {
        let Some(failed) = failed else {
            return LogFinding::NotSought;
        };
        let container = failed.name.to_owned();
        let place = match definition {
            Ok(definition) => log_place(definition.as_ref(), &failed, &self.region),
            Err(why) => {
                let problem = problem(why);
                return LogFinding::Unreadable { container, problem };
            }
        };
        let (group, stream) = match place {
            LogPlace::Stream { group, stream } => (group, stream),
            LogPlace::Elsewhere { driver, options } => {
                return LogFinding::Elsewhere {
                    container,
                    driver,
                    options,
                };
            }
        };
        match in_time(LIMIT, self.logs.tail(&group, &stream, LINES_SHOWN)).await {
            Ok(events) => LogFinding::Tail {
                container,
                group,
                stream,
                lines: lines(&events),
            },
            Err(why) => LogFinding::Unreadable {
                container,
                problem: problem(&why),
            },
        }
    }

    async fn image<A: AsRef<Definition>>(
        &self,
        news: &RolloutNews,
        definition: Option<&A>,
    ) -> ImageFinding {
        let push = &news.rollout.push;
        let start = news.start.as_ref();
        let digest = start.map_or(&push.digest, |start| &start.digest);
        let platform = match definition {
            Some(definition) => task_definition::platform(definition.as_ref()),
            None => Platform {
                os: USUAL_PLATFORM.0.to_owned(),
                architecture: USUAL_PLATFORM.1.to_owned(),
            },
        };
        let labels = self.labels.labels(&push.repository, digest, &platform);
        match in_time(LIMIT, labels).await {
            Ok(labels) => ImageFinding::Labels(ImageLabels::of(&labels)),
            Err(why) => ImageFinding::Unreadable {
                problem: problem(&why),
            },
        }
    }
}

async fn in_time<T, E: ToString>(
    limit: Duration,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match timeout(limit, call).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err(format!("it took more than {} seconds", limit.as_secs())),
    }
}

#[cfg(test)]
mod tests;
