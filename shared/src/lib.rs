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
pub mod notice;
pub mod ports;
pub mod queue;
pub mod target;
pub mod task_definition;
