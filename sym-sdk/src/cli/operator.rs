//! The operator of the command line: the operating system's user and host.
//!
//! A command that acts on a Run names a user of the directory, and nothing authenticates them. So the log also says who had the
//! command line: a user who could write to the store, and who answers for it. On Unix, the
//! name is not read from environment variables, which that user could set.

use crate::model::{Channel, ChannelType};

/// Returns the channel of commands, with `file:user@host` as its identifier: whoever can write to the file, on this host.
pub(super) fn channel() -> Channel {
    Channel::new(ChannelType::Cli).with_identifier(format!("file:{}@{}", user(), host()))
}

/// Returns the name of the operator, as `user@host`.
#[cfg(all(feature = "api", feature = "remote", feature = "sqlite"))]
pub(super) fn name() -> String {
    format!("{}@{}", user(), host())
}

#[cfg(unix)]
fn user() -> String {
    let id = rustix::process::getuid().as_raw();
    // Users of a directory service are not in this file, and go by their number.
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in_passwd(&users, id).unwrap_or_else(|| format!("uid {id}"))
}

/// Returns the name of a user in the format of `/etc/passwd`: `name:password:uid:…`.
#[cfg(unix)]
fn name_in_passwd(users: &str, id: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut columns = line.split(':');
        let name = columns.next().filter(|name| !name.is_empty())?;
        let found = columns.nth(1)?.parse() == Ok(id);
        found.then(|| name.to_owned())
    })
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn user() -> String {
    std::env::var("USERNAME").unwrap_or_else(|_| "unknown".to_owned())
}

#[cfg(not(unix))]
fn host() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_else(|_| "unknown".to_owned())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn finds_users_by_number() {
        let users = "root:x:0:0:root:/root:/bin/bash\n\nbroken\nana:x:1000:1000::/home/ana:/bin/sh\n:x:7:7::/:\n";
        assert_eq!(name_in_passwd(users, 0).as_deref(), Some("root"));
        assert_eq!(name_in_passwd(users, 1000).as_deref(), Some("ana"));
        for unknown in [7, 100, 1001] {
            assert_eq!(name_in_passwd(users, unknown), None);
        }
    }
}
