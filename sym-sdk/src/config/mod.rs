//! The configuration of an organization: its flows and what they refer to.

mod check;
mod declare;
mod fault;
#[cfg(feature = "terraform")]
mod terraform;

pub use check::{Checked, CheckedFilter};
pub use declare::*;
pub use fault::{Fault, Faults};
#[cfg(feature = "terraform")]
#[cfg_attr(docsrs, doc(cfg(feature = "terraform")))]
pub use terraform::{Terraform, TerraformReader};
