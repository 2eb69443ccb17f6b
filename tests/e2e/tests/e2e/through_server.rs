//! The table through the command line, on a server.

use crate::program::{arguments, run};
use crate::table::{Act, Answer, Way, each_actor};
use crate::world::{Situation, World};

each_actor!(Way::Server);

pub(crate) async fn attempt(world: &World, situation: &Situation, act: Act) -> Answer {
    let args = arguments(situation, act);
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    run(&args, &[("SYM_SERVER", world.server()), ("SYM_TOKEN", situation.token())]).await.answer()
}
