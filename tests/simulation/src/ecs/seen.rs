//! What tests ask of the account.

use pushboat::core::policy::ServiceRef;

use super::Ecs;

impl Ecs {
    /// Reads a service that has to be there.
    fn of_service<T>(
        &self,
        service: &ServiceRef,
        read: impl FnOnce(&ecs_model::Service) -> T,
    ) -> T {
        let model = self.read();
        let found = model.service(Some(&service.cluster), &service.name);
        let found = found.expect("the cluster exists");
        read(found.expect("the service exists"))
    }

    /// Gives a service's ARN.
    ///
    /// # Panics
    ///
    /// If there is no such service.
    #[must_use]
    pub fn service_arn(&self, service: &ServiceRef) -> String {
        self.of_service(service, |found| found.arn.to_string())
    }

    /// Says which revision a service is driven towards, by family and number.
    ///
    /// # Panics
    ///
    /// If there is no such service.
    #[must_use]
    pub fn revision(&self, service: &ServiceRef) -> String {
        self.of_service(service, |found| {
            let primary = found.primary().expect("it has a primary deployment");
            let arn = &found.revisions[primary.revision].task_definition.arn;
            arn.rsplit('/').next().unwrap_or_default().to_owned()
        })
    }

    /// Says which images a service's primary deployment runs.
    ///
    /// # Panics
    ///
    /// If there is no such service.
    #[must_use]
    pub fn images(&self, service: &ServiceRef) -> Vec<String> {
        self.of_service(service, |found| {
            let primary = found.primary().expect("it has a primary deployment");
            let definition = &found.revisions[primary.revision].task_definition;
            let containers = definition.containers.iter();
            containers.map(|one| one.image.clone()).collect()
        })
    }

    /// Says which images a service was asked to run, deployment by deployment.
    ///
    /// # Panics
    ///
    /// If there is no such service.
    #[must_use]
    pub fn asked_for(&self, service: &ServiceRef) -> Vec<String> {
        self.of_service(service, |found| {
            let revisions = found.revisions.iter();
            let containers = revisions.flat_map(|one| &one.task_definition.containers);
            containers.map(|one| one.image.clone()).collect()
        })
    }

    /// Says how many revisions a family has.
    #[must_use]
    pub fn revisions(&self, family: &str) -> usize {
        let model = self.read();
        let latest = model.task_definition(family);
        latest.map_or(0, |entry| entry.definition.revision as usize)
    }

    /// Says whether there is a service of that name.
    #[must_use]
    pub fn exists(&self, service: &ServiceRef) -> bool {
        let model = self.read();
        let found = model.service(Some(&service.cluster), &service.name);
        matches!(found, Ok(Some(_)))
    }
}
