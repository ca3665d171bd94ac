//! What a check sees of a person, as one would say it.

use crate::domain::account::{AccountKind, Home, Membership};
use crate::domain::decision::Judged;
use crate::domain::made_up::SOME_TENANT;
use crate::domain::policy::Check;
use crate::domain::principal::{Groups, Principal};
use crate::domain::rules::Rules;

/// What a check sees of somebody. `principal` knows more than what is kept of a decision.
pub(in crate::review) fn fact(check: Check, rules: &Rules, who: &Judged, principal: Option<&Principal>) -> Option<String> {
    match check {
        Check::Kind => Some(format!("{} account", who.kind.as_str())),
        Check::Authority => Some(format!("signed in at \"{}\"", who.authority)),
        Check::Tenant | Check::Membership if who.kind != AccountKind::Work => Some("work accounts only".to_owned()),
        Check::Tenant => who.tenant.map(|id| match rules.tenant(id) {
            Some(tenant) => format!("of {}", tenant.name),
            None if id == SOME_TENANT => "of a tenant that is not named here".to_owned(),
            None => format!("of the tenant {id}"),
        }),
        Check::Membership => Some(match (who.membership, who.home) {
            (Membership::Member, _) => "member".to_owned(),
            (Membership::Guest, home) => format!("guest, {}", lives(home)),
            (Membership::Unknown, home) => format!("member or guest is not known, {}", lives(home)),
        }),
        Check::Groups => principal.map(|principal| match &principal.groups {
            Groups::Listed(groups) => format!("in {}, with {}", counted(groups.len(), "group"), counted(principal.roles.len(), "role")),
            Groups::Overage => "in too many groups for a token".to_owned(),
            Groups::Asked { about, member_of } => {
                format!("in too many groups for a token; asked about {}, in {}", counted(about.len(), "group"), member_of.len())
            }
        }),
        Check::Bearer => None,
    }
}

/// Where somebody lives, behind a comma.
pub(in crate::review) const fn lives(home: Home) -> &'static str {
    match home {
        Home::EmailCode => "signs in with codes by e-mail",
        Home::OtherTenant => "at home in another organisation",
        Home::Personal => "at home in a personal account",
        Home::Social => "at home at a social provider",
        Home::ThisTenant => "at home in this organisation",
        Home::Unknown => "home not known",
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
