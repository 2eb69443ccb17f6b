//! One target for all repositories. The form offers the existing ones, and access is granted to the selected one.

use sym_sdk::prelude::*;

use crate::clients::GitHub;

/// Lists the organization's repositories, page by page.
#[prefetch(field = "repo_name")]
pub async fn get_repositories(github: &GitHub) -> Result<Vec<FieldOption>> {
    let mut options = Vec::new();
    let mut page = Some(0);
    while let Some(number) = page {
        let (names, next) = github.repositories(number).await?;
        for name in names {
            options.push(FieldOption::try_from(name)?);
        }
        page = next;
    }
    Ok(options)
}
