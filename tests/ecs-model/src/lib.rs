//! A model of Amazon ECS on Fargate: a pure, deterministic state machine in
//! virtual time.
//!
//! It plays AWS, so it knows nothing of `pushboat`. It does no I/O, reads no
//! clock and draws no random numbers: time is an argument, and what a container
//! does is written in the labels of its image (see [`Behaviour`]). Each rule
//! names the page of AWS's documentation it comes from, and has a test.
//!
//! # Two ways in
//!
//! - [`Ecs::call`] answers the JSON protocol (awsJson1.1), for an endpoint.
//! - The typed methods beneath it ([`Ecs::update_service`], [`Ecs::service`],
//!   [`Ecs::take_changes`], …) cost no JSON, for a simulation. They act at the
//!   time of the last [`Ecs::advance`].
//!
//! # What it leaves out
//!
//! Placement on container instances (a service that is not on Fargate starts no
//! task), early success criteria (stored and shown, never acted on), task sets,
//! autoscaling, which Spot capacity there is, and load balancers as such: which
//! share of the traffic a revision shall have is shown, and nothing carries it.
//!
//! # What is off until asked for
//!
//! - [`Ecs::set_read_lag`], [`Ecs::keep_past`] and [`Ecs::past`]: reads that do
//!   not show yet what happened a moment ago.
//! - [`Ecs::limit_rates`] and [`Ecs::count_call`]: operations that are called
//!   too often are refused.
//! - [`Ecs::set_out_of_capacity`]: Fargate places no task.
//! - [`Ecs::interrupt_spot_task`]: Fargate Spot takes capacity back.
//! - [`Ecs::set_rollback_identity`]: rollbacks that show a new deployment's id.
//!
//! What only others can say is told to the model: [`Ecs::set_alarm`] and
//! [`Ecs::set_hook_answer`].

mod agenda;
mod alarm;
mod capacity;
mod circuit_breaker;
mod cluster;
mod container;
mod deployment;
mod deployment_configuration;
mod deployment_stages;
mod deployment_start;
mod deployment_stop;
mod deployment_strategy;
mod deployment_turnover;
mod deployment_watch;
mod ecs;
mod error;
mod event;
mod failure;
mod hook_execution;
mod identifier;
mod lifecycle;
mod lifecycle_hook;
mod network;
mod past;
mod protocol;
mod rate_limit;
mod registry;
mod rollback;
mod rolling_update;
mod scheduler;
mod service;
mod service_check;
mod service_deployment;
mod service_operation;
mod service_request;
mod service_task;
mod settings;
mod shared;
mod side_by_side;
mod standalone_task;
mod steady_state;
mod tag;
mod target_group;
mod task;
mod task_behaviour;
mod task_definition;
mod task_definition_document;
mod task_lifecycle;
mod workload;

pub use circuit_breaker::{CircuitBreaker, Threshold};
pub use cluster::{Cluster, ClusterStatus, CreateCluster};
pub use container::{Behaviour, ContainerDefinition, LogDestination};
pub use deployment::{Deployment, RolloutState, ServiceRevision};
pub use deployment_configuration::{DeploymentAlarms, DeploymentConfiguration};
pub use deployment_strategy::{DeploymentStrategy, TrafficStep};
pub use ecs::{Ecs, LogLine};
pub use error::ServiceError;
pub use event::{Change, ChangeKind, DeploymentChange, ServiceAction};
pub use failure::FailureCause;
pub use lifecycle::{Lifecycle, LifecycleStage};
pub use lifecycle_hook::{
    HookAction, HookAnswer, HookExecution, HookStatus, HookTarget, LifecycleHook,
};
pub use registry::{Platform, PullError, Registry, ResolvedImage};
pub use service::{
    DeploymentController, SchedulingStrategy, Service, ServiceKey, ServiceMessage, ServiceStatus,
    TaskCounts,
};
pub use service_deployment::{
    AlarmWatch, RevisionCounts, Rollback, ServiceDeployment, ServiceDeploymentStatus,
};
pub use service_request::{CreateService, UpdateService};
pub use settings::{RollbackIdentity, Settings, Timings};
pub use standalone_task::RunTask;
pub use tag::{Tag, Tags};
pub use target_group::Target;
pub use task::{
    ContainerState, HealthStatus, StopCode, Task, TaskKey, TaskSpecification, TaskState, TaskStatus,
};
pub use task_definition::{TaskDefinition, TaskDefinitionEntry, TaskDefinitionStatus};
pub use workload::{Structures, Workload};
