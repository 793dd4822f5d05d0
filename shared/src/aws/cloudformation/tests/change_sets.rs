//! Change sets: made, looked at, executed, and updates cancelled.

use super::*;

fn described(status: &str, execution: &str, reason: &str, changes: &str) -> Answer {
    answer(
        "DescribeChangeSet",
        &format!(
            "<ChangeSetName>c</ChangeSetName><Status>{status}</Status><ExecutionStatus>{execution}</ExecutionStatus><StatusReason>{reason}</StatusReason><Changes>{changes}</Changes>"
        ),
    )
}

fn request() -> ChangeSetRequest {
    ChangeSetRequest {
        stack: "shop".to_owned(),
        name: "pushboat-1".to_owned(),
        parameter: "Image".to_owned(),
        value: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web@sha256:0a".to_owned(),
        kept: vec!["Password".to_owned(), "Cpu".to_owned()],
        capabilities: vec!["CAPABILITY_IAM".to_owned()],
        role_arn: Some("arn:aws:iam::123456789012:role/stack".to_owned()),
    }
}

/// Reads a change set that CloudFormation describes so.
async fn read(status: &'static str, execution: &'static str, why: &'static str) -> ChangeSetLook {
    let endpoint = Endpoint::new(move |_| described(status, execution, why, ""));
    let look = cloudformation(&endpoint).change_set("shop", "c").await;
    look.unwrap()
}

fn found(state: ChangeSetState) -> ChangeSetLook {
    let changes = Vec::new();
    ChangeSetLook::Found(ChangeSet { state, changes })
}

#[tokio::test]
async fn each_state_is_told_apart() {
    use ChangeSetState::{Available, Executed, Executing, Obsolete, Pending};
    for (status, execution, expected) in [
        ("CREATE_PENDING", "UNAVAILABLE", Pending),
        ("CREATE_IN_PROGRESS", "UNAVAILABLE", Pending),
        ("CREATE_COMPLETE", "UNAVAILABLE", Pending),
        ("OF_A_LATER_DAY", "AVAILABLE", Pending),
        ("CREATE_COMPLETE", "AVAILABLE", Available),
        ("CREATE_COMPLETE", "EXECUTE_IN_PROGRESS", Executing),
        ("CREATE_COMPLETE", "EXECUTE_COMPLETE", Executed),
        ("CREATE_COMPLETE", "OBSOLETE", Obsolete),
    ] {
        let look = read(status, execution, "").await;
        assert_eq!(look, found(expected), "{status} {execution}");
    }
    let reason = "why".to_owned();
    let failed = ChangeSetState::ExecutionFailed { reason };
    let look = read("CREATE_COMPLETE", "EXECUTE_FAILED", "why").await;
    assert_eq!(look, found(failed));
    for gone in ["DELETE_COMPLETE", "DELETE_IN_PROGRESS"] {
        let look = read(gone, "AVAILABLE", "").await;
        assert_eq!(look, ChangeSetLook::Missing);
    }
    let endpoint = Endpoint::new(|_| refusal("ChangeSetNotFound", "ChangeSet [c] does not exist"));
    let look = cloudformation(&endpoint).change_set("shop", "c").await;
    assert_eq!(look, Ok(ChangeSetLook::Missing));
}

#[tokio::test]
async fn a_change_set_without_changes_is_told_from_one_that_cannot_be_made() {
    for unchanged in [
        "The submitted information didn&apos;t contain changes. Submit different information to create a change set.",
        "No updates are to be performed.",
    ] {
        let look = read("FAILED", "UNAVAILABLE", unchanged).await;
        assert_eq!(look, found(ChangeSetState::Unchanged), "{unchanged}");
    }
    let reason = "Parameter validation failed".to_owned();
    let look = read("FAILED", "UNAVAILABLE", "Parameter validation failed").await;
    assert_eq!(look, found(ChangeSetState::Failed { reason }));
}

#[tokio::test]
async fn the_changes_of_all_pages_are_read() {
    let endpoint = Endpoint::new(|call| {
        let change = |action: &str, id: &str, rest: &str| {
            format!(
                "<member><Type>Resource</Type><ResourceChange><Action>{action}</Action><LogicalResourceId>{id}</LogicalResourceId><ResourceType>AWS::ECS::Service</ResourceType>{rest}<Scope><member>Properties</member></Scope><Details><member><Target><Name>TaskDefinition</Name></Target></member></Details></ResourceChange></member>"
            )
        };
        let page = match field(call, "NextToken") {
            None => format!(
                "<Changes>{}</Changes><NextToken>2</NextToken>",
                change("Modify", "Service", "<Replacement>False</Replacement>")
            ),
            Some(_) => format!("<Changes>{}</Changes>", change("Add", "Other", "")),
        };
        let page = format!(
            "<Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus>{page}"
        );
        answer("DescribeChangeSet", &page)
    });
    let look = cloudformation(&endpoint).change_set("shop", "c").await;
    let Ok(ChangeSetLook::Found(change_set)) = look else {
        panic!("{look:?}");
    };
    let change = |action: &str, id: &str, replacement: Option<&str>| ResourceChange {
        action: action.to_owned(),
        logical_id: id.to_owned(),
        resource_type: "AWS::ECS::Service".to_owned(),
        replacement: replacement.map(str::to_owned),
    };
    let expected = [
        change("Modify", "Service", Some("False")),
        change("Add", "Other", None),
    ];
    assert_eq!(change_set.changes, expected);
    assert_eq!(endpoint.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_set_keeps_every_other_parameter_and_is_waited_for() {
    let looks = Mutex::new(0);
    let endpoint = Endpoint::new(move |call| match action(call).as_str() {
        "CreateChangeSet" => answer("CreateChangeSet", "<Id>i</Id>"),
        "DescribeChangeSet" => {
            let mut looks = looks.lock().unwrap();
            *looks += 1;
            match *looks < 4 {
                true => described("CREATE_IN_PROGRESS", "UNAVAILABLE", "", ""),
                false => described("CREATE_COMPLETE", "AVAILABLE", "", ""),
            }
        }
        other => panic!("unexpected {other}"),
    });
    let made = cloudformation(&endpoint)
        .create_change_set(&request())
        .await;
    assert_eq!(made, Ok(()));
    let calls = endpoint.calls();
    assert_eq!(calls.len(), 5);
    let (fields, _) = calls.first().map(|call| (&call.body, ())).unwrap();
    let expected = "Action=CreateChangeSet&Version=2010-05-15&StackName=shop\
        &ChangeSetName=pushboat-1&ChangeSetType=UPDATE&ClientToken=pushboat-1\
        &UsePreviousTemplate=true&Parameters.member.1.ParameterKey=Image\
        &Parameters.member.1.ParameterValue=123456789012.dkr.ecr.eu-west-1.amazonaws.com%2Fweb%40sha256%3A0a\
        &Parameters.member.2.ParameterKey=Password&Parameters.member.2.UsePreviousValue=true\
        &Parameters.member.3.ParameterKey=Cpu&Parameters.member.3.UsePreviousValue=true\
        &Capabilities.member.1=CAPABILITY_IAM&RoleARN=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fstack";
    assert_eq!(fields, expected);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_there_already_is_taken_and_a_slow_one_is_left_to_the_next_look() {
    let endpoint = Endpoint::new(|call| match action(call).as_str() {
        "CreateChangeSet" => refusal("AlreadyExistsException", "ChangeSet exists"),
        _ => described("CREATE_PENDING", "UNAVAILABLE", "", ""),
    });
    let made = cloudformation(&endpoint)
        .create_change_set(&request())
        .await;
    assert_eq!(made, Ok(()));
    assert_eq!(endpoint.calls().len(), 21);

    let refused = Endpoint::new(|_| refusal("LimitExceeded", "too many change sets"));
    let made = cloudformation(&refused).create_change_set(&request()).await;
    assert!(matches!(made, Err(CallError::Refused { .. })), "{made:?}");
    assert_eq!(refused.calls().len(), 1);
}

#[tokio::test]
async fn a_stack_that_takes_no_update_now_is_no_refusal() {
    let words = "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated.";
    let endpoint = Endpoint::new(move |_| refusal("ValidationError", words));
    let made = cloudformation(&endpoint)
        .create_change_set(&request())
        .await;
    assert_eq!(made, Ok(()));
    assert_eq!(endpoint.calls().len(), 1, "there is nothing to wait for");
    let executed = cloudformation(&endpoint)
        .execute_change_set("shop", "c", "t")
        .await;
    assert_eq!(executed, Ok(()));
    let mistake = Endpoint::new(|_| refusal("ValidationError", "Parameters: [Image] must exist"));
    let made = cloudformation(&mistake).create_change_set(&request()).await;
    assert!(matches!(made, Err(CallError::Refused { .. })), "{made:?}");
}

#[tokio::test]
async fn executing_is_sent_once_and_takes_what_was_executed_for_done() {
    let endpoint = Endpoint::new(|_| answer("ExecuteChangeSet", ""));
    let executed = cloudformation(&endpoint)
        .execute_change_set("shop", "c", "token-1")
        .await;
    assert_eq!(executed, Ok(()));
    let calls = endpoint.calls();
    assert_eq!(
        calls.first().unwrap().body,
        "Action=ExecuteChangeSet&Version=2010-05-15&StackName=shop&ChangeSetName=c&ClientRequestToken=token-1"
    );
    for code in ["InvalidChangeSetStatus", "TokenAlreadyExistsException"] {
        let endpoint = Endpoint::new(move |_| refusal(code, "it was executed"));
        let executed = cloudformation(&endpoint)
            .execute_change_set("shop", "c", "t")
            .await;
        assert_eq!(executed, Ok(()), "{code}");
    }
    for (answered, expected) in [
        (refusal("Throttling", ""), "throttled"),
        (refusal("ChangeSetNotFound", "gone"), "refused"),
        (Answer::Status(500, String::new()), "no clear answer"),
    ] {
        let Answer::Status(status, body) = answered else {
            panic!("no status");
        };
        let endpoint = Endpoint::new(move |_| Answer::Status(status, body.clone()));
        let executed = cloudformation(&endpoint)
            .execute_change_set("shop", "c", "t")
            .await;
        let told = executed.unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
        assert_eq!(endpoint.calls().len(), 1, "{expected}: it is sent once");
    }
}

#[tokio::test]
async fn cancelling_is_sent_once_and_refused_where_nothing_is_under_way() {
    let endpoint = Endpoint::new(|_| answer("CancelUpdateStack", ""));
    let cancelled = cloudformation(&endpoint)
        .cancel_update("shop", "token-2")
        .await;
    assert_eq!(cancelled, Ok(()));
    assert_eq!(
        endpoint.calls().first().unwrap().body,
        "Action=CancelUpdateStack&Version=2010-05-15&StackName=shop&ClientRequestToken=token-2"
    );
    let words = "CancelUpdateStack cannot be called from current stack status";
    let endpoint = Endpoint::new(move |_| refusal("ValidationError", words));
    let cancelled = cloudformation(&endpoint).cancel_update("shop", "t").await;
    assert!(
        matches!(cancelled, Err(CallError::Refused { .. })),
        "{cancelled:?}"
    );
    let broken = Endpoint::new(|_| Answer::Broken);
    let cancelled = cloudformation(&broken).cancel_update("shop", "t").await;
    assert!(
        matches!(cancelled, Err(CallError::Unclear { .. })),
        "{cancelled:?}"
    );
    assert_eq!(broken.calls().len(), 1);
}
