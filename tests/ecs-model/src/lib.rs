//! ecs-model.
