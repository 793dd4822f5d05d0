//! Registrations, claims and reverse items.

use super::*;

#[tokio::test]
async fn a_service_belongs_to_one_target() {
    let table = Table::default();
    let ledger = ledger(&table);
    let first = registering("a", "web", None);
    ledger.apply(&first).await.unwrap();
    let size = table.len();
    let refused = ledger.apply(&registering("b", "web", None)).await;
    let holder = "a".to_owned();
    assert_eq!(refused, Err(SaveError::Claimed { holder }));
    assert_eq!(
        table.len(),
        size,
        "nothing of a refused registration is stored"
    );

    let moved = RegistrationChange {
        release: first.claim.clone(),
        ..registering("a", "other", Some(first.registration))
    };
    ledger.apply(&moved).await.unwrap();
    ledger.apply(&registering("b", "web", None)).await.unwrap();
    let again = registering("b", "web", None);
    let expected = Some(again.registration.clone());
    let kept = registering("b", "web", expected);
    ledger.apply(&kept).await.unwrap();

    let thief = RegistrationChange {
        release: kept.claim,
        ..registering("a", "other", Some(moved.registration))
    };
    assert_eq!(
        ledger.apply(&thief).await,
        Err(SaveError::Conflict),
        "nobody gives up what another target holds"
    );
}

#[tokio::test]
async fn a_registration_follows_the_one_it_was_made_from() {
    let table = Table::default();
    let ledger = ledger(&table);
    let first = registering("a", "web", None);
    ledger.apply(&first).await.unwrap();
    assert_eq!(ledger.apply(&first).await, Err(SaveError::Conflict));
    let made_anew = Registration {
        parameter_changed_at: at(99),
        ..first.registration.clone()
    };
    assert_eq!(
        ledger
            .apply(&registering("a", "web", Some(made_anew)))
            .await,
        Err(SaveError::Conflict)
    );
    let next = registering("a", "web", Some(first.registration));
    ledger.apply(&next).await.unwrap();
    assert_eq!(ledger.registrations().await.unwrap(), [next.registration]);
}

#[tokio::test]
async fn all_pages_of_registrations_and_followers_are_read() {
    let table = Table::default();
    let ledger = ledger(&table);
    let names = ["a", "b", "c", "team/d", "team/e"];
    for name in names {
        ledger.apply(&registering(name, name, None)).await.unwrap();
    }
    let listed = ledger.registrations().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|found| found.target.as_str()).collect();
    assert_eq!(listed, names);
    let key = ReverseKey::Repository("team/web".to_owned());
    assert_eq!(ledger.followers(&key).await.unwrap().len(), names.len());

    let first = registering("a", "a", None);
    let gone = RegistrationChange {
        unfollow: vec![key.clone()],
        follow: Vec::new(),
        claim: None,
        release: first.claim,
        ..registering("a", "a", Some(first.registration))
    };
    ledger.apply(&gone).await.unwrap();
    let followers = ledger.followers(&key).await.unwrap();
    assert!(
        followers
            .iter()
            .all(|follower| follower.target != target("a"))
    );
    let nobody = ReverseKey::Repository("else".to_owned());
    assert_eq!(ledger.followers(&nobody).await.unwrap(), []);
}

#[tokio::test]
async fn a_wake_up_is_noted_for_the_registration_it_was_for() {
    let table = Table::default();
    let ledger = ledger(&table);
    let first = registering("a", "web", None).registration;
    ledger.apply(&registering("a", "web", None)).await.unwrap();
    let second = registering("a", "web", Some(first.clone())).registration;
    ledger
        .apply(&registering("a", "web", Some(first.clone())))
        .await
        .unwrap();
    ledger.note_woken(&first).await.unwrap();
    let listed = async || ledger.registrations().await.unwrap().remove(0);
    assert_eq!(listed().await, second);
    ledger.note_woken(&second).await.unwrap();
    let woken = Registration {
        woken: true,
        ..second
    };
    assert_eq!(listed().await, woken);
    let entry = ledger.load(&woken.target).await.unwrap();
    assert_eq!(entry.registration, Some(woken.into()));
    let unknown = registering("b", "web", None).registration;
    ledger.note_woken(&unknown).await.unwrap();
}

#[tokio::test]
async fn when_the_parameters_were_read_is_kept() {
    let ledger = ledger(&Table::default());
    let (read, find) = (Chore::ReadParameters, Chore::FindOverlooked);
    assert_eq!(ledger.done_at(read).await.unwrap(), None);
    ledger.note_done(read, Some(at(7))).await.unwrap();
    assert_eq!(ledger.done_at(read).await.unwrap(), Some(at(7)));
    assert_eq!(ledger.done_at(find).await.unwrap(), None);
    ledger.note_done(read, None).await.unwrap();
    assert_eq!(ledger.done_at(read).await.unwrap(), None);
}
