//! What holds of all rules and people: many of both, made up.

use proptest::prelude::*;

use super::*;

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
