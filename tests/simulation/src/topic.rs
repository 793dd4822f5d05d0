//! The notification topic and the event bus.

use std::cell::RefCell;
use std::rc::Rc;

use pushboat::ports::{CallError, Publication};
use serde_json::Value;

/// The topic, which keeps what was published; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Topic(Rc<RefCell<Vec<Publication>>>);

impl Topic {
    /// Gives everything that was published, in order.
    #[must_use]
    pub fn published(&self) -> Vec<Publication> {
        self.0.borrow().clone()
    }

    /// Gives the JSON documents that were published, in order.
    ///
    /// # Panics
    ///
    /// If one is no JSON.
    #[must_use]
    pub fn documents(&self) -> Vec<Value> {
        let published = self.0.borrow();
        let bodies = published.iter().flat_map(|one| &one.bodies);
        let documents = bodies.filter(|(protocol, _)| *protocol == "default");
        documents
            .map(|(_, body)| serde_json::from_str(body).expect("a document is JSON"))
            .collect()
    }
}

/// The event bus, which keeps the documents that were put on it; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Bus(Rc<RefCell<Vec<Value>>>);

impl Bus {
    /// Gives the documents, in order.
    #[must_use]
    pub fn documents(&self) -> Vec<Value> {
        self.0.borrow().clone()
    }
}

impl pushboat::ports::EventBus for Bus {
    async fn put(&self, document: &str) -> Result<(), CallError> {
        let document = serde_json::from_str(document).expect("a document is JSON");
        self.0.borrow_mut().push(document);
        Ok(())
    }
}

impl pushboat::ports::Topic for Topic {
    async fn publish(&self, publication: &Publication) -> Result<(), CallError> {
        self.0.borrow_mut().push(publication.clone());
        Ok(())
    }
}
