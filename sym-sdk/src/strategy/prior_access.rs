//! The access that an identity has before a grant.

use crate::machine::PriorState;

/// The access that an identity has to a target, compared with what the target grants.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriorAccess {
    /// The service cannot tell. The access is granted, and its end takes it away.
    Unknown,
    /// The identity has no access to the resource.
    None,
    /// The identity has at least what the target grants. If no other request gives it, the access is neither granted nor revoked.
    Sufficient,
    /// The identity has less than the target grants, or something else that the grant changes: a lower role, a standing invitation at
    /// another level. If no other request gives it, the state is stored with the grant, and
    /// [handed back](super::AccessRequest::prior) to restore it.
    Lesser(PriorState),
}
