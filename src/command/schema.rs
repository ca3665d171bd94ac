//! `homerealm schema`: the JSON Schema of the configuration file, for editors.

use super::{Verdict, print};
use crate::config;

pub(super) fn main() -> Verdict {
    print::line(config::SCHEMA.trim_end());
    Verdict::Fine
}
