//! The IAM of an account on a local server.
#![allow(clippy::result_large_err, reason = "an answer that is a failure ends the operation")]

use std::collections::{BTreeMap, BTreeSet};

use sym_integrations::aws_iam::AwsIam;

use crate::aws::fake::{Answer, FakeAws, Operation};

pub(crate) const ACCOUNT: &str = "123456789012";

#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) groups: BTreeSet<String>,
    /// Names and paths.
    pub(crate) users: BTreeMap<String, String>,
    /// Groups and users.
    pub(crate) members: BTreeSet<(String, String)>,
    /// The largest page.
    pub(crate) page: usize,
}

impl State {
    pub(crate) fn join(&mut self, group: &str, user: &str) {
        self.members.insert((group.to_owned(), user.to_owned()));
    }

    pub(crate) fn is_member(&self, group: &str, user: &str) -> bool {
        self.members.contains(&(group.to_owned(), user.to_owned()))
    }

    fn user(&self, name: &str) -> Result<String, Answer> {
        let path = self.users.get(name).ok_or_else(|| missing("user", name))?;
        let arn = format!("arn:aws:iam::{ACCOUNT}:user{path}{name}");
        Ok(format!("<Path>{path}</Path><UserName>{name}</UserName><UserId>AIDA{name}</UserId><Arn>{arn}</Arn>"))
    }

    fn group(&self, name: &str) -> Result<String, Answer> {
        self.groups.get(name).ok_or_else(|| missing("group", name))?;
        Ok(format!("<GroupName>{name}</GroupName><Path>/</Path><Arn>arn:aws:iam::{ACCOUNT}:group/{name}</Arn>"))
    }

    fn list(&self, name: &str, items: Vec<String>, call: &Operation) -> String {
        let page = call.text("MaxItems").parse().map_or(self.page, |asked: usize| asked.min(self.page));
        // Markers contain characters that a form escapes.
        let start = call.text("Marker").trim_start_matches("a+b/c==").parse().unwrap_or(0);
        let more = start + page < items.len();
        let members: String = items.iter().skip(start).take(page).map(|item| format!("<member>{item}</member>")).collect();
        let marker = if more { format!("<Marker>a+b/c=={}</Marker>", start + page) } else { String::new() };
        format!("<{name}>{members}</{name}><IsTruncated>{more}</IsTruncated>{marker}")
    }

    fn answer(&mut self, call: &Operation) -> Result<String, Answer> {
        let (group, user) = (call.text("GroupName").to_owned(), call.text("UserName").to_owned());
        Ok(match call.name.as_str() {
            "GetUser" => format!("<User>{}</User>", self.user(&user)?),
            "ListUsers" => {
                let users = self.users.keys().map(|name| self.user(name)).collect::<Result<_, _>>()?;
                self.list("Users", users, call)
            }
            "ListGroups" => {
                let groups = self.groups.iter().map(|name| self.group(name)).collect::<Result<_, _>>()?;
                self.list("Groups", groups, call)
            }
            "ListGroupsForUser" => {
                self.user(&user)?;
                let groups = self.members.iter().filter(|(_, member)| *member == user);
                let groups = groups.map(|(group, _)| self.group(group)).collect::<Result<_, _>>()?;
                self.list("Groups", groups, call)
            }
            "GetGroup" => {
                let about = self.group(&group)?;
                let users = self.members.iter().filter(|(of, _)| *of == group);
                let users = users.map(|(_, user)| self.user(user)).collect::<Result<_, _>>()?;
                format!("<Group>{about}</Group>{}", self.list("Users", users, call))
            }
            "AddUserToGroup" => {
                self.group(&group)?;
                self.user(&user)?;
                self.join(&group, &user);
                String::new()
            }
            "RemoveUserFromGroup" => {
                self.group(&group)?;
                self.user(&user)?;
                if !self.members.remove(&(group.clone(), user.clone())) {
                    return Err(missing("user", &user));
                }
                String::new()
            }
            other => return Err(Answer::Failure(400, "InvalidAction", format!("no action {other}"))),
        })
    }
}

fn missing(what: &str, name: &str) -> Answer {
    Answer::Failure(404, "NoSuchEntity", format!("The {what} with name {name} cannot be found."))
}

pub(crate) type FakeIam = FakeAws<State>;

/// Starts an account with groups `Admins` and `Auditors`, and users `ana@example.com`, `ben` and `cleo`.
pub(crate) async fn start() -> FakeIam {
    let mut state = State { page: 100, ..State::default() };
    state.groups.extend(["Admins".to_owned(), "Auditors".to_owned()]);
    for (name, path) in [("ana@example.com", "/"), ("ben", "/team/"), ("cleo", "/")] {
        state.users.insert(name.to_owned(), path.to_owned());
    }
    FakeAws::start(state, |state, call| match state.answer(call) {
        Ok(content) => Answer::Xml(content),
        Err(answer) => answer,
    })
    .await
}

pub(crate) fn client(fake: &FakeIam) -> AwsIam {
    AwsIam::builder(&fake.context(), ACCOUNT).unwrap().build().unwrap()
}

pub(crate) fn arn(user: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/{user}")
}
