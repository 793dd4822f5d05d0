//! Tiny OCI images, made in memory and pushed as any client pushes.
//!
//! ```no_run
//! # async fn example() -> Result<(), local_aws::oci::PushError> {
//! use local_aws::oci::{Image, Registry, multi_arch};
//!
//! let v1 = Image::new("amd64").with_label("org.opencontainers.image.version", "1");
//! let registry = Registry::new("http://localhost:4566");
//! let digest = registry.push("team/web", "v1", &multi_arch(&v1, &["amd64", "arm64"])).await?;
//! # Ok(())
//! # }
//! ```

mod image;
mod push;

pub use image::{Artifact, Blob, Image, attested, multi_arch, single};
pub use push::{PushError, Registry};
