//! An operator's day.

pub(crate) mod changed {
    use sym_sdk::prelude::*;

    #[reducer]
    pub(crate) fn get_permissions() -> RequestPermission {
        RequestPermission::admins_only()
    }
}
