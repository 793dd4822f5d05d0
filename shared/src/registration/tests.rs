//! Targets that go through a stack, beside others.

use std::cell::RefCell;

use super::*;
use crate::core::hold::Hold;
use crate::ledger::{Chore, RegistrationChange, ReverseKey, SaveError};
use crate::notice::{News, Notice};

const PREFIX: &str = "pushboat";

/// What AWS and the ledger hold.
#[derive(Default)]
struct World {
    parameters: RefCell<BTreeMap<String, Parameter>>,
    stacks: RefCell<BTreeMap<String, Result<Vec<String>, CallError>>>,
    registrations: RefCell<BTreeMap<TargetName, Registration>>,
    claims: RefCell<BTreeMap<ServiceRef, TargetName>>,
    told: RefCell<BTreeMap<String, Vec<Mistake>>>,
}

impl Parameters for World {
    async fn below(&self, path: &str) -> Result<Vec<Parameter>, CallError> {
        let parameters = self.parameters.borrow();
        let below = parameters.values().filter(|one| one.name.starts_with(path));
        Ok(below.cloned().collect())
    }

    async fn value(&self, _: &str) -> Result<Option<String>, CallError> {
        Ok(None)
    }
}

impl StackResources for World {
    async fn services(&self, stack: &str) -> Result<Option<Vec<String>>, CallError> {
        self.stacks.borrow().get(stack).cloned().transpose()
    }
}

impl Registrations for World {
    async fn registrations(&self) -> Result<Vec<Registration>, LedgerError> {
        Ok(self.registrations.borrow().values().cloned().collect())
    }

    async fn apply(&self, change: &RegistrationChange) -> Result<(), SaveError> {
        let target = change.registration.target.clone();
        let mut claims = self.claims.borrow_mut();
        if let Some(service) = &change.claim {
            match claims.get(service) {
                Some(holder) if *holder != target => {
                    let holder = holder.to_string();
                    return Err(SaveError::Claimed { holder });
                }
                Some(_) | None => _ = claims.insert(service.clone(), target.clone()),
            }
        }
        if let Some(service) = &change.release {
            claims.remove(service);
        }
        if let Some(Notice { id, news, .. }) = &change.notice
            && let News::TargetInvalid { mistakes } = news
        {
            let before = self.told.borrow_mut().insert(id.clone(), mistakes.clone());
            assert_eq!(before, None, "{id} was told already");
        }
        let mut registrations = self.registrations.borrow_mut();
        registrations.insert(target, change.registration.clone());
        Ok(())
    }

    async fn due(&self, _: Timestamp) -> Result<Vec<(TargetName, Timestamp)>, LedgerError> {
        Ok(Vec::new())
    }

    async fn note_woken(&self, registration: &Registration) -> Result<(), LedgerError> {
        let mut registrations = self.registrations.borrow_mut();
        if let Some(stored) = registrations.get_mut(&registration.target) {
            stored.woken = true;
        }
        Ok(())
    }

    async fn done_at(&self, _: Chore) -> Result<Option<Timestamp>, LedgerError> {
        Ok(None)
    }

    async fn note_done(&self, _: Chore, _: Option<Timestamp>) -> Result<(), LedgerError> {
        Ok(())
    }

    async fn hold(&self) -> Result<Option<Hold>, LedgerError> {
        Ok(None)
    }

    async fn note_hold(&self, _: Option<&Hold>) -> Result<(), LedgerError> {
        Ok(())
    }
}

impl World {
    fn put(&self, target: &str, says: &str) {
        let name = format!("/{PREFIX}/targets/{target}");
        let mut parameters = self.parameters.borrow_mut();
        let version = 1 + parameters.get(&name).map_or(0, |one| one.version);
        let value = format!(
            r#"{{ {says}, "images": [{{ "repository": "web", "tags": {{ "glob": ["*"] }} }}] }}"#
        );
        let changed_at = Timestamp::UNIX_EPOCH;
        let parameter = Parameter {
            name: name.clone(),
            value,
            version,
            changed_at,
        };
        parameters.insert(name, parameter);
    }

    fn stack(&self, name: &str, services: &[&str]) {
        let arn = |name: &&str| format!("arn:aws:ecs:eu-west-1:123456789012:service/{name}");
        let services = services.iter().map(arn).collect();
        self.stacks
            .borrow_mut()
            .insert(name.to_owned(), Ok(services));
    }

    /// Reads the parameters, wakes what is to be woken, and gives those targets.
    async fn read(&self) -> (Vec<String>, Registered) {
        let now = Timestamp::UNIX_EPOCH;
        let registered = register(self, self, self, PREFIX, now).await.unwrap();
        for registration in &registered.to_wake {
            self.note_woken(registration).await.unwrap();
        }
        let woken = registered.to_wake.iter();
        let woken = woken.map(|one| one.target.to_string()).collect();
        (woken, registered)
    }

    fn registration(&self, target: &str) -> Registration {
        let target = TargetName::parse(target).unwrap();
        self.registrations.borrow().get(&target).unwrap().clone()
    }

    /// Gives the one mistake of a target.
    fn mistake(&self, target: &str) -> String {
        match self.registration(target).status {
            RegistrationStatus::Invalid { mistakes } if mistakes.len() == 1 => {
                mistakes.first().unwrap().to_string()
            }
            other => panic!("{other:?}"),
        }
    }
}

fn service(text: &str) -> ServiceRef {
    let (cluster, name) = text.split_once('/').unwrap();
    ServiceRef {
        cluster: cluster.to_owned(),
        name: name.to_owned(),
    }
}

const THROUGH_SHOP: &str = r#""stack": { "name": "shop", "parameter": "Image" }"#;

fn to_service(text: &str) -> String {
    let (cluster, name) = text.split_once('/').unwrap();
    format!(r#""service": {{ "cluster": "{cluster}", "name": "{name}" }}"#)
}

#[tokio::test]
async fn the_service_of_a_stack_is_claimed_and_followed_with_the_stack() {
    let world = World::default();
    world.put("web", THROUGH_SHOP);
    world.stack("shop", &["prod/web"]);
    assert_eq!(world.read().await.0, ["web"]);
    let registration = world.registration("web");
    assert_eq!(registration.claim, Some(service("prod/web")));
    assert_eq!(registration.policy().unwrap().service, service("prod/web"));
    for key in [
        ReverseKey::Service(service("prod/web")),
        ReverseKey::Stack("shop".to_owned()),
    ] {
        assert!(registration.follows.contains(&key), "{key:?}");
    }
    assert!(world.read().await.0.is_empty(), "nothing changed");
}

#[tokio::test]
async fn a_stack_without_the_one_service_is_a_mistake_until_it_has_it() {
    let world = World::default();
    world.put("web", THROUGH_SHOP);
    assert_eq!(world.read().await.0, ["web"]);
    let none = "stack.name: there is no stack `shop` in this account and Region.";
    assert!(world.mistake("web").starts_with(none));
    assert!(world.read().await.0.is_empty(), "it is told once");

    world.stack("shop", &[]);
    assert_eq!(world.read().await.0, ["web"]);
    let none = "stack.name: stack `shop` has no ECS service.";
    assert!(world.mistake("web").starts_with(none));

    let many = ["a/1", "a/2", "a/3", "a/4", "a/5", "a/6"];
    world.stack("shop", &many);
    world.read().await;
    let several = "stack.name: stack `shop` has 6 ECS services: `a/1`, `a/2`, `a/3`, `a/4`, `a/5`, and 1 more.";
    assert!(world.mistake("web").starts_with(several));
    assert_eq!(world.told.borrow().len(), 3, "each is told");

    world.stack("shop", &["old-form"]);
    assert_eq!(world.read().await.0, ["web"]);
    let old = "stack.name: the ARN of the ECS service of stack `shop` names no cluster: \
               `arn:aws:ecs:eu-west-1:123456789012:service/old-form`.";
    assert!(world.mistake("web").starts_with(old));
    assert!(world.read().await.0.is_empty(), "it is told once");

    world.stack("shop", &["a/1"]);
    assert_eq!(world.read().await.0, ["web"]);
    assert_eq!(world.registration("web").claim, Some(service("a/1")));
}

#[tokio::test]
async fn a_service_that_was_replaced_is_claimed_in_place_of_the_old_one() {
    let world = World::default();
    world.put("web", THROUGH_SHOP);
    world.stack("shop", &["prod/web"]);
    world.read().await;
    world.stack("shop", &["prod/web-2"]);
    assert_eq!(world.read().await.0, ["web"]);
    let claims: Vec<ServiceRef> = world.claims.borrow().keys().cloned().collect();
    assert_eq!(claims, [service("prod/web-2")]);
    let old = ReverseKey::Service(service("prod/web"));
    assert!(!world.registration("web").follows.contains(&old));

    world.stacks.borrow_mut().clear();
    assert_eq!(world.read().await.0, ["web"]);
    assert!(world.mistake("web").contains("there is no stack `shop`"));
}

#[tokio::test]
async fn a_stack_that_cannot_be_looked_at_leaves_its_target_and_hides_no_sibling() {
    let denied = |world: &World| {
        let call = "cloudformation:ListStackResources shop".to_owned();
        let error = CallError::Throttled { call };
        let mut stacks = world.stacks.borrow_mut();
        stacks.insert("shop".to_owned(), Err(error.clone()));
        error
    };
    let world = World::default();
    world.put("a", THROUGH_SHOP);
    world.put("b", &to_service("prod/api"));
    let error = denied(&world);
    let (woken, registered) = world.read().await;
    assert_eq!(woken, ["b"]);
    assert_eq!(registered.not_looked, Some(error));
    let a = TargetName::parse("a").unwrap();
    assert!(!world.registrations.borrow().contains_key(&a));

    world.stack("shop", &["prod/web"]);
    assert_eq!(world.read().await.0, ["a"]);
    let before = world.registration("a");
    denied(&world);
    assert!(world.read().await.0.is_empty());
    world.put("a", THROUGH_SHOP);
    assert!(
        world.read().await.0.is_empty(),
        "a new version is not read by halves"
    );
    assert_eq!(world.registration("a"), before);
}

#[tokio::test]
async fn a_service_belongs_to_the_stacks_target_or_the_other_one() {
    let world = World::default();
    world.put("shop", THROUGH_SHOP);
    world.put("web", &to_service("prod/web"));
    world.stack("shop", &["prod/web"]);
    world.read().await;
    assert_eq!(
        world.mistake("web"),
        "service (claim): service `prod/web` belongs to target `shop` already, which deploys \
         through stack `shop`. A service has one target: delete the parameter of `shop`, or this \
         one."
    );
    assert!(world.read().await.0.is_empty(), "it is told once");
    world.put("shop", &to_service("prod/other"));
    assert_eq!(world.read().await.0, ["shop", "web"]);
    let follows = world.registration("shop").follows;
    assert!(!follows.contains(&ReverseKey::Stack("shop".to_owned())));

    world.put("shop", THROUGH_SHOP);
    world.read().await;
    let refused = world.mistake("shop");
    assert!(refused.contains("`prod/web` belongs to target `web` already."));
}
