//! What is left out of a session that does not fit into cookies, step by step: groups that no route names, then the access
//! token with which groups could still be asked for, then the refresh token. What is left is smaller, and true: nothing in
//! it is cut short without saying so. A store has none of these limits.

use std::fmt;
use std::sync::Arc;

use crate::domain::principal::Groups;
use crate::protocol::session_record::SessionRecord;

#[cfg(test)]
mod tests;

/// What was left out last. It goes only after everything above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// Groups that no route names.
    OtherGroups,
    /// The access token.
    AccessToken,
    /// The refresh token.
    RefreshToken,
}

impl LeftOut {
    const STEPS: [Self; 3] = [Self::OtherGroups, Self::AccessToken, Self::RefreshToken];

    /// Takes it away; `false` if it was not there.
    fn take_from(self, record: &mut SessionRecord, named: &[Arc<str>]) -> bool {
        match self {
            Self::OtherGroups => match reduced(&record.session.principal.groups, named) {
                Some(fewer) => {
                    record.session.principal.groups = fewer;
                    true
                }
                None => false,
            },
            Self::AccessToken => record.tokens.access_token.take().is_some(),
            Self::RefreshToken => {
                record.tokens.fresh_until = None;
                record.tokens.refresh_token.take().is_some()
            }
        }
    }
}

/// For the log: what it means for the session.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherGroups => "of its groups, those that routes name are kept",
            Self::AccessToken => "it is kept without its access token, so groups that are not known stay so until its claims are had anew",
            Self::RefreshToken => "it is kept without its refresh token, so its claims stay what they are until it ends",
        })
    }
}

/// Ever smaller forms of a session. `named` are the groups that routes name.
pub fn smaller_forms(mut record: SessionRecord, named: &[Arc<str>]) -> impl Iterator<Item = (LeftOut, SessionRecord)> {
    LeftOut::STEPS.into_iter().filter_map(move |step| {
        let is_smaller = step.take_from(&mut record, named);
        is_smaller.then(|| (step, record.clone()))
    })
}

/// What is known of the groups that are `named`; `None` if that is not less.
fn reduced(groups: &Groups, named: &[Arc<str>]) -> Option<Groups> {
    let only_named = |list: &[Arc<str>]| list.iter().filter(|group| named.contains(group)).cloned().collect::<Vec<_>>();
    let (about, before) = match groups {
        // A list that is whole tells of every group.
        Groups::Listed(list) => (named.to_vec(), list.len()),
        Groups::Overage => return None,
        Groups::Asked { about, member_of } => (only_named(about), about.len() + member_of.len()),
    };
    let member_of = only_named(groups.known());
    (about.len() + member_of.len() < before).then_some(Groups::Asked { about, member_of })
}
