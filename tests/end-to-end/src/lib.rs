//! Pushboat as it is installed: the built functions and the real template, put on a
//! local AWS by `sam deploy`, driven and watched from outside.
//!
//! The parts, in the order they are used:
//!
//! - [`Checkout`]: where the repository and its tools are.
//! - [`Staged`]: the functions, built, and the template that names them.
//! - [`Installation`]: the stack, deployed and found complete.
//! - [`Example`]: the stack of an example, made from its template.
//! - [`Aws`]: calls to any service, as a person's tool makes them.
//! - [`customer`]: what people have before they install Pushboat: a repository, a
//!   cluster, a task definition, a service.
//! - [`operator`]: what people ask Pushboat, or tell it to do.
//! - [`notices`]: what people are told; [`FunctionLog`]: what the functions write.
//! - [`mod@wait`]: looking until something is so.
//!
//! Nothing here depends on `pushboat`: what is not visible from outside is not looked at.

pub mod aws;
pub mod call_log;
pub mod checkout;
pub mod customer;
pub mod example_stack;
pub mod function_log;
pub mod installation;
pub mod intrinsic;
pub mod notice;
pub mod operator;
mod process;
pub mod resource;
pub mod stack;
pub mod staging;
mod taken_out;
pub mod template;
pub mod wait;

pub use aws::{Aws, AwsError};
pub use call_log::AnsweredCalls;
pub use checkout::{Checkout, CheckoutError};
pub use example_stack::{Example, ExampleError, MadeStack, ServiceStack};
pub use function_log::{FunctionLog, LogEntry};
pub use installation::{InstallError, Installation};
pub use notice::{Notice, notices};
pub use staging::{Staged, StagingError};
pub use template::TemplateError;
pub use wait::{Seen, WaitError, wait};

/// Why something that needs several of the parts did not succeed.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
