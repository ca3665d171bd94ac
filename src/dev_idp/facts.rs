//! What the proxy makes of an account of the [`directory`](super::directory): the principal that a token for it would
//! turn into, classified by the real rules. For pages that show what the policy would say before anybody signs in.

use super::authority;
use super::directory::{Account, Person};
use crate::domain::account::{AccountKind, Evidence, Pinning, classify};
use crate::domain::authority::AuthorityName;
use crate::domain::principal::{Groups, Principal};

/// The proxy's side of a sign-in.
#[derive(Debug, Clone, Copy)]
pub struct AskedBy<'a> {
    /// The authority's name in the proxy's configuration.
    pub authority: &'a AuthorityName,
    /// What it is declared to issue.
    pub declared: AccountKind,
    /// Whether it speaks for one issuer only.
    pub pinning: Pinning,
}

/// The principal that the account's token would make at a provider of this origin. Groups that it has no room for are
/// asked about, which comes to the same as a list.
#[must_use]
pub fn principal_of(person: &Person, account: &Account, asked_by: AskedBy<'_>, origin: &str) -> Principal {
    let issuer = authority::issuer(origin, account.tenant.id);
    let found = classify(&Evidence {
        declared: asked_by.declared,
        pinning: asked_by.pinning,
        issuer: &issuer,
        tenant: Some(account.tenant.id),
        identity_provider: account.identity_provider,
        acct: account.acct,
        home_tenant: Some(account.home.id),
    });
    Principal {
        authority: asked_by.authority.clone(),
        issuer: issuer.as_str().into(),
        subject: account.object.into(),
        tenant: Some(account.tenant.id),
        object: Some(account.object.into()),
        kind: found.kind,
        membership: found.membership,
        home: found.home,
        name: Some(person.name.into()),
        preferred_username: Some(account.user_name.into()),
        verified_email: account.email.map(Into::into),
        groups: Groups::Listed(account.groups.iter().map(|&group| group.into()).collect()),
        roles: account.roles.iter().map(|&role| role.into()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev_idp::authority::Authority;
    use crate::dev_idp::directory;
    use crate::domain::account::{Home, Membership};

    #[test]
    fn everybody_is_what_the_directory_says_they_are() {
        use AccountKind::{Personal, Work};
        let (work, personal) = (AuthorityName::work(), AuthorityName::personal());
        let many = AskedBy { authority: &work, declared: Work, pinning: Pinning::ManyTenants };
        let one = AskedBy { pinning: Pinning::OneIssuer, ..many };
        let consumers = AskedBy { authority: &personal, declared: Personal, pinning: Pinning::OneIssuer };
        for (person, at, asked_by, expected) in [
            ("ada", "organizations", many, (Work, Membership::Member, Home::ThisTenant)),
            ("bo", "organizations", many, (Work, Membership::Member, Home::ThisTenant)),
            ("cy", "consumers", consumers, (Personal, Membership::Unknown, Home::Personal)),
            ("dee", "organizations", many, (Work, Membership::Member, Home::ThisTenant)),
            ("dee", "consumers", consumers, (Personal, Membership::Unknown, Home::Personal)),
            ("eve", "consumers", consumers, (Personal, Membership::Unknown, Home::Personal)),
            ("eve", "contoso.example", one, (Work, Membership::Guest, Home::Personal)),
            ("fay", "organizations", many, (Work, Membership::Member, Home::ThisTenant)),
            ("fay", "contoso.example", one, (Work, Membership::Guest, Home::OtherTenant)),
            ("gil", "consumers", consumers, (Personal, Membership::Unknown, Home::Personal)),
            ("hal", "organizations", many, (Work, Membership::Member, Home::ThisTenant)),
            ("phone", "consumers", consumers, (Personal, Membership::Unknown, Home::Personal)),
        ] {
            let authority = Authority::parse(at).expect("an authority");
            let found = directory::accounts_at(authority).find(|(somebody, _)| somebody.key == person);
            let (person, account) = found.unwrap_or_else(|| panic!("{person} has no account at {at}"));
            let principal = principal_of(person, account, asked_by, "http://127.0.0.1:8081");
            assert_eq!((principal.kind, principal.membership, principal.home), expected, "{} at {at}", person.key);
            assert_eq!(&*principal.issuer, format!("http://127.0.0.1:8081/{}/v2.0", account.tenant.id));
        }
    }
}
