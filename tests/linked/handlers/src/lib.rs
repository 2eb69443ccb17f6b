//! Handlers that no other code refers to.

mod prod {
    use sym_sdk::prelude::*;

    #[reducer]
    fn get_permissions(_event: &Event) -> RequestPermission {
        RequestPermission::new(PermissionLevel::Admin, PermissionLevel::Member)
    }

    #[hook]
    async fn after_approve(_event: &Event) -> Result<()> {
        Ok(())
    }
}
