//! Crowds in words: `guests of Contoso whose home is a personal account`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::crowd::{Belongings, Crowd, Means, Organisations};
use super::people::{Belonging, Held, Organisation, Token};
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::rules::Rules;
use crate::review::words::ids::ShortIds;
use crate::review::words::lists::listed;

/// Names for what files name by ids.
pub(super) struct Words {
    tenants: BTreeMap<TenantId, String>,
    ids: ShortIds,
}

impl Words {
    /// The names of both files; the new one's come first.
    pub(super) fn of(old: &Rules, new: &Rules) -> Self {
        let named = [old, new].into_iter().flat_map(|rules| &rules.tenants).map(|tenant| (tenant.id, tenant.name.clone()));
        Self { tenants: named.collect(), ids: ShortIds::of([old, new]) }
    }

    /// What a tenant is called.
    pub(super) fn tenant(&self, id: TenantId) -> String {
        self.tenants.get(&id).cloned().unwrap_or_else(|| format!("tenant {}", self.ids.shown(&id.to_string())))
    }

    /// Who they are.
    pub(super) fn crowd(&self, crowd: &Crowd) -> String {
        let people = match crowd.kind {
            None => "everybody who can sign in".to_owned(),
            Some(AccountKind::Customer) => format!("customer accounts{}", self.of_organisations(&crowd.organisations)),
            Some(AccountKind::Personal) => "personal accounts".to_owned(),
            Some(AccountKind::Work) => self.work_accounts(crowd),
        };
        let realm = crowd.realm.as_ref().map(|realm| format!(" at {realm}")).unwrap_or_default();
        let people = format!("{people}{realm}{}{}", homes(&crowd.homes), self.belongings(&crowd.belongings));
        match &crowd.means {
            Means::Both(token) => format!("{people}, also with {}", access_tokens(token)),
            Means::Session => people,
            Means::Token(token) if crowd.kind.is_none() && crowd.belongings == Belongings::All => access_tokens(token),
            Means::Token(token) => format!("{}, of {people}", access_tokens(token)),
        }
    }

    fn work_accounts(&self, crowd: &Crowd) -> String {
        let who = memberships(&crowd.memberships);
        match (&crowd.organisations, &crowd.realm) {
            (Organisations::All, None) if crowd.memberships.is_empty() && crowd.homes.is_empty() => "every work account".into(),
            (Organisations::All, None) => format!("{who} of every organisation"),
            (Organisations::All, Some(_)) => who,
            (organisations, _) => format!("{who}{}", self.of_organisations(organisations)),
        }
    }

    fn of_organisations(&self, organisations: &Organisations) -> String {
        let named = |these: &[Organisation]| {
            let each = these.iter().flat_map(|organisation| self.organisation(organisation));
            let mut names: Vec<_> = each.collect();
            names.sort_unstable();
            names
        };
        match organisations {
            Organisations::All => String::new(),
            Organisations::AllBut(these) => format!(" of every organisation but {}", listed(named(these), "and")),
            Organisations::These(these) => format!(" of {}", listed(named(these), "and")),
        }
    }

    fn organisation(&self, organisation: &Organisation) -> Vec<String> {
        let domain = organisation.domain.as_deref();
        let names = organisation.tenants.iter().map(|tenant| self.tenant(*tenant));
        let names: Vec<_> = names.map(|name| domain.map_or(name.clone(), |domain| format!("{name} (if {domain} is its domain)"))).collect();
        match domain {
            Some(domain) if names.is_empty() => vec![format!("the organisation of {domain}")],
            _ => names,
        }
    }

    fn belongings(&self, belongings: &Belongings) -> String {
        match belongings {
            Belongings::All => String::new(),
            Belongings::OneOf(these) => {
                let each = these.iter().flat_map(|belonging| self.belonging(belonging)).collect();
                format!(" {}", listed(each, "or"))
            }
            Belongings::NoneOf(these) => {
                let held = |wanted: fn(&Held) -> Option<&Vec<Arc<str>>>| {
                    these.iter().filter_map(move |belonging| wanted(&belonging.held)).flatten()
                };
                let groups: Vec<_> = held(|held| if let Held::Group(groups) = held { Some(groups) } else { None })
                    .map(|id| self.ids.shown(id).to_owned())
                    .collect();
                let roles = held(|held| if let Held::Role(roles) = held { Some(roles) } else { None });
                let mut roles: Vec<_> = roles.chain(these.iter().flat_map(|belonging| &belonging.badge)).map(ToString::to_string).collect();
                roles.dedup();
                match (groups.is_empty(), roles.is_empty()) {
                    (_, true) => format!(" not in group {}", listed(groups, "or")),
                    (true, false) => format!(" without role {}", listed(roles, "or")),
                    (false, false) => format!(" neither in group {} nor with role {}", listed(groups, "or"), listed(roles, "or")),
                }
            }
        }
    }

    /// Each of them as a phrase.
    fn belonging(&self, belonging: &Belonging) -> Vec<String> {
        let badge = (!belonging.badge.is_empty()).then(|| format!("with role {}", listed(texts(&belonging.badge), "or")));
        let held = match &belonging.held {
            Held::Group(groups) => {
                Some(format!("in group {}", listed(groups.iter().map(|id| self.ids.shown(id).to_owned()).collect(), "or")))
            }
            Held::Nothing => None,
            Held::Overage => Some("in more groups than a token lists".to_owned()),
            Held::Role(roles) => Some(format!("with role {}", listed(texts(roles), "or"))),
        };
        match (held, badge) {
            (Some(held), Some(badge)) => vec![format!("{held} and {badge}")],
            (held, badge) => held.or(badge).into_iter().collect(),
        }
    }
}

fn memberships(memberships: &[Membership]) -> String {
    let word = |membership: &Membership| match membership {
        Membership::Guest => "guests",
        Membership::Member => "members",
        Membership::Unknown => "possible guests",
    };
    if memberships.is_empty() {
        "work accounts".into()
    } else {
        listed(memberships.iter().map(|membership| word(membership).to_owned()).collect(), "and")
    }
}

fn homes(homes: &[Home]) -> String {
    const WORK: [Home; 2] = [Home::ThisTenant, Home::OtherTenant];
    let word = |home: &Home| match home {
        Home::EmailCode => "an e-mail code",
        Home::OtherTenant => "another organisation",
        Home::Personal => "a personal account",
        Home::Social => "a social account",
        Home::ThisTenant => "that organisation",
        Home::Unknown => "unknown",
    };
    if homes.is_empty() {
        String::new()
    } else if homes == WORK {
        " whose home is a work account".into()
    } else if homes.len() == super::people::HOMES.len() - WORK.len() && !homes.iter().any(|home| WORK.contains(home)) {
        " whose home is not a work account".into()
    } else {
        format!(" whose home is {}", listed(homes.iter().map(|home| word(home).to_owned()).collect(), "or"))
    }
}

fn access_tokens(token: &Token) -> String {
    let scopes = |scopes: &[Arc<str>]| format!("scope{} {}", if scopes.len() == 1 { "" } else { "s" }, listed(texts(scopes), "and"));
    let with = if token.scopes.is_empty() { String::new() } else { format!(" with {}", scopes(&token.scopes)) };
    let but = if with.is_empty() { "without" } else { "but not" };
    let lacks = if token.lacks.is_empty() { String::new() } else { format!(" {but} {}", listed(texts(&token.lacks), "or")) };
    let lacks = if with.is_empty() { lacks.replacen("without ", "without scope ", 1) } else { lacks };
    format!("access tokens for {}{with}{lacks}", listed(texts(&token.audiences), "or"))
}

fn texts(texts: &[Arc<str>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}
