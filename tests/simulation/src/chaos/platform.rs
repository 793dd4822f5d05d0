//! What AWS does by itself: capacity that comes and goes, and autoscaling.

use super::plan::pick;
use super::run::Chaos;

impl Chaos {
    /// Fargate Spot takes the capacity of some of a service's tasks back.
    pub(super) fn interrupt(&mut self) {
        let service = self.any_target().terms.service.clone();
        let tasks = self.world.ecs.tasks(&service);
        let most = self.rng.usize(1..=2);
        let mut count = 0;
        for task in tasks.into_iter().take(most) {
            count += usize::from(self.world.ecs.model().interrupt_spot_task(task));
        }
        if count > 0 {
            self.did("spot interrupts tasks", &format!("{count} of {service}"));
        }
    }

    /// Fargate places no task for some minutes.
    pub(super) fn run_out_of_capacity(&mut self) {
        self.world.ecs.model().set_out_of_capacity(true);
        self.did("fargate has no capacity", "");
        let seconds = self.rng.i64(10..900);
        self.pass(seconds);
        self.world.ecs.model().set_out_of_capacity(false);
        self.say(|| "fargate has capacity again".to_owned());
    }

    /// Others in the account call an operation as often as they may, for some time.
    pub(super) fn use_up(&mut self) {
        let operation = *pick(
            &mut self.rng,
            &[
                "RegisterTaskDefinition",
                "DescribeTaskDefinition",
                "UpdateService",
                "DescribeServices",
                "ListServiceDeployments",
            ],
        );
        self.did("others use up a rate", operation);
        for _ in 0..self.rng.u8(1..=60) {
            self.world.ecs.use_up(operation);
            self.pass(1);
        }
    }

    /// Application Auto Scaling changes how many tasks a service wants.
    pub(super) fn autoscale(&mut self) {
        let service = self.any_target().terms.service.clone();
        let capacity = self.rng.u32(1..=6);
        if self.world.ecs.autoscale(&service, capacity) {
            self.did("autoscale", &format!("{service} to {capacity}"));
        }
    }
}
