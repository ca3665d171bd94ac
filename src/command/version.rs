//! `homerealm version`

use super::{Verdict, print};

pub(super) fn main() -> Verdict {
    print::line(format_args!("homerealm {}", env!("CARGO_PKG_VERSION")));
    let provider = if cfg!(feature = "dev-idp") { "built in" } else { "left out" };
    print::line(format_args!("development identity provider: {provider}"));
    Verdict::Fine
}
