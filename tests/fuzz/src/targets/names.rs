//! Names, ARNs, digests, image references and keys.

use pushboat::core::diagnosis::service_trouble::ServiceTrouble;
use pushboat::core::name::{ImageDigest, TargetName};
use pushboat::ledger::NoticeKey;
use pushboat::ledger::key::ItemKey;
use pushboat::task_definition::{PulledVersion, image_reference, pulled_from, registry_of};
use pushboat::trigger::ecs::service_of;

const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(target) = TargetName::parse(text) {
        assert_eq!(target.as_str(), text);
        let state = ItemKey::state(&target);
        assert_eq!(state.as_state().as_ref(), Some(&target));
        assert_eq!(state.as_notice(), None);
        assert_eq!(target.message_group().len(), 32);
        let id = text.to_owned();
        let notice = NoticeKey { target, id };
        assert_eq!(ItemKey::notice(&notice).as_notice(), Some(notice));
    }
    if let Some(digest) = ImageDigest::parse(text) {
        assert_eq!((digest.as_str(), digest.short().len()), (text, 12));
    }
    if let Some(service) = service_of(text) {
        assert!(text.ends_with(&service.to_string()));
        assert!(!service.cluster.contains('/'));
    }
    if let Some(registry) = registry_of(text) {
        assert!(registry.contains(".dkr.ecr."));
    }
    references(text);
    let (partition, sort) = text.split_once('\n').unwrap_or((text, "state"));
    let key = ItemKey {
        partition: partition.to_owned(),
        sort: sort.to_owned(),
    };
    if let Some(target) = key.as_state() {
        assert_eq!(ItemKey::state(&target), key);
    }
    if let Some(notice) = key.as_notice() {
        assert_eq!(ItemKey::notice(&notice), key);
    }
    if let Some(trouble) = ServiceTrouble::read(partition, sort) {
        assert!(!trouble.as_str().is_empty());
        _ = (trouble.hinders(), trouble.verdict());
    }
}

fn references(text: &str) {
    let reference = image_reference(text);
    assert!(text.starts_with(reference.registry));
    assert!(text.contains(reference.repository));
    assert!(!reference.repository.contains(['@', ':']));
    let Some(pulled) = pulled_from(text, REGISTRY) else {
        return;
    };
    assert_eq!(pulled.repository, reference.repository);
    match pulled.version {
        PulledVersion::Tag(tag) => assert!(tag == "latest" || text.ends_with(tag)),
        PulledVersion::Digest(digest) => assert!(text.ends_with(digest.as_str())),
    }
}
