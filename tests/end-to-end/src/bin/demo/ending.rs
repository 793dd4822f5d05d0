//! What is said once the story has been told.

use std::time::Duration;

use end_to_end::wait::pass;
use end_to_end::{Failure, customer};

use crate::setting::{CLUSTER, REPOSITORY, SERVICE};
use crate::stage::Stage;

/// What was seen.
const SEEN: &str = "\
v1 and v2 went live. v3 and v4 were bad: v2 ran again within seconds, and one email each said why.
What was taken back stays out until a person releases it. An image for another CPU, a late event
and pushes that nobody follows changed nothing, and each was explained.";

/// How to go on.
const NEXT: [&str; 3] = [
    "  make demo ARGS=--keep     leave this AWS running, and push images of your own",
    "  make test                 every check there is",
    "  README.md                 install it on your AWS account",
];

impl Stage {
    /// Says what was seen, what runs now, and how to go on.
    pub(crate) async fn conclude(&self, took: Duration) -> Result<(), Failure> {
        let service = customer::service(&self.aws, CLUSTER, SERVICE).await?;
        self.terminal.heading("What you saw");
        self.terminal.text(SEEN);
        self.terminal.text(&format!(
            "\nService {CLUSTER}/{SERVICE} runs {}, {} of {} tasks. The demo took {:.0} s. Next:",
            self.timeline.versions().of(&service["taskDefinition"]),
            service["runningCount"],
            service["desiredCount"],
            took.as_secs_f64()
        ));
        self.terminal.text(&NEXT.join("\n"));
        Ok(())
    }

    /// Leaves everything running until a signal comes.
    pub(crate) async fn keep(&mut self) {
        let url = self.aws.endpoint_url().to_owned();
        let region = self.aws.region().to_owned();
        let push = format!("cargo run -p local-aws --example push -- {url} {REPOSITORY}");
        self.terminal.text(&format!(
            "\nIt goes on running until you press Ctrl-C. For the AWS CLI, SAM or any SDK:\n  \
               export AWS_ENDPOINT_URL={url}\n  \
               export AWS_REGION={region} AWS_DEFAULT_REGION={region}\n  \
               export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n\
             Push an image of your own, a good one and one that crashes:\n  \
               {push} v8\n  \
               {push} v9 pushboat.test/behaviour=exit\n\
             What it saw: {url}/_local/calls and {url}/_local/events\n"
        ));
        loop {
            self.show().await;
            pass(Duration::from_millis(200)).await;
        }
    }
}
