use std::time::Duration;

use serde_json::json;

use super::*;
use crate::fake_ministack::{DEAD_LETTERS, FUNCTION, FakeMinistack, rule_arn};
use crate::fault::{EventFault, FaultRule, When};

/// So fast that an hour of backoff is a few milliseconds.
const SPEED: f64 = 1e6;

#[tokio::test]
async fn an_event_wakes_the_function_of_the_rule_it_matches() {
    let mut world = World::start().await;
    world
        .fake
        .add_rule("push", "aws.ecr", &json!({"Id": "1", "Arn": FUNCTION}));
    world
        .fake
        .add_rule("other", "aws.ecs", &json!({"Id": "1", "Arn": FUNCTION}));

    let record = world
        .emit_and_settle(json!({"source": "aws.ecr", "id": "one"}))
        .await;

    assert_eq!(record.rules.as_deref(), Some(&["push".to_owned()][..]));
    // The stand-in keeps one policy a function, and `other` came last.
    assert_eq!(record.deliveries[0].outcome, Outcome::Dropped);

    world
        .fake
        .add_rule("push", "aws.ecr", &json!({"Id": "1", "Arn": FUNCTION}));
    let record = world
        .emit_and_settle(json!({"source": "aws.ecr", "id": "two"}))
        .await;
    assert_eq!(record.deliveries[0].outcome, Outcome::Delivered);
    let invoked = world.fake.state().invocations.clone();
    let event = json!({"source": "aws.ecr", "id": "two"});
    assert_eq!(invoked, [("push".to_owned(), "Event".to_owned(), event)]);
}

#[tokio::test]
async fn an_event_that_matches_no_rule_is_recorded_as_such() {
    let mut world = World::start().await;
    world
        .fake
        .add_rule("push", "aws.ecr", &json!({"Id": "1", "Arn": FUNCTION}));
    let record = world.emit_and_settle(json!({"source": "aws.ssm"})).await;
    assert_eq!(record.rules.as_deref(), Some(&[][..]));
    assert!(record.deliveries.is_empty());
}

#[tokio::test]
async fn a_disabled_rule_matches_nothing() {
    let mut world = World::start().await;
    world
        .fake
        .add_rule("push", "aws.ecr", &json!({"Id": "1", "Arn": FUNCTION}));
    world.fake.state().rules.get_mut("push").unwrap().0["State"] = "DISABLED".into();
    let record = world.emit_and_settle(json!({"source": "aws.ecr"})).await;
    assert_eq!(record.rules.as_deref(), Some(&[][..]));
}

#[tokio::test]
async fn a_failure_is_retried_until_the_target_takes_the_event() {
    let mut world = World::start().await;
    world
        .fake
        .add_rule("push", "aws.ecr", &json!({"Id": "1", "Arn": FUNCTION}));
    world.fake.state().failing_invocations = 3;
    let record = world.emit_and_settle(json!({"source": "aws.ecr"})).await;
    assert_eq!(record.deliveries[0].outcome, Outcome::Delivered);
    assert_eq!(record.deliveries[0].attempts, 4);
}

#[tokio::test]
async fn exhausted_retries_end_in_the_dead_letter_queue_with_the_reason() {
    let mut world = World::start().await;
    let target = json!({
        "Id": "1",
        "Arn": FUNCTION,
        "RetryPolicy": {"MaximumRetryAttempts": 2},
        "DeadLetterConfig": {"Arn": DEAD_LETTERS},
    });
    world.fake.add_rule("push", "aws.ecr", &target);
    world.fake.state().failing_invocations = u32::MAX;

    let event = json!({"source": "aws.ecr", "id": "one"});
    let record = world.emit_and_settle(event.clone()).await;

    assert_eq!(record.deliveries[0].outcome, Outcome::DeadLettered);
    assert_eq!(record.deliveries[0].attempts, 3);
    let message = world.fake.state().messages[0].clone();
    assert_eq!(message["MessageBody"], event.to_string());
    let attribute = |name: &str| message["MessageAttributes"][name]["StringValue"].clone();
    assert_eq!(attribute("RULE_ARN"), rule_arn("push"));
    assert_eq!(attribute("TARGET_ARN"), FUNCTION);
    assert_eq!(
        attribute("EXHAUSTED_RETRY_CONDITION"),
        "MaximumRetryAttempts"
    );
    assert_eq!(attribute("RETRY_ATTEMPTS"), "2");
}

#[tokio::test]
async fn an_event_too_old_is_given_up_on() {
    let mut world = World::start().await;
    let target = json!({
        "Id": "1",
        "Arn": FUNCTION,
        "RetryPolicy": {"MaximumEventAgeInSeconds": 60},
        "DeadLetterConfig": {"Arn": DEAD_LETTERS},
    });
    world.fake.add_rule("push", "aws.ecr", &target);
    world.fake.state().failing_invocations = u32::MAX;
    world.emit_and_settle(json!({"source": "aws.ecr"})).await;
    let message = world.fake.state().messages[0].clone();
    let exhausted = &message["MessageAttributes"]["EXHAUSTED_RETRY_CONDITION"]["StringValue"];
    assert_eq!(*exhausted, "MaximumEventAgeInSeconds");
}

#[tokio::test]
async fn without_permission_nothing_is_retried() {
    let mut world = World::start().await;
    let target = json!({
        "Id": "1", "Arn": FUNCTION, "DeadLetterConfig": {"Arn": DEAD_LETTERS},
    });
    world.fake.add_rule("push", "aws.ecr", &target);
    world
        .fake
        .state()
        .functions
        .insert("push".to_owned(), String::new());
    let record = world.emit_and_settle(json!({"source": "aws.ecr"})).await;
    assert_eq!(record.deliveries[0].outcome, Outcome::DeadLettered);
    assert_eq!(record.deliveries[0].attempts, 1);
    let message = world.fake.state().messages[0].clone();
    assert_eq!(
        message["MessageAttributes"]["ERROR_CODE"]["StringValue"],
        "NO_PERMISSIONS"
    );
}

#[tokio::test]
async fn a_missing_function_is_not_retried_either() {
    let mut world = World::start().await;
    let target = json!({
        "Id": "1", "Arn": FUNCTION, "DeadLetterConfig": {"Arn": DEAD_LETTERS},
    });
    world.fake.add_rule("push", "aws.ecr", &target);
    world.fake.state().functions.clear();
    world.emit_and_settle(json!({"source": "aws.ecr"})).await;
    let message = world.fake.state().messages[0].clone();
    assert_eq!(
        message["MessageAttributes"]["ERROR_CODE"]["StringValue"],
        "NO_RESOURCE"
    );
}

#[tokio::test]
async fn a_dead_letter_queue_that_lets_nobody_in_loses_the_event_and_says_so() {
    let mut world = World::start().await;
    let target = json!({
        "Id": "1", "Arn": FUNCTION, "DeadLetterConfig": {"Arn": DEAD_LETTERS},
    });
    world.fake.add_rule("push", "aws.ecr", &target);
    world.fake.state().functions.clear();
    world
        .fake
        .state()
        .queues
        .insert("dead-letters".to_owned(), String::new());
    let record = world.emit_and_settle(json!({"source": "aws.ecr"})).await;
    assert_eq!(record.deliveries[0].outcome, Outcome::Dropped);
    let error = record.deliveries[0].error.clone().unwrap();
    assert!(error.contains("the policy of arn:aws:sqs"), "{error}");
}

#[tokio::test]
async fn a_queue_gets_the_message_group_of_its_target() {
    let mut world = World::start().await;
    let target = json!({
        "Id": "1", "Arn": DEAD_LETTERS, "SqsParameters": {"MessageGroupId": "one"},
        "InputPath": "$.detail",
    });
    world.fake.add_rule("push", "aws.ecr", &target);
    world
        .emit_and_settle(json!({"source": "aws.ecr", "detail": {"a": 1}}))
        .await;
    let message = world.fake.state().messages[0].clone();
    assert_eq!(message["MessageGroupId"], "one");
    assert_eq!(message["MessageBody"], r#"{"a":1}"#);
}

#[tokio::test]
async fn a_duplicated_event_arrives_twice_and_a_dropped_one_never() {
    let mut world = World::start().await;
    world
        .fake
        .add_rule("push", "aws.ecr", &json!({"Id": "1", "Arn": FUNCTION}));
    world.add_fault(EventEffect::Duplicate, When::Nth(1));
    world.add_fault(EventEffect::Drop, When::Nth(2));
    for id in ["one", "two", "three"] {
        world.bus.emit(&json!({"source": "aws.ecr", "id": id}));
    }
    assert_eq!(world.invoked_ids(3).await, ["one", "one", "three"]);
}

#[tokio::test]
async fn a_reordered_event_is_passed_by_the_next() {
    let mut world = World::start().await;
    world
        .fake
        .add_rule("push", "aws.ecr", &json!({"Id": "1", "Arn": FUNCTION}));
    world.add_fault(EventEffect::Reorder, When::Nth(1));
    for id in ["one", "two"] {
        world.bus.emit(&json!({"source": "aws.ecr", "id": id}));
    }
    assert_eq!(world.invoked_ids(2).await, ["two", "one"]);
    assert_eq!(world.bus.log().since(0)[0].faults, ["reorder"]);
}

/// How many milliseconds at least are waited for what never comes.
const PATIENCE: usize = 5000;

struct World {
    fake: Arc<FakeMinistack>,
    bus: Bus,
    faults: Arc<Faults>,
    tasks: JoinSet<()>,
}

impl World {
    async fn start() -> Self {
        let mut tasks = JoinSet::new();
        let (fake, upstream) = FakeMinistack::start(&mut tasks).await;
        let clock = Clock::start(1.0);
        let faults = Arc::new(Faults::new(1));
        let (bus, delivering) = Bus::new(BusParts {
            rules: Arc::new(Rules::read_each_time(upstream.clone(), clock.clone())),
            upstream,
            clock,
            faults: faults.clone(),
            speed: SPEED,
            seed: 1,
        });
        tasks.spawn(delivering);
        World {
            fake,
            bus,
            faults,
            tasks,
        }
    }

    fn add_fault(&self, effect: EventEffect, when: When) {
        self.faults.add(FaultRule::Event(EventFault {
            source: None,
            detail_type: None,
            mentions: None,
            when,
            effect,
        }));
    }

    /// Emits an event and waits until nothing more happens to it.
    async fn emit_and_settle(&mut self, event: Value) -> crate::EventRecord {
        self.bus.emit(&event);
        for _ in 0..PATIENCE {
            let record = self.bus.log().since(0).pop().unwrap();
            let is_under_way = |delivery: &Delivery| delivery.outcome == Outcome::UnderWay;
            if let Some(rules) = &record.rules
                && record.deliveries.len() >= rules.len()
                && !record.deliveries.iter().any(is_under_way)
            {
                return record;
            }
            self.turn().await;
        }
        panic!("the event came to no end: {:?}", self.bus.log().since(0));
    }

    async fn invoked_ids(&mut self, count: usize) -> Vec<String> {
        for _ in 0..PATIENCE {
            if self.fake.state().invocations.len() >= count {
                break;
            }
            self.turn().await;
        }
        let state = self.fake.state();
        let ids = state
            .invocations
            .iter()
            .map(|(_, _, event)| event["id"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    }

    /// Lets the other tasks go on.
    async fn turn(&mut self) {
        assert!(
            self.tasks.try_join_next().is_none(),
            "a task of the world ended"
        );
        pause(Duration::from_millis(1)).await;
    }
}
