//! The rules of the model, each tried from outside.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a request reads best where it is made"
)]

mod alarms;
mod blue_green;
mod capacity;
mod circuit_breaker;
mod clusters;
mod comes_to_rest;
mod deployment_stop;
mod events;
mod failing_tasks;
mod health_checks;
mod history;
mod hooks;
mod protocol;
mod rate_limits;
mod read_lag;
mod rolling_updates;
mod services;
mod spot;
mod standalone_tasks;
mod task_definitions;
mod world;
