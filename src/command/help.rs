//! `homerealm help`: explains the codes that `check` prints, and the commands.

use clap::Args;

use super::{Verdict, print};
use crate::config::codes;
use crate::config::problem::Code;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A code like E003, `codes` for the list of all, or a command
    topic: Option<String>,
}

/// `commands` is the whole command line, which says what each command does.
pub(super) fn main(arguments: &Arguments, mut commands: clap::Command) -> Verdict {
    commands.build();
    let Some(topic) = arguments.topic.as_deref() else {
        print::line(commands.render_help());
        print::line("What check complains about: homerealm help codes");
        return Verdict::Fine;
    };
    if topic == "codes" {
        list();
    } else if let Some(code) = codes::named(topic) {
        explain(code);
    } else if let Some(command) = commands.find_subcommand_mut(topic) {
        print::line(command.render_help());
    } else {
        let way_on = match codes::meant(topic) {
            Some(code) => format!("did you mean {code}?"),
            None => "homerealm help codes lists the codes, homerealm --help the commands".to_owned(),
        };
        print::complaint(format_args!("homerealm help: there is no code and no command {topic:?}; {way_on}"));
        return Verdict::Usage;
    }
    Verdict::Fine
}

fn list() {
    for code in Code::ALL {
        print::line(format_args!("{}  {}", code.as_str(), code.meaning()));
    }
    print::line("\nhomerealm help E003 explains one of them.");
}

fn explain(code: Code) {
    print::line(format_args!("{}: {}\n", code.as_str(), code.meaning()));
    if let Some(explanation) = codes::explanation(code) {
        print::line(explanation.plain());
    }
}
