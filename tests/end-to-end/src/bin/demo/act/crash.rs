//! A version crashes: it is diagnosed, taken back and kept out.

use end_to_end::Failure;

use super::expect;
use crate::setting::{PASSWORD, REPOSITORY, crashing};
use crate::stage::Stage;

pub(crate) async fn play(stage: &mut Stage, tag: &str, good: &str) -> Result<(), Failure> {
    stage.act(
        &format!("{tag} crashes and is rolled back"),
        &[
            "Its process ends with an error as soon as it starts. At the second failed task Pushboat goes",
            "back to v2, and sends one email that says why.",
        ],
    );
    let image = crashing(tag);
    stage.push(REPOSITORY, tag, &image, "linux/arm64").await?;
    let notice = stage.notice("rolled-back", tag).await?;
    expect(&notice.document, "/dossier/failure/code", "tasks-fail")?;
    expect(
        &notice.document,
        "/dossier/failure/cause",
        "application-error",
    )?;
    if notice.email.contains(PASSWORD) {
        return Err("the email tells a password that the container logged".into());
    }
    let revision = stage.runs(good).await?;
    let fewest = stage.fewest_running(&revision);
    if fewest < 2 {
        return Err(format!("only {fewest} tasks of v2 were running for a while").into());
    }
    let took = stage.since_push(&notice);
    stage
        .close(&format!(
            "{took:.1} s after the push v2 is alone again, and two of its tasks ran all along."
        ))
        .await;
    stage.terminal.remark(&format!(
        "The password that {tag} wrote into its log is not in the email."
    ));
    Ok(())
}
