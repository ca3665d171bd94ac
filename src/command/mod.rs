//! The command line: one file per subcommand. Only this layer prints and decides exit codes.

#[cfg(feature = "dev-idp")]
mod demo;
#[cfg(feature = "dev-idp")]
mod dev_idp;

mod admin_client;
mod check;
mod diff;
mod explain;
mod health;
mod help;
mod init;
mod print;
mod reload;
mod run;
mod runtime;
mod schema;
mod sessions;
mod version;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// A sign-in routing proxy: personal or work account, the right authority, one policy per route.
#[derive(Debug, Parser)]
#[command(name = "homerealm", version, disable_help_subcommand = true, after_help = "Try it: homerealm demo")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Validates a configuration and prints the redirect URIs to register
    #[command(after_help = "Example: homerealm check homerealm.toml --online")]
    Check(check::Arguments),

    /// Everything on this machine, offline, nothing saved: identity provider, sample app and proxy
    #[cfg(feature = "dev-idp")]
    #[command(after_help = "Example: homerealm demo --port 9000")]
    Demo(demo::Arguments),

    /// The development identity provider alone, for other people's tests
    #[cfg(feature = "dev-idp")]
    #[command(after_help = "Example: homerealm dev-idp --port 8081")]
    DevIdp(dev_idp::Arguments),

    /// Who gains and who loses access when NEW takes the place of OLD; the exit code is 3 if anybody gains
    #[command(after_help = "Example: homerealm diff /etc/homerealm/homerealm.toml homerealm.toml")]
    Diff(diff::Arguments),

    /// Explains a decision: a real one, a made-up person's, or where an address would lead
    #[command(
        after_help = "Examples:\n  homerealm explain 7K3F-9QXD\n  kubectl logs deploy/orders | homerealm explain 7K3F-9QXD -\n  homerealm explain --as kind=personal,email=cy@outlook.com GET https://orders.example.com/finance/q3\n  homerealm explain --sign-in cy@outlook.com /finance"
    )]
    Explain(explain::Arguments),

    /// Explains a code that check prints, or a command
    #[command(after_help = "Example: homerealm help E003")]
    Help(help::Arguments),

    /// Asks a running proxy how it is: 0 if it is well, 1 if not
    #[command(after_help = "Example: homerealm health -c /etc/homerealm/homerealm.toml readyz")]
    Health(health::Arguments),
    /// A commented configuration file to start from
    #[command(arg_required_else_help = true, after_help = init::CASES)]
    Init(init::Arguments),

    /// Asks a running proxy to read its configuration again
    #[command(after_help = "Example: homerealm reload -c /etc/homerealm/homerealm.toml")]
    Reload(reload::Arguments),

    /// The proxy
    #[command(after_help = "Example: homerealm run -c /etc/homerealm/homerealm.toml")]
    Run(run::Arguments),

    /// The JSON Schema of the configuration file, for editors
    #[command(
        after_help = "Example: homerealm schema > homerealm.schema.json\nThen, as the first line of homerealm.toml: #:schema ./homerealm.schema.json"
    )]
    Schema,

    /// Who is signed in at a running proxy; ends sessions before their time
    #[command(arg_required_else_help = true, after_help = sessions::CASES)]
    Sessions(sessions::Arguments),

    /// What this build is
    #[command(after_help = "Example: homerealm version")]
    Version,
}

/// What the shell is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// 0
    Fine,
    /// 1
    Errors,
    /// 3: somebody gains access
    Widened,
    /// 2
    Usage,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fine => Self::SUCCESS,
            Verdict::Errors => Self::from(1),
            Verdict::Widened => Self::from(3),
            Verdict::Usage => Self::from(2),
        }
    }
}

/// Runs the command that the process was started with. Wrong usage ends the process with 2, as clap does.
#[must_use]
pub fn main() -> ExitCode {
    let verdict = match CommandLine::parse().command {
        Command::Check(arguments) => check::main(&arguments),
        #[cfg(feature = "dev-idp")]
        Command::Demo(arguments) => demo::main(&arguments),
        #[cfg(feature = "dev-idp")]
        Command::DevIdp(arguments) => dev_idp::main(&arguments),
        Command::Diff(arguments) => diff::main(&arguments),
        Command::Explain(arguments) => explain::main(&arguments),
        Command::Help(arguments) => help::main(&arguments, CommandLine::command()),
        Command::Health(arguments) => health::main(&arguments),
        Command::Init(arguments) => init::main(&arguments),
        Command::Reload(arguments) => reload::main(&arguments),
        Command::Run(arguments) => run::main(&arguments),
        Command::Schema => schema::main(),
        Command::Sessions(arguments) => sessions::main(&arguments),
        Command::Version => version::main(),
    };
    verdict.into()
}
