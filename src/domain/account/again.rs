//! Accounts that have been classified before, as when the claims of a session are asked for anew.

use super::{Account, Evidence, Home, Membership, classify, classify_by};

/// Reads the facts out of newer evidence about an account of which something is known.
///
/// The token endpoint may leave out the home tenant that it told at the sign-in. Then what was known stays evidence, and
/// the account can only lose by what else is said or left out: a personal guest does not become a member by silence.
#[must_use]
pub fn classify_again(evidence: &Evidence<'_>, before: Account) -> Account {
    if evidence.home_tenant.is_some() {
        return classify(evidence);
    }
    let told = match before.home {
        Home::OtherTenant | Home::Personal | Home::ThisTenant => Some(before.home),
        // Nothing that a home tenant could have told.
        Home::EmailCode | Home::Social | Home::Unknown => None,
    };
    let found = classify_by(evidence, told);
    Account {
        kind: found.kind,
        membership: worse_membership(found.membership, before.membership),
        home: worse_home(found.home, before.home),
    }
}

/// The one that opens fewer doors.
fn worse_membership(one: Membership, other: Membership) -> Membership {
    const fn doors(membership: Membership) -> u8 {
        match membership {
            Membership::Guest => 0,
            Membership::Unknown => 1,
            Membership::Member => 2,
        }
    }
    if doors(one) <= doors(other) { one } else { other }
}

/// The one that opens fewer doors.
fn worse_home(one: Home, other: Home) -> Home {
    const fn doors(home: Home) -> u8 {
        match home {
            Home::Personal => 0,
            Home::EmailCode | Home::Social | Home::Unknown => 1,
            Home::OtherTenant => 2,
            Home::ThisTenant => 3,
        }
    }
    if doors(one) <= doors(other) { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{AccountKind, Acct, Pinning, TenantId};
    use crate::domain::route::{AccountKinds, Guests, Requirements};

    const TENANT: TenantId = tenant("3a0c0000-0000-4000-8000-0000000000aa");
    const OTHER: TenantId = tenant("3a0c0000-0000-4000-8000-0000000000bb");

    const fn tenant(text: &str) -> TenantId {
        match TenantId::parse(text) {
            Ok(id) => id,
            Err(_) => panic!("a GUID literal, evaluated at compile time"),
        }
    }

    fn evidence(pinning: Pinning, identity_provider: Option<&'static str>, acct: Acct, home_tenant: Option<TenantId>) -> Evidence<'static> {
        let issuer = "https://login.microsoftonline.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0";
        Evidence { declared: AccountKind::Work, pinning, issuer, tenant: Some(TENANT), identity_provider, acct, home_tenant }
    }

    /// Everything that can be said of a work account.
    fn all() -> Vec<Evidence<'static>> {
        let other = "https://sts.windows.net/3a0c0000-0000-4000-8000-0000000000bb/";
        let this = "https://sts.windows.net/3a0c0000-0000-4000-8000-0000000000aa/";
        let mut all = Vec::new();
        for pinning in [Pinning::ManyTenants, Pinning::OneIssuer] {
            for provider in
                [None, Some("live.com"), Some("mail"), Some("google.com"), Some(other), Some(this), Some("https://adfs.example")]
            {
                for acct in [Acct::Absent, Acct::Guest, Acct::Member, Acct::Unreadable] {
                    for home in [None, Some(TENANT), Some(OTHER), Some(TenantId::CONSUMERS)] {
                        all.push(evidence(pinning, provider, acct, home));
                    }
                }
            }
        }
        all
    }

    #[test]
    fn without_a_home_tenant_nobody_becomes_more_than_they_were() {
        let (authorities, tenants, groups, roles) = (vec![], vec![], vec![], vec![]);
        let mut wanted = Requirements { kinds: AccountKinds::ANY, authorities, tenants, guests: Guests::Allow, groups, roles };
        let mut found = std::collections::HashSet::new();
        for before in all().iter().map(classify) {
            for evidence in all().into_iter().filter(|evidence| evidence.home_tenant.is_none()) {
                let again = classify_again(&evidence, before);
                found.insert((again.membership, again.home));
                for guests in [Guests::Allow, Guests::Deny, Guests::Work] {
                    wanted.guests = guests;
                    let admits = |account: Account| wanted.check_membership(account.kind, account.membership, account.home).is_ok();
                    assert!(!admits(again) || admits(before), "{before:?} became {again:?} by {evidence:?}");
                }
                assert!(before.home != Home::Personal || again.home == Home::Personal, "{evidence:?}");
            }
        }
        assert!(found.contains(&(Membership::Member, Home::ThisTenant)), "members stay members");
    }

    #[test]
    fn the_same_said_again_changes_nothing_even_if_the_home_tenant_is_left_out() {
        for said in all() {
            let before = classify(&said);
            let again = classify_again(&Evidence { home_tenant: None, ..said }, before);
            assert_eq!(again, before, "{said:?}");
            assert_eq!(classify_again(&said, before), before, "{said:?}");
        }
    }

    #[test]
    fn a_home_tenant_that_is_told_counts_as_at_the_sign_in() {
        let guest = classify(&evidence(Pinning::ManyTenants, Some("live.com"), Acct::Absent, None));
        assert_eq!((guest.membership, guest.home), (Membership::Unknown, Home::Personal));
        let told = evidence(Pinning::ManyTenants, None, Acct::Absent, Some(TENANT));
        assert_eq!(classify_again(&told, guest), classify(&told));
        let silent = Evidence { home_tenant: None, ..told };
        assert_eq!(classify_again(&silent, guest), guest);
    }
}
