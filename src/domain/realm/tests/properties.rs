//! What holds on every route, for every address, after every answer.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

const KINDS: [AccountKind; 3] = AccountKind::ALL;

fn directories() -> impl Strategy<Value = Directory> {
    let detect = select(vec![Detect::Domains, Detect::Lookup, Detect::Off]);
    let ambiguous = select(vec![Ambiguous::Ask, Ambiguous::Personal, Ambiguous::Work]);
    (detect, ambiguous).prop_map(|(detect, ambiguous)| Directory { detect, ambiguous, ..world() })
}

/// Routes that may contradict themselves: authorities of kinds that are not admitted, kinds without an authority.
fn routes() -> impl Strategy<Value = Requirements> {
    let names: Vec<AuthorityName> = world().authorities.into_iter().map(|authority| authority.name).collect();
    let tenants = vec![tenant(CONTOSO), tenant(FABRIKAM), tenant(ELSEWHERE)];
    let guests = select(vec![Guests::Allow, Guests::Deny, Guests::Work]);
    let authorities = subsequence(names, 0..=8).prop_shuffle();
    (authorities, subsequence(KINDS.to_vec(), 1..=3), subsequence(tenants, 0..=3), guests).prop_map(
        |(authorities, kinds, tenants, guests)| Requirements {
            kinds: kinds.into_iter().collect(),
            authorities,
            tenants,
            guests,
            groups: Vec::new(),
            roles: Vec::new(),
        },
    )
}

fn answers() -> impl Strategy<Value = TenantOfDomain> {
    let tenants = [CONTOSO, FABRIKAM, ELSEWHERE].map(|id| TenantOfDomain::Tenant(tenant(id)));
    let others = [TenantOfDomain::NoTenant, TenantOfDomain::Unknown, TenantOfDomain::Tenant(TenantId::CONSUMERS)];
    select([tenants, others].concat())
}

fn typed() -> impl Strategy<Value = Identifier> {
    let texts = [
        "a@contoso.example",
        "a@fabrikam.example",
        "a@hr.contoso.example",
        "a@adatum.example",
        "a@partner.example",
        "a@club.example",
        "a@shop.example",
        "a@outlook.com",
        "a@outlook.example",
        "a@unlisted.example",
        "+1 425 555 0100",
        "skype",
    ];
    select(texts.to_vec()).prop_map(|text| Identifier::parse(text).expect("an identifier"))
}

fn kind_or_none() -> impl Strategy<Value = Option<AccountKind>> {
    prop::option::of(select(KINDS.to_vec()))
}

/// The same route with one requirement more.
fn stricter(wanted: &Requirements, step: usize) -> Requirements {
    let mut wanted = wanted.clone();
    match step {
        0 => wanted.kinds = wanted.kinds.iter().skip(1).collect(),
        1 => wanted.guests = Guests::Deny,
        2 => wanted.tenants = vec![wanted.tenants.first().copied().unwrap_or(tenant(CONTOSO))],
        _ => wanted.authorities.truncate(wanted.authorities.len() / 2),
    }
    wanted
}

fn assert_sound(realm: &Realm, world: &Directory, wanted: &Requirements) -> Result<(), TestCaseError> {
    match realm {
        Realm::Ask(kinds) => {
            prop_assert!(kinds.len() >= 2);
            for kind in kinds {
                let authority = world.authority_of_kind(*kind, wanted);
                prop_assert!(authority.is_some_and(|authority| authority.kind == *kind && wanted.authorities.contains(&authority.name)));
            }
        }
        Realm::Known { authority, .. } => {
            prop_assert!(wanted.authorities.contains(authority));
            let known = world.authorities.iter().find(|known| known.name == *authority).expect("an authority of this world");
            prop_assert!(wanted.kinds.contains(known.kind), "{:?}", known.kind);
        }
        Realm::Refused(_) => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_answer_is_one_that_the_route_admits_and_stays_so_with_more_requirements(
        world in directories(), wanted in routes(), typed in typed(), chosen in kind_or_none(), remembered in kind_or_none(),
        answer in answers(), step in 0_usize..4,
    ) {
        for wanted in [wanted.clone(), stricter(&wanted, step)] {
            assert_sound(&world.discover(&typed, chosen, remembered, answer, &wanted), &world, &wanted)?;
        }
    }

    #[test]
    fn a_lookup_that_is_not_needed_changes_nothing(
        world in directories(), wanted in routes(), typed in typed(), chosen in kind_or_none(), remembered in kind_or_none(),
        answer in answers(),
    ) {
        let goal = |answer| world.discover(&typed, chosen, remembered, answer, &wanted).goal();
        if world.lookup_needed(&typed, chosen, remembered, &wanted).is_none() {
            prop_assert!(goal(answer) == goal(TenantOfDomain::Unknown));
        }
    }

    #[test]
    fn a_personal_address_reaches_no_work_authority_of_a_route_without_personal_accounts_and_guests(
        world in directories(), mut wanted in routes(), chosen in kind_or_none(), remembered in kind_or_none(), answer in answers(),
        detect in select(vec![Detect::Domains, Detect::Lookup]), guests in select(vec![Guests::Deny, Guests::Work]),
    ) {
        let world = Directory { detect, ..world };
        wanted.guests = guests;
        wanted.kinds = [AccountKind::Work].into_iter().collect();
        let typed = Identifier::parse("cy@hotmail.co.uk").expect("an address");
        let realm = world.discover(&typed, chosen, remembered, answer, &wanted);
        prop_assert!(matches!(realm, Realm::Refused(_)), "{:?}", realm);
    }

    #[test]
    fn only_one_authority_is_where_every_address_leads(
        world in directories(), wanted in routes(), typed in typed(), answer in answers(),
    ) {
        if let Some(only) = world.only_authority(&wanted) {
            match world.discover(&typed, None, None, answer, &wanted) {
                Realm::Known { authority, .. } => prop_assert_eq!(&authority, &only.name),
                Realm::Ask(kinds) => prop_assert!(false, "{:?}", kinds),
                Realm::Refused(_) => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn who_stands_before_the_at_sign_and_the_case_behind_it_do_not_matter(
        local in "[a-zA-Z0-9.!#$%&'*+/=?^_{|}~-]{1,64}", shouted in any::<bool>(), world in directories(), wanted in routes(),
        answer in answers(),
        domain in select(vec!["contoso.example", "partner.example", "outlook.com", "unlisted.example", "shop.example"]),
    ) {
        let plain = Identifier::parse(&format!("a@{domain}")).expect("an address");
        let domain = if shouted { domain.to_uppercase() } else { domain.to_owned() };
        let other = Identifier::parse(&format!("{local}@{domain}")).expect("an address");
        let discover = |typed| world.discover(typed, None, None, answer, &wanted);
        prop_assert_eq!(discover(&plain), discover(&other));
        let needed = |typed| world.lookup_needed(typed, None, None, &wanted).cloned();
        prop_assert_eq!(needed(&plain), needed(&other));
    }
}
