//! One target for all repositories: the form offers those that there are, and what is chosen is what access is given to.

use sym_sdk::prelude::*;

use crate::clients::GitHub;

/// The organization's repositories, page by page.
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
