//! What people, Terraform and other tools do to a service.

use pushboat::core::policy::ServiceRef;
use simulation::{Image, REGISTRY};

use crate::action::Somebody;
use crate::play::Play;

impl Play {
    fn service(&self, name: &str) -> Result<ServiceRef, String> {
        let found = self.services.iter().find(|service| service.name == name);
        found
            .cloned()
            .ok_or_else(|| format!("there is no service {name}"))
    }

    pub(crate) fn somebody(&mut self, somebody: &Somebody) -> Result<(), String> {
        match somebody {
            Somebody::Deploys {
                service,
                image,
                content,
            } => {
                let service = self.service(service)?;
                if self.image(image).is_err() {
                    self.put(image, &Image { ..content.clone() });
                }
                let image = format!("{REGISTRY}/{image}");
                let revision = self.world.ecs.register(&service.name, &image);
                self.run(&service, revision);
            }
            Somebody::RunsRevision { service, revision } => {
                let service = self.service(service)?;
                self.run(&service, revision.clone());
            }
            Somebody::Stops(service) => self.world.ecs.stop(&self.service(service)?),
            Somebody::Forces(service) => {
                let service = self.service(service)?;
                self.world
                    .ecs
                    .update(&service, |update| update.force_new_deployment = true);
            }
            Somebody::Continues(service) => self.world.ecs.go_on(&self.service(service)?),
            Somebody::Scales { service, desired } => {
                let service = self.service(service)?;
                let ecs = &self.world.ecs;
                ecs.update(&service, |update| update.desired_count = Some(*desired));
            }
            Somebody::Kills { service } => self.kill(&self.service(service)?)?,
            Somebody::TakesSpot { service } => self.take_spot(&self.service(service)?)?,
            Somebody::DeletesService(service) => {
                self.world.ecs.delete_service(&self.service(service)?);
            }
            Somebody::DeletesImage(image) => {
                let digest = self.image(image)?.digest();
                self.world.images.delete(&image.repository, &digest);
            }
            Somebody::ArchivesImage(image) => {
                let digest = self.image(image)?.digest();
                self.world.images.archive(&image.repository, &digest);
            }
            Somebody::Deregisters(revision) => self.world.ecs.deregister(revision),
            Somebody::Configures {
                service,
                configuration,
            } => {
                self.world
                    .ecs
                    .configure(&self.service(service)?, configuration);
            }
            Somebody::Consents { service, target } => {
                let arn = self.world.ecs.service_arn(&self.service(service)?);
                self.world.ecs.tag(&arn, "pushboat:target", target);
            }
        }
        Ok(())
    }

    fn run(&self, service: &ServiceRef, revision: String) {
        let ecs = &self.world.ecs;
        ecs.update(service, |update| update.task_definition = Some(revision));
    }

    /// Stops the oldest task.
    fn kill(&self, service: &ServiceRef) -> Result<(), String> {
        let oldest = self.world.ecs.tasks(service).into_iter().next();
        let mut model = self.world.ecs.model();
        let task = oldest.and_then(|key| model.task(key));
        let id = task.map(|task| task.specification.id.clone());
        let id = id.ok_or("no task runs")?;
        let killed = model.stop_task(Some(&service.cluster), &id, None);
        killed.map(|_| ()).map_err(|error| error.message)
    }

    /// Takes the newest task's capacity back.
    fn take_spot(&self, service: &ServiceRef) -> Result<(), String> {
        let newest = self.world.ecs.tasks(service).into_iter().last();
        let newest = newest.ok_or("no task runs")?;
        match self.world.ecs.model().interrupt_spot_task(newest) {
            true => Ok(()),
            false => Err(format!("{service} is not on spot")),
        }
    }
}
