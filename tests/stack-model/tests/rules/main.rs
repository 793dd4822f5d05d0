//! The rules of the model, each tried from outside.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a request reads best where it is made"
)]

mod busy;
mod cancels;
mod change_sets;
mod changes;
mod deletions;
mod events;
mod execution;
mod parameters;
mod protocol;
mod rollbacks;
mod templates;
mod time;
mod updates;
mod world;
