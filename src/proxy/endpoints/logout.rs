//! `{prefix}/logout/…`: where providers tell us that a session of theirs has ended, one file per way of telling. What is
//! believed, and whom it means, is `flow::logout`'s business.

pub(super) mod back_channel;
pub(super) mod front_channel;

use std::time::Duration;

use super::Asked;
use crate::domain::authority::AuthorityName;
use crate::domain::reason::Reason;
use crate::flow::authority::Authority;
use crate::proxy::rate_limit::TooManyTries;
use crate::proxy::respond::Told;

/// The authority that the path names.
fn named<'a>(asked: &'a Asked, name: &str) -> Option<&'a Authority> {
    let name = AuthorityName::parse(name).ok()?;
    asked.shared.sign_in.authorities.get(&name).map(|authority| &**authority)
}

fn not_so_often(asked: &Asked, too_many: TooManyTries) -> Told {
    let mut page = asked.reply().about(Reason::RateLimited);
    page.retry_after = Some(Duration::from_secs(too_many.retry_after_seconds));
    asked.reply().refuse(&page)
}

#[cfg(test)]
mod tests;
