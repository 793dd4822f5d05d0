//! The network of a task, made up from its id: the model has no VPC, but what
//! ECS shows of a task on `awsvpc` is not complete without one.

use serde_json::{Value, json};

use crate::identifier::{number_of, uuid};
use crate::protocol::Dates;
use crate::task::{TaskSpecification, TaskStatus};

/// What ECS shows of a task's network interface.
pub(crate) struct NetworkInterface {
    number: u64,
    subnet: String,
}

impl NetworkInterface {
    /// Makes up the interface of a task; always the same for the same task.
    pub(crate) fn of(specification: &TaskSpecification) -> Self {
        let number = number_of(&specification.id);
        let subnets = specification
            .workload
            .network_configuration
            .as_ref()
            .and_then(|network| network.get("awsvpcConfiguration")?["subnets"].as_array());
        let subnet = subnets
            .filter(|subnets| !subnets.is_empty())
            .and_then(|subnets| subnets[number as usize % subnets.len()].as_str())
            .unwrap_or("subnet-00000000000000000")
            .to_owned();
        NetworkInterface { number, subnet }
    }

    /// The attachment's id.
    pub(crate) fn attachment_id(&self) -> String {
        uuid(self.number)
    }

    /// Its private address.
    pub(crate) fn private_ipv4_address(&self) -> String {
        let bytes = self.number.to_be_bytes();
        format!("10.0.{}.{}", bytes[6], bytes[7].clamp(4, 254))
    }

    /// The letter of its zone.
    pub(crate) fn zone(&self) -> char {
        ['a', 'b', 'c'][number_of(&self.subnet) as usize % 3]
    }

    /// The task's entry of `attachments`; events name its kind otherwise than answers.
    pub(crate) fn attachment(&self, status: TaskStatus, dates: Dates) -> Value {
        let bytes = self.number.to_be_bytes();
        let mac: Vec<String> = bytes[..5]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let address = self.private_ipv4_address();
        let detail = |name: &str, value: String| json!({"name": name, "value": value});
        let mut details = vec![detail("subnetId", self.subnet.clone())];
        if status > TaskStatus::Provisioning {
            details.extend([
                detail("networkInterfaceId", format!("eni-0{:016x}", self.number)),
                detail("macAddress", format!("0e:{}", mac.join(":"))),
                detail(
                    "privateDnsName",
                    format!("ip-{}.ec2.internal", address.replace('.', "-")),
                ),
                detail("privateIPv4Address", address),
            ]);
        }
        let mut attachment = json!({
            "id": self.attachment_id(),
            "type": match dates {
                Dates::Iso => "eni",
                Dates::Epoch => "ElasticNetworkInterface",
            },
            "status": match status {
                TaskStatus::Provisioning => "ATTACHING",
                TaskStatus::Pending
                | TaskStatus::Activating
                | TaskStatus::Running
                | TaskStatus::Deactivating
                | TaskStatus::Stopping
                | TaskStatus::Deprovisioning => "ATTACHED",
                TaskStatus::Stopped => "DELETED",
            },
        });
        attachment["details"] = Value::Array(details);
        attachment
    }
}
