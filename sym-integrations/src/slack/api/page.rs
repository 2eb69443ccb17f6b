//! Slack's pages: a list, and the cursor of the next page.

use serde::Deserialize;
use sym_sdk::error::Result;

use crate::http::{Next, Page, Response};
use crate::kit::{Resource, null_as_default};
use crate::slack::{ChannelInfo, UserInfo};

macro_rules! pages {
    ($($page:ident { $list:ident: $item:ty })*) => {$(
        #[derive(Deserialize)]
        pub(super) struct $page {
            $list: Vec<$item>,
            #[serde(default, deserialize_with = "null_as_default")]
            response_metadata: Cursor,
        }

        impl Page for $page {
            type Item = $item;

            fn next(&self, _: &Response) -> Result<Next> {
                Ok(Next::cursor("cursor", self.response_metadata.next_cursor.as_deref()))
            }

            fn into_items(self) -> Vec<$item> {
                self.$list
            }
        }
    )*};
}

pages! {
    Channels { channels: Resource<ChannelInfo> }
    ChannelMembers { members: String }
    Users { members: Resource<UserInfo> }
}

#[derive(Default, Deserialize)]
struct Cursor {
    next_cursor: Option<String>,
}
