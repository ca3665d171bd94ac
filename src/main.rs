//! The `homerealm` binary: hands the command line to [`homerealm::command`] and its verdict to the shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    homerealm::command::main()
}
