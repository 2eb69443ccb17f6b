//! Handlers that no other code refers to.

mod prod {
    use sym_sdk::prelude::*;

    #[reducer]
    fn get_permissions(_event: &Event) -> RequestPermission {
        RequestPermission::decided_by(PermissionLevel::Member).seen_by(PermissionLevel::Admin)
    }

    #[hook]
    async fn after_approve(_event: &Event) -> Result<()> {
        Ok(())
    }
}
