//! A version runs well, but a watched alarm fires in its bake time.

use end_to_end::Failure;

use super::expect;
use crate::setting::{ALARM, REPOSITORY, for_one_platform};
use crate::stage::{Stage, now};

pub(crate) async fn play(stage: &mut Stage, tag: &str, good: &str) -> Result<(), Failure> {
    stage.act(
        &format!("{tag} runs, but an alarm fires: it is rolled back"),
        &[
            "Its tasks run, and ECS reports the deployment done. But it answers with errors, and the alarm",
            "web-5xx fires while Pushboat still watches.",
        ],
    );
    let image = for_one_platform(tag);
    stage.push(REPOSITORY, tag, &image, "linux/arm64").await?;
    stage.notice("baking", tag).await?;
    set_alarm(stage, "ALARM", "37.0", "was greater than", "OK -> ALARM").await?;
    let notice = stage.notice("rolled-back", tag).await?;
    expect(&notice.document, "/dossier/failure/code", "alarm-fired")?;
    stage.runs(good).await?;
    set_alarm(stage, "OK", "0.0", "was not greater than", "ALARM -> OK").await?;
    let took = stage.since_push(&notice);
    stage
        .close(&format!(
            "v2 runs again {took:.1} s after the push of {tag}."
        ))
        .await;
    Ok(())
}

/// Sets the alarm, with CloudWatch's own words for it.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html>
async fn set_alarm(
    stage: &mut Stage,
    state: &str,
    errors: &str,
    comparison: &str,
    transition: &str,
) -> Result<(), Failure> {
    let at = now().strftime("%d/%m/%y %H:%M:00");
    let reason = format!(
        "Threshold Crossed: 1 out of the last 1 datapoints [{errors} ({at})] {comparison} \
         the threshold (10.0) (minimum 1 datapoint for {transition} transition)."
    );
    let state = [
        ("AlarmName", ALARM),
        ("StateValue", state),
        ("StateReason", &reason),
    ];
    stage
        .aws
        .query("monitoring", "SetAlarmState", &state)
        .await?;
    Ok(())
}
