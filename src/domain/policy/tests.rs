//! Tests of the policy rules, by tables. What holds of all rules and people is in `properties`; rules that are tried and not
//! yet enforced are in `tried`.

mod properties;
mod tried;

use std::sync::Arc;

use super::*;
use crate::domain::route::{AccountKinds, Matcher, RouteTable, made_up};
use crate::domain::time::Timestamp;

const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const FABRIKAM: &str = "3a0c0000-0000-4000-8000-0000000000bb";

fn tenant(text: &str) -> TenantId {
    TenantId::parse(text).expect("a GUID literal")
}

fn names(texts: &[&str]) -> Vec<Arc<str>> {
    texts.iter().map(|text| Arc::from(*text)).collect()
}

fn ada() -> Principal {
    Principal {
        authority: AuthorityName::work(),
        issuer: "https://idp.example".into(),
        subject: "ada".into(),
        tenant: Some(tenant(CONTOSO)),
        object: Some("0b1e".into()),
        kind: AccountKind::Work,
        membership: Membership::Member,
        home: Home::ThisTenant,
        name: None,
        preferred_username: None,
        verified_email: None,
        groups: Groups::Listed(names(&["g1"])),
        roles: names(&["r1"]),
    }
}

fn cy() -> Principal {
    Principal {
        authority: AuthorityName::personal(),
        tenant: Some(TenantId::CONSUMERS),
        kind: AccountKind::Personal,
        membership: Membership::Unknown,
        home: Home::Personal,
        groups: Groups::Listed(vec![]),
        roles: vec![],
        ..ada()
    }
}

fn anybody() -> Requirements {
    Requirements {
        kinds: AccountKinds::ANY,
        authorities: vec![AuthorityName::work(), AuthorityName::personal()],
        tenants: vec![],
        guests: Guests::Allow,
        groups: vec![],
        roles: vec![],
    }
}

fn work_only() -> Requirements {
    Requirements { kinds: AccountKinds::default().with(AccountKind::Work), ..anybody() }
}

fn route(access: Access, bearer: Option<BearerRequirements>) -> Route {
    Route { bearer, ..made_up::route("r", Matcher::default(), access) }
}

fn shadowed(stated: Requirements) -> Access {
    Access::Shadowed { enforced: anybody(), stated }
}

fn verdict(wanted: Requirements, who: &Principal) -> Result<(), Reason> {
    route(Access::Required(wanted), None).judge(Subject { principal: who, grant: None }).map(|permit| {
        assert_eq!(permit.principal(), Some(who));
    })
}

#[test]
fn each_kind_is_refused_in_its_own_words() {
    for (kind, reason) in [
        (AccountKind::Work, Reason::WorkAccountNotAllowed),
        (AccountKind::Personal, Reason::PersonalAccountNotAllowed),
        (AccountKind::Customer, Reason::CustomerAccountNotAllowed),
    ] {
        let others = AccountKind::ALL.into_iter().filter(|other| *other != kind).collect();
        let who = Principal { kind, ..ada() };
        assert_eq!(verdict(Requirements { kinds: others, ..anybody() }, &who), Err(reason));
        assert_eq!(verdict(Requirements { kinds: AccountKinds::default().with(kind), ..anybody() }, &who), Ok(()));
    }
}

#[test]
fn the_first_failing_check_names_the_reason() {
    let mut wanted = Requirements {
        kinds: AccountKinds::default().with(AccountKind::Personal),
        authorities: vec![AuthorityName::personal()],
        tenants: vec![tenant(FABRIKAM)],
        guests: Guests::Deny,
        groups: names(&["g2"]),
        roles: vec![],
    };
    let who = Principal { membership: Membership::Guest, ..ada() };
    assert_eq!(verdict(wanted.clone(), &who), Err(Reason::WorkAccountNotAllowed));
    wanted.kinds = AccountKinds::ANY;
    assert_eq!(verdict(wanted.clone(), &who), Err(Reason::AuthorityNotAllowed));
    wanted.authorities = vec![AuthorityName::work()];
    assert_eq!(verdict(wanted.clone(), &who), Err(Reason::TenantNotAllowed));
    wanted.tenants = vec![tenant(CONTOSO)];
    assert_eq!(verdict(wanted.clone(), &who), Err(Reason::GuestNotAllowed));
    wanted.guests = Guests::Allow;
    assert_eq!(verdict(wanted.clone(), &who), Err(Reason::GroupRequired));
    wanted.groups = names(&["g1"]);
    assert_eq!(verdict(wanted, &who), Ok(()));
}

#[test]
fn tenants_speak_of_work_accounts_only() {
    let wanted = Requirements { tenants: vec![tenant(CONTOSO)], ..anybody() };
    for (kind, who_tenant, expected) in [
        (AccountKind::Work, Some(CONTOSO), Ok(())),
        (AccountKind::Work, Some(FABRIKAM), Err(Reason::TenantNotAllowed)),
        (AccountKind::Work, None, Err(Reason::TenantNotAllowed)),
        (AccountKind::Personal, None, Ok(())),
        (AccountKind::Customer, Some(FABRIKAM), Ok(())),
    ] {
        assert_eq!(wanted.check_tenant(kind, who_tenant.map(tenant)), expected, "{kind:?} {who_tenant:?}");
        assert_eq!(anybody().check_tenant(kind, who_tenant.map(tenant)), Ok(()));
    }
}

/// The whole table: what a work account of this membership and home meets under `guests` deny, work, allow.
#[test]
fn guests_membership_and_home_as_a_full_table() {
    use Home as H;
    use Membership::{Guest, Member, Unknown};
    let (guest, personal, unknown) = (Err(Reason::GuestNotAllowed), Err(Reason::PersonalGuestNotAllowed), Err(Reason::MembershipUnknown));
    for (membership, home, deny, work) in [
        (Member, H::EmailCode, Ok(()), Ok(())),
        (Member, H::OtherTenant, Ok(()), Ok(())),
        (Member, H::Personal, Ok(()), Ok(())),
        (Member, H::Social, Ok(()), Ok(())),
        (Member, H::ThisTenant, Ok(()), Ok(())),
        (Member, H::Unknown, Ok(()), Ok(())),
        (Guest, H::EmailCode, guest, guest),
        (Guest, H::OtherTenant, guest, Ok(())),
        (Guest, H::Personal, personal, personal),
        (Guest, H::Social, guest, guest),
        (Guest, H::ThisTenant, guest, Ok(())),
        (Guest, H::Unknown, guest, guest),
        (Unknown, H::EmailCode, unknown, guest),
        (Unknown, H::OtherTenant, unknown, Ok(())),
        (Unknown, H::Personal, personal, personal),
        (Unknown, H::Social, unknown, guest),
        (Unknown, H::ThisTenant, unknown, Ok(())),
        (Unknown, H::Unknown, unknown, unknown),
    ] {
        for (guests, expected) in [(Guests::Deny, deny), (Guests::Work, work), (Guests::Allow, Ok(()))] {
            let wanted = Requirements { guests, ..anybody() };
            assert_eq!(wanted.check_membership(AccountKind::Work, membership, home), expected, "{guests:?} {membership:?} {home:?}");
            for kind in [AccountKind::Personal, AccountKind::Customer] {
                assert_eq!(wanted.check_membership(kind, membership, home), Ok(()), "{kind:?}");
            }
        }
    }
}

const G1: &str = "7d0e0000-0000-4000-8000-0000000000f1";
const G2: &str = "7d0e0000-0000-4000-8000-0000000000f2";

#[test]
fn one_group_or_role_suffices_and_a_missing_list_is_not_an_empty_one() {
    let listed = |groups: &[&str]| Groups::Listed(names(groups));
    let asked = |about: &[&str], member_of: &[&str]| Groups::Asked { about: names(about), member_of: names(member_of) };
    for (groups, roles, has, has_roles, expected) in [
        (&[][..], &[][..], listed(&[]), &[][..], Ok(())),
        (&[], &[], Groups::Overage, &[], Ok(())),
        (&["g1"], &[], listed(&["g0", "g1"]), &[], Ok(())),
        (&["g1"], &[], listed(&["G1", "g"]), &[], Err(Reason::GroupRequired)),
        (&["g1"], &[], listed(&[]), &["g1"], Err(Reason::GroupRequired)),
        (&["g1"], &["r1"], listed(&[]), &["r1"], Ok(())),
        (&["g1"], &["r1"], Groups::Overage, &["r1"], Ok(())),
        (&["g1"], &["r1"], Groups::Overage, &[], Err(Reason::GroupsOverage)),
        (&[], &["r1"], Groups::Overage, &[], Err(Reason::GroupRequired)),
        (&[], &["r1"], listed(&["r1"]), &["r2"], Err(Reason::GroupRequired)),
        (&[G1], &[], asked(&[G1, G2], &[G1]), &[], Ok(())),
        (&[G1], &[], asked(&[G1, G2], &[G2]), &[], Err(Reason::GroupRequired)),
        (&[G1, G2], &[], asked(&[G1], &[G1]), &[], Ok(())),
        // Of a group that was named since nothing is known; nor, by asking, ever of one that has no object id.
        (&[G1, G2], &[], asked(&[G1], &[]), &[], Err(Reason::GroupsUnavailable)),
        (&[G1, "g2"], &[], Groups::NOT_ASKED, &[], Err(Reason::GroupsUnavailable)),
        (&[G1, "g2"], &[], asked(&[G1], &[]), &[], Err(Reason::GroupsOverage)),
        (&["g2"], &[], Groups::NOT_ASKED, &[], Err(Reason::GroupsOverage)),
        (&[G1], &["r1"], Groups::NOT_ASKED, &["r1"], Ok(())),
        (&[], &["r1"], Groups::NOT_ASKED, &[], Err(Reason::GroupRequired)),
        (&[], &[], Groups::NOT_ASKED, &[], Ok(())),
    ] {
        let wanted = Requirements { groups: names(groups), roles: names(roles), ..anybody() };
        assert_eq!(wanted.check_groups(&has, &names(has_roles)), expected, "{groups:?} {roles:?} {has:?} {has_roles:?}");
    }
}

#[test]
fn the_groups_that_routes_name_are_listed_once_each_in_file_order() {
    let naming = |groups: &[&str]| Requirements { groups: names(groups), ..anybody() };
    let routes = [
        Access::Public,
        Access::Required(naming(&["staff", G1])),
        Access::Optional(naming(&[G1])),
        Access::Required(anybody()),
        shadowed(naming(&[G2])),
    ];
    let table = RouteTable::new(routes.into_iter().map(|access| route(access, None)).collect());
    assert_eq!(**table.named_groups(), names(&["staff", G1, G2]));
    assert!(RouteTable::default().named_groups().is_empty());
}

fn api() -> BearerRequirements {
    BearerRequirements { audiences: names(&["api://orders"]), scopes: names(&["read", "list"]), roles: names(&["r1", "r2"]) }
}

#[test]
fn an_access_token_needs_the_audience_every_scope_and_one_role() {
    let grant = |audiences: &[&str], scopes: &[&str]| AccessGrant {
        audiences: audiences.iter().map(ToString::to_string).collect(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        expires_at: Timestamp::from_unix_seconds(0),
    };
    let insufficient = Err(Reason::InsufficientScope);
    for (bearer, grant, roles, expected) in [
        (Some(api()), grant(&["api://orders"], &["list", "read", "more"]), &["r2"][..], Ok(())),
        (Some(api()), grant(&["api://other"], &["list", "read"]), &["r1"], insufficient),
        (Some(api()), grant(&["api://orders/"], &["list", "read"]), &["r1"], insufficient),
        (Some(api()), grant(&[], &["list", "read"]), &["r1"], insufficient),
        (Some(api()), grant(&["api://orders"], &["read"]), &["r1"], insufficient),
        (Some(api()), grant(&["api://orders"], &["list", "read"]), &["r3"], insufficient),
        (Some(BearerRequirements { scopes: vec![], roles: vec![], ..api() }), grant(&["api://orders"], &[]), &[], Ok(())),
        (None, grant(&["api://orders"], &["list", "read"]), &["r1"], Err(Reason::InvalidToken)),
    ] {
        let who = Principal { roles: names(roles), ..ada() };
        let route = route(Access::Required(anybody()), bearer);
        let judged = route.judge(Subject { principal: &who, grant: Some(&grant) }).map(|_| ());
        assert_eq!(judged, expected, "{grant:?} {roles:?}");
    }
}

/// What a decision comes to, without the borrowed person.
fn outcome(access: Access, presented: Presented<'_, '_>) -> (&'static str, Reason, Option<AccountKind>) {
    match route(access, Some(api())).decide(presented) {
        Decision::Allow(permit, reason) => ("allow", reason, permit.principal().map(|who| who.kind)),
        Decision::Challenge(reason) => ("challenge", reason, None),
        Decision::Deny { reason, who } => ("deny", reason, who.map(|who| who.kind)),
    }
}

#[test]
fn a_decision_follows_from_what_was_brought() {
    use AccountKind::{Personal, Work};
    let (ada, cy) = (ada(), cy());
    let (none, one, other, both) = ([], [&ada], [&cy], [&cy, &ada]);
    let grant = AccessGrant {
        audiences: vec!["api://orders".into()],
        scopes: vec!["read".into(), "list".into()],
        expires_at: Timestamp::from_unix_seconds(0),
    };
    let stranger = AccessGrant { audiences: vec![], scopes: vec![], expires_at: Timestamp::from_unix_seconds(0) };
    let token = Presented::Token { principal: &ada, grant: &grant };
    let poor_token = Presented::Token { principal: &ada, grant: &stranger };
    let anonymous = ("allow", Reason::Public, None);
    let let_in = ("allow", Reason::SignedIn, Some(Work));
    for (what, presented, required, optional) in [
        ("nothing", Presented::Nothing, ("challenge", Reason::SignInRequired, None), anonymous),
        ("an ended session", Presented::OnlyEnded, ("challenge", Reason::SessionExpired, None), anonymous),
        ("no session", Presented::Sessions(&none), ("challenge", Reason::SignInRequired, None), anonymous),
        ("the right session", Presented::Sessions(&one), let_in, let_in),
        ("the wrong session", Presented::Sessions(&other), ("deny", Reason::PersonalAccountNotAllowed, Some(Personal)), anonymous),
        ("the right session second", Presented::Sessions(&both), let_in, let_in),
        ("a bad token", Presented::BadToken, ("deny", Reason::InvalidToken, None), ("deny", Reason::InvalidToken, None)),
        ("a token", token, let_in, let_in),
        ("a token for others", poor_token, ("deny", Reason::InsufficientScope, Some(Work)), anonymous),
    ] {
        assert_eq!(outcome(Access::Required(work_only()), presented), required, "{what}, required");
        assert_eq!(outcome(Access::Optional(work_only()), presented), optional, "{what}, optional");
        assert_eq!(outcome(Access::Public, presented), anonymous, "{what}, public");
    }
}

#[test]
fn a_trace_tells_every_check_up_to_the_one_that_decides() {
    use crate::domain::trace::{Step, trace_of};
    let wanted = Requirements { tenants: vec![tenant(FABRIKAM)], ..anybody() };
    for access in [Access::Required(wanted.clone()), shadowed(wanted)] {
        let steps = route(access, None).trace(Subject { principal: &ada(), grant: None });
        let failed = Step::Failed(Reason::TenantNotAllowed);
        assert_eq!(steps.map(|(_, step)| step), [Step::Passed, Step::Passed, failed, Step::NotReached, Step::NotReached, Step::NotReached]);
        assert_eq!(trace_of(Reason::TenantNotAllowed), Some(steps));
    }
    assert_eq!(trace_of(Reason::SignInRequired), None);
}
