//! Tests of the account rules.

use proptest::prelude::*;

use super::*;

const TENANT: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const OTHER: &str = "3a0c0000-0000-4000-8000-0000000000bb";
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const ISSUER: &str = "https://login.microsoftonline.com/3a0c0000-0000-4000-8000-0000000000aa/v2.0";

fn tenant(text: &str) -> TenantId {
    TenantId::parse(text).expect("a GUID literal")
}

/// A work account of the tenant, from an authority for every tenant, about which nothing else is told.
fn bare() -> Evidence<'static> {
    Evidence {
        declared: AccountKind::Work,
        pinning: Pinning::ManyTenants,
        issuer: ISSUER,
        tenant: Some(tenant(TENANT)),
        identity_provider: None,
        acct: Acct::Absent,
        home_tenant: None,
    }
}

fn check(what: &str, evidence: Evidence<'_>, expected: (AccountKind, Membership, Home)) {
    let account = classify(&evidence);
    assert_eq!((account.kind, account.membership, account.home), expected, "{what}");
}

#[test]
fn the_shapes_of_microsofts_tokens() {
    use AccountKind::{Customer, Personal, Work};
    use Membership::{Guest, Member, Unknown};
    let (this_sts, other_sts) = (format!("https://sts.windows.net/{TENANT}/"), format!("https://sts.windows.net/{OTHER}/"));
    let home = |text| Some(tenant(text));
    let with = |identity_provider, acct, home_tenant| Evidence { identity_provider, acct, home_tenant, ..bare() };
    for (what, evidence, expected) in [
        ("member at home", with(None, Acct::Member, home(TENANT)), (Work, Member, Home::ThisTenant)),
        ("member whose idp names their own tenant", with(Some(&this_sts), Acct::Member, None), (Work, Member, Home::ThisTenant)),
        ("guest of another tenant", with(Some(&other_sts), Acct::Guest, home(OTHER)), (Work, Guest, Home::OtherTenant)),
        ("external member", with(Some(&other_sts), Acct::Member, home(OTHER)), (Work, Member, Home::OtherTenant)),
        ("personal guest", with(Some("live.com"), Acct::Guest, home(CONSUMERS)), (Work, Guest, Home::Personal)),
        ("personal owner of the tenant", with(Some("live.com"), Acct::Member, home(CONSUMERS)), (Work, Member, Home::Personal)),
        ("Google guest", with(Some("google.com"), Acct::Guest, None), (Work, Guest, Home::Social)),
        ("Facebook guest", with(Some("facebook.com"), Acct::Guest, None), (Work, Guest, Home::Social)),
        ("e-mail code guest", with(Some("mail"), Acct::Guest, None), (Work, Guest, Home::EmailCode)),
        ("SAML guest", with(Some("https://sts.partner.example/adfs"), Acct::Guest, None), (Work, Guest, Home::Unknown)),
        (
            "personal account",
            Evidence { declared: Personal, tenant: home(CONSUMERS), pinning: Pinning::OneIssuer, ..bare() },
            (Personal, Unknown, Home::Personal),
        ),
        (
            "B2C account with a social provider",
            Evidence { declared: Customer, tenant: None, ..with(Some("github.com"), Acct::Absent, None) },
            (Customer, Unknown, Home::Social),
        ),
        (
            "External ID account",
            Evidence { declared: Customer, pinning: Pinning::OneIssuer, ..with(Some("appleid.apple.com"), Acct::Absent, None) },
            (Customer, Unknown, Home::Social),
        ),
        ("customer with a local account", Evidence { declared: Customer, ..bare() }, (Customer, Unknown, Home::ThisTenant)),
    ] {
        check(what, evidence, expected);
    }
}

#[test]
fn silence_makes_a_member_only_where_nobody_elses_tenant_could_speak() {
    use Membership::{Guest, Member, Unknown};
    let one = Evidence { pinning: Pinning::OneIssuer, ..bare() };
    let work = |membership, home| (AccountKind::Work, membership, home);
    let other = format!("https://sts.windows.net/{OTHER}/");
    for (what, evidence, expected) in [
        ("one issuer", one, work(Member, Home::ThisTenant)),
        ("one issuer, idp equal to it", Evidence { identity_provider: Some(ISSUER), ..one }, work(Member, Home::ThisTenant)),
        ("many tenants", bare(), work(Unknown, Home::ThisTenant)),
        ("many tenants, home told", Evidence { home_tenant: Some(tenant(TENANT)), ..bare() }, work(Member, Home::ThisTenant)),
        ("acct not readable", Evidence { acct: Acct::Unreadable, ..one }, work(Unknown, Home::Unknown)),
        ("acct says guest, of nowhere", Evidence { acct: Acct::Guest, ..one }, work(Guest, Home::Unknown)),
        ("acct says guest, of many tenants' authority", Evidence { acct: Acct::Guest, ..bare() }, work(Guest, Home::Unknown)),
        ("a guest at home here", Evidence { acct: Acct::Guest, identity_provider: Some(ISSUER), ..one }, work(Guest, Home::ThisTenant)),
        ("another tenant's idp", Evidence { identity_provider: Some(&other), ..one }, work(Unknown, Home::OtherTenant)),
        ("an unknown idp", Evidence { identity_provider: Some("https://sso.example"), ..one }, work(Unknown, Home::Unknown)),
        ("an empty idp", Evidence { identity_provider: Some(""), ..one }, work(Unknown, Home::Unknown)),
        ("another home", Evidence { home_tenant: Some(tenant(OTHER)), ..one }, work(Unknown, Home::OtherTenant)),
        ("a personal home", Evidence { home_tenant: Some(TenantId::CONSUMERS), ..one }, work(Unknown, Home::Personal)),
    ] {
        check(what, evidence, expected);
    }
}

#[test]
fn a_guest_of_whose_home_nothing_is_told_is_not_taken_for_a_work_account() {
    use crate::domain::reason::Reason;
    use crate::domain::route::made_up::work_only;
    use crate::domain::route::{Guests, Requirements};
    let wanted = Requirements { guests: Guests::Work, ..work_only() };
    let judge = |evidence| {
        let Account { kind, membership, home } = classify(&evidence);
        wanted.check_membership(kind, membership, home)
    };
    let at_tenant = Evidence { pinning: Pinning::OneIssuer, ..bare() };
    let other = format!("https://sts.windows.net/{OTHER}/");
    for (evidence, verdict) in [
        (Evidence { acct: Acct::Guest, ..at_tenant }, Err(Reason::GuestNotAllowed)),
        (Evidence { acct: Acct::Unreadable, ..at_tenant }, Err(Reason::MembershipUnknown)),
        (Evidence { acct: Acct::Guest, identity_provider: Some("live.com"), ..at_tenant }, Err(Reason::PersonalGuestNotAllowed)),
        (Evidence { acct: Acct::Guest, home_tenant: Some(TenantId::CONSUMERS), ..at_tenant }, Err(Reason::PersonalGuestNotAllowed)),
        (Evidence { acct: Acct::Guest, identity_provider: Some(&other), ..at_tenant }, Ok(())),
        (Evidence { acct: Acct::Guest, home_tenant: Some(tenant(OTHER)), ..at_tenant }, Ok(())),
        (Evidence { acct: Acct::Member, ..at_tenant }, Ok(())),
    ] {
        assert_eq!(judge(evidence), verdict, "{evidence:?}");
    }
}

#[test]
fn either_witness_suffices_for_a_personal_home() {
    let consumers = format!("https://sts.windows.net/{}/", CONSUMERS.to_uppercase());
    for provider in ["live.com", "LIVE.com", "https://live.com/", "login.live.com", "https://login.live.com", CONSUMERS, &consumers] {
        for home_tenant in [None, Some(tenant(TENANT)), Some(tenant(OTHER)), Some(TenantId::CONSUMERS)] {
            let account = classify(&Evidence { identity_provider: Some(provider), home_tenant, ..bare() });
            assert_eq!(account.home, Home::Personal, "{provider} {home_tenant:?}");
        }
    }
    for provider in [None, Some(ISSUER), Some("google.com"), Some("mail")] {
        let account = classify(&Evidence { identity_provider: provider, home_tenant: Some(TenantId::CONSUMERS), ..bare() });
        assert_eq!(account.home, Home::Personal, "{provider:?}");
    }
    // Names that only look like it.
    for provider in ["live.com.example", "notlive.com", "https://example/live.com", "outlook.com"] {
        assert_eq!(classify(&Evidence { identity_provider: Some(provider), ..bare() }).home, Home::Unknown, "{provider}");
    }
}

#[test]
fn words_are_those_of_the_configuration() {
    assert_eq!(AccountKind::ALL.map(AccountKind::as_str), ["work", "personal", "customer"]);
    assert_eq!([Membership::Guest, Membership::Member, Membership::Unknown].map(Membership::as_str), ["guest", "member", "unknown"]);
    let homes = [Home::EmailCode, Home::OtherTenant, Home::Personal, Home::Social, Home::ThisTenant, Home::Unknown];
    assert_eq!(homes.map(Home::as_str), ["email_code", "other_tenant", "personal", "social", "this_tenant", "unknown"]);
}

#[test]
fn a_tenant_is_a_guid_and_not_a_domain() {
    assert_eq!(TenantId::parse(&CONSUMERS.to_uppercase()), Ok(TenantId::CONSUMERS));
    assert_eq!(TenantId::CONSUMERS.to_string(), CONSUMERS);
    for text in ["contoso.com", "common", "", "{3a0c0000-0000-4000-8000-0000000000aa}"] {
        assert!(TenantId::parse(text).is_err(), "{text}");
    }
}

fn some_tenant() -> impl Strategy<Value = Option<TenantId>> {
    prop::option::of(prop::sample::select(vec![tenant(TENANT), tenant(OTHER), TenantId::CONSUMERS]))
}

fn some_evidence(provider: &str) -> impl Strategy<Value = Evidence<'_>> {
    (
        prop::sample::select(AccountKind::ALL.to_vec()),
        prop::sample::select(vec![Pinning::ManyTenants, Pinning::OneIssuer]),
        some_tenant(),
        prop::sample::select(vec![Acct::Guest, Acct::Member, Acct::Absent, Acct::Unreadable]),
        some_tenant(),
    )
        .prop_map(move |(declared, pinning, tenant, acct, home_tenant)| Evidence {
            declared,
            pinning,
            tenant,
            acct,
            home_tenant,
            identity_provider: Some(provider),
            ..bare()
        })
}

proptest! {
    #[test]
    fn every_evidence_has_an_account(provider in any::<String>(), evidence in some_evidence("")) {
        let account = classify(&Evidence { identity_provider: Some(&provider), ..evidence });
        let consumers = evidence.tenant == Some(TenantId::CONSUMERS);
        prop_assert_eq!(account.kind, if consumers { AccountKind::Personal } else { evidence.declared });
        match account.kind {
            AccountKind::Work => {}
            AccountKind::Customer => prop_assert_eq!(account.membership, Membership::Unknown),
            AccountKind::Personal => prop_assert_eq!((account.membership, account.home), (Membership::Unknown, Home::Personal)),
        }
    }

    #[test]
    fn live_com_is_a_personal_home_under_any_tenant(evidence in some_evidence("live.com")) {
        prop_assert_eq!(classify(&evidence).home, Home::Personal);
    }

    #[test]
    fn nobody_is_a_member_against_the_word_of_acct(provider in any::<String>(), evidence in some_evidence("")) {
        let account = classify(&Evidence { identity_provider: Some(&provider), ..evidence });
        if matches!(evidence.acct, Acct::Guest | Acct::Unreadable) {
            prop_assert_ne!(account.membership, Membership::Member);
        }
    }
}
