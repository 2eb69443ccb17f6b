//! The table through the command line, on the file of a program that does not run: `--db … --as`.

use crate::program::{arguments, run};
use crate::table::{Act, Answer, Way, each_actor};
use crate::world::{Situation, World};

each_actor!(Way::File);

pub(crate) async fn attempt(world: &World, situation: &Situation, act: Act) -> Answer {
    let args = arguments(situation, act);
    let db = world.db();
    let db = ["--db", db.to_str().unwrap(), "--as", &situation.email];
    let args: Vec<_> = args.iter().map(String::as_str).chain(db).collect();
    run(&args, &[]).await.answer()
}
