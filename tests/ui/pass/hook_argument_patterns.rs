//! Arguments can be patterns, in modules of any depth and visibility.

pub mod flows {
    pub mod prod {
        use sym_sdk::prelude::*;

        #[derive(Deserialize)]
        pub struct Form<'a> {
            urgency: &'a str,
        }

        #[hook]
        #[inline]
        #[must_use]
        pub(in crate::flows) async fn on_request(
            _: &Event,
            Fields(Form { urgency }): Fields<Form<'_>>,
            mut words: Vars<std::collections::BTreeMap<String, String>>,
            ref user: &User,
        ) -> Option<NextEvent> {
            words.0.clear();
            (urgency == "high").then(|| ApprovalTemplate::ignore().message(user.username()))
        }

        #[hook(on_deny)]
        pub(super) fn r#match(r#type: &Event) {
            let _ = r#type;
        }
    }

    pub fn handlers() -> sym_sdk::handler::Registry {
        sym_sdk::handlers![prod::on_request, prod::r#match]
    }
}

fn main() {
    assert_eq!(flows::handlers().len(), 2);
}
