//! Pushboat: push a container image to ECR and it goes live on ECS Fargate.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::unreachable
    )
)]

pub mod core;
pub mod image;
pub mod ledger;
pub mod message;
pub mod notice;
pub mod outbox;
pub mod ports;
pub mod queue;
pub mod reconcile;
pub mod registration;
pub mod sweep;
pub mod target;
pub mod task_definition;
pub mod trigger;
pub mod wake;
