//! Tests of the policy rules.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::destination::Destination;
use crate::domain::route::{AccountKinds, HeaderRules, Matcher, Position, RouteName, RouteTable, Timeouts, Unauthenticated};
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
    Route {
        name: RouteName::new("r"),
        position: Position { line: 1, column: 1 },
        matcher: Matcher::default(),
        access,
        unauthenticated: Unauthenticated::Auto,
        bearer,
        destination: Destination::ByKind { work: None, personal: None, customer: None },
        headers: HeaderRules::default(),
        timeouts: Timeouts::default(),
        strip_prefix: None,
        max_body: None,
        websocket: true,
        written: crate::domain::written::RouteKeys::default(),
    }
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
    let shadowed = Access::Shadowed { enforced: anybody(), stated: naming(&[G2]) };
    let routes =
        [Access::Public, Access::Required(naming(&["staff", G1])), Access::Optional(naming(&[G1])), Access::Required(anybody()), shadowed];
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

fn subset(of: &'static [&'static str]) -> impl Strategy<Value = Vec<Arc<str>>> {
    prop::sample::subsequence(of.to_vec(), 0..=of.len()).prop_map(|texts| names(&texts))
}

fn some_tenants() -> impl Strategy<Value = Vec<TenantId>> {
    prop::sample::subsequence(vec![tenant(CONTOSO), tenant(FABRIKAM)], 0..=2)
}

fn some_requirements() -> impl Strategy<Value = Requirements> {
    let guests = prop::sample::select(vec![Guests::Allow, Guests::Deny, Guests::Work]);
    let authorities = prop::sample::subsequence(vec![AuthorityName::work(), AuthorityName::personal()], 1..=2);
    let kinds = prop::sample::subsequence(AccountKind::ALL.to_vec(), 1..=3);
    (kinds, authorities, some_tenants(), guests, subset(&["g1", "g2"]), subset(&["r1", "r2"])).prop_map(
        |(kinds, authorities, tenants, guests, groups, roles)| Requirements {
            kinds: kinds.into_iter().collect(),
            authorities,
            tenants,
            guests,
            groups,
            roles,
        },
    )
}

fn some_principal() -> impl Strategy<Value = Principal> {
    let memberships = vec![Membership::Guest, Membership::Member, Membership::Unknown];
    let homes = vec![Home::EmailCode, Home::OtherTenant, Home::Personal, Home::Social, Home::ThisTenant, Home::Unknown];
    let asked = (subset(&["g1", "g2"]), subset(&["g1", "g2"])).prop_map(|(about, member_of)| Groups::Asked { about, member_of });
    let groups = prop_oneof![3 => subset(&["g1", "g2", "g3"]).prop_map(Groups::Listed), 1 => Just(Groups::Overage), 2 => asked];
    let tenants = vec![None, Some(tenant(CONTOSO)), Some(tenant(FABRIKAM))];
    (
        prop::sample::select(AccountKind::ALL.to_vec()),
        prop::sample::select(vec![AuthorityName::work(), AuthorityName::personal()]),
        prop::sample::select(tenants),
        prop::sample::select(memberships),
        prop::sample::select(homes),
        groups,
        subset(&["r1", "r2", "r3"]),
    )
        .prop_map(|(kind, authority, tenant, membership, home, groups, roles)| Principal {
            kind,
            authority,
            tenant,
            membership,
            home,
            groups,
            roles,
            ..ada()
        })
}

/// Drops what is not in `kept`, unless that would leave no requirement at all.
fn narrow<T: Clone + PartialEq>(list: &[T], kept: &[T]) -> Vec<T> {
    let narrowed: Vec<T> = list.iter().filter(|item| kept.contains(item)).cloned().collect();
    if narrowed.is_empty() { list.to_vec() } else { narrowed }
}

/// `wanted` with further requirements, taken from `more`. Groups and roles are one requirement, met by either: adding a
/// role to a list of groups would widen it.
fn tightened(wanted: &Requirements, more: &Requirements) -> Requirements {
    let asks_for_none = wanted.groups.is_empty() && wanted.roles.is_empty();
    let rank = |guests: Guests| match guests {
        Guests::Allow => 0,
        Guests::Work => 1,
        Guests::Deny => 2,
    };
    Requirements {
        kinds: wanted.kinds.iter().filter(|kind| more.kinds.contains(*kind)).collect(),
        authorities: wanted.authorities.iter().filter(|name| more.authorities.contains(name)).cloned().collect(),
        tenants: if wanted.tenants.is_empty() { more.tenants.clone() } else { narrow(&wanted.tenants, &more.tenants) },
        guests: if rank(more.guests) > rank(wanted.guests) { more.guests } else { wanted.guests },
        groups: if asks_for_none { more.groups.clone() } else { narrow(&wanted.groups, &more.groups) },
        roles: if asks_for_none { more.roles.clone() } else { narrow(&wanted.roles, &more.roles) },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn more_requirements_never_turn_refusal_into_admission(
        wanted in some_requirements(), more in some_requirements(), who in some_principal(),
    ) {
        if verdict(wanted.clone(), &who).is_err() {
            prop_assert!(verdict(tightened(&wanted, &more), &who).is_err());
        }
    }

    #[test]
    fn more_bearer_requirements_never_turn_refusal_into_admission(
        scopes in subset(&["a", "b"]), more in subset(&["a", "b"]), granted in subset(&["a", "b"]), roles in subset(&["r1"]), who in some_principal(),
    ) {
        let grant = AccessGrant { audiences: vec!["api".into()], scopes: granted.iter().map(ToString::to_string).collect(), expires_at: Timestamp::from_unix_seconds(0) };
        let judged = |scopes: Vec<Arc<str>>, roles| {
            let bearer = BearerRequirements { audiences: names(&["api"]), scopes, roles };
            route(Access::Required(anybody()), Some(bearer)).judge(Subject { principal: &who, grant: Some(&grant) }).is_ok()
        };
        if !judged(scopes.clone(), vec![]) {
            prop_assert!(!judged([scopes, more].concat(), roles));
        }
    }

    #[test]
    fn a_refusal_is_the_first_failing_check_and_a_permit_means_none(wanted in some_requirements(), who in some_principal()) {
        let route = route(Access::Required(wanted), None);
        let subject = Subject { principal: &who, grant: None };
        let first = Check::ORDER.into_iter().find_map(|check| route.run(check, subject).err());
        prop_assert_eq!(route.judge(subject).err(), first);
    }

    #[test]
    fn a_work_only_route_admits_no_other_kind(who in some_principal()) {
        let expected = if who.kind == AccountKind::Work { Ok(()) } else { work_only().check_kind(who.kind) };
        prop_assert_eq!(verdict(work_only(), &who), expected);
    }
}

fn shadowed(stated: Requirements) -> Access {
    Access::Shadowed { enforced: anybody(), stated }
}

#[test]
fn a_route_that_only_tries_its_rules_admits_and_tells_whom_it_would_have_refused() {
    let (route, ada, cy) = (route(shadowed(work_only()), None), ada(), cy());
    for (who, would_be_refused) in [(&ada, None), (&cy, Some(Reason::PersonalAccountNotAllowed))] {
        let permit = route.judge(Subject { principal: who, grant: None }).expect("nobody is refused");
        assert_eq!(permit.would_be_refused(), would_be_refused);
    }
    let nobody = route.decide(Presented::Nothing);
    assert!(matches!(nobody, Decision::Challenge(Reason::SignInRequired)), "signing in is not what is tried");
}

#[test]
fn what_an_access_token_may_do_is_tried_but_whom_it_is_meant_for_is_enforced() {
    let grant = |audience: &str, scope: &str| AccessGrant {
        audiences: vec![audience.into()],
        scopes: vec![scope.into()],
        expires_at: Timestamp::from_unix_seconds(0),
    };
    let bearer = BearerRequirements { audiences: names(&["api"]), scopes: names(&["read"]), roles: vec![] };
    let [tried, closed] = [Some(bearer), None].map(|bearer| route(shadowed(work_only()), bearer));
    let would_be_refused = |route: &Route, grant: &AccessGrant| {
        let (who, cy) = (ada(), cy());
        let admitted =
            |who: &Principal| route.judge(Subject { principal: who, grant: Some(grant) }).map(|permit| permit.would_be_refused());
        (admitted(&who), admitted(&cy).is_ok())
    };
    assert_eq!(would_be_refused(&tried, &grant("api", "read")), (Ok(None), true));
    assert_eq!(would_be_refused(&tried, &grant("api", "write")), (Ok(Some(Reason::InsufficientScope)), true));
    assert_eq!(would_be_refused(&tried, &grant("another api", "read")), (Err(Reason::InsufficientScope), false));
    assert_eq!(would_be_refused(&closed, &grant("api", "read")), (Err(Reason::InvalidToken), false));
}

#[test]
fn of_two_sessions_the_one_that_passes_what_is_tried_comes_first() {
    let route = route(shadowed(work_only()), None);
    let (ada, cy) = (ada(), cy());
    for (sessions, kind, would_be_refused) in [
        (vec![&cy, &ada], AccountKind::Work, None),
        (vec![&ada, &cy], AccountKind::Work, None),
        (vec![&cy], AccountKind::Personal, Some(Reason::PersonalAccountNotAllowed)),
    ] {
        let Decision::Allow(permit, _) = route.decide(Presented::Sessions(&sessions)) else { panic!("nobody is refused") };
        assert_eq!((permit.principal().map(|who| who.kind), permit.would_be_refused()), (Some(kind), would_be_refused));
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
