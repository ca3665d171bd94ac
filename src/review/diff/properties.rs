//! No difference is missed and none is made up: on small random rules, what is told is held against everybody who
//! exists there, asking for everything that can be asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::Method;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::people::{HOMES, MEMBERSHIPS};
use super::*;
use crate::domain::account::{Home, Membership, TenantId};
use crate::domain::authority::ExpectedIssuer;
use crate::domain::destination::Destination;
use crate::domain::made_up::MadeUp;
use crate::domain::origin::{Origin, Origins};
use crate::domain::pattern::PathPattern;
use crate::domain::policy::{AccessGrant, Decision, Presented, Subject};
use crate::domain::principal::{Groups, Principal};
use crate::domain::realm::{Directory, KnownAuthority};
use crate::domain::route::made_up::{app, route};
use crate::domain::route::{AccountKinds, BearerRequirements, Guests, Matcher, Requirements, RouteTable};
use crate::domain::sign_in_page::SignInPage;
use crate::domain::target::Target;
use crate::domain::time::Timestamp;

const A: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const B: &str = "3a0c0000-0000-4000-8000-0000000000bb";
const C: &str = "3a0c0000-0000-4000-8000-0000000000cc";
const MICROSOFT: &str = "https://login.microsoftonline.com";
const OTHER: [&str; 2] = ["https://one.example", "https://two.example"];

fn tenant(text: &str) -> TenantId {
    TenantId::parse(text).expect("a GUID")
}

fn texts(texts: Vec<&'static str>) -> Vec<Arc<str>> {
    texts.into_iter().map(Arc::from).collect()
}

fn some(all: &[&'static str]) -> impl Strategy<Value = Vec<Arc<str>>> {
    subsequence(all.to_vec(), 0..=all.len()).prop_map(texts)
}

prop_compose! {
    fn requirements()(
        kinds in subsequence(AccountKind::ALL.to_vec(), 1..=3),
        authorities in subsequence(vec!["work", "personal", "contoso", "other", "shoppers"], 1..=5),
        tenants in subsequence(vec![A, B], 0..=2),
        guests in select(vec![Guests::Allow, Guests::Deny, Guests::Work]),
        groups in some(&["g1", "g2"]),
        roles in some(&["r1"]),
    ) -> Requirements {
        Requirements {
            kinds: kinds.into_iter().collect(),
            authorities: authorities.into_iter().map(|name| AuthorityName::parse(name).expect("a name")).collect(),
            tenants: tenants.into_iter().map(tenant).collect(),
            guests,
            groups,
            roles,
        }
    }
}

fn access() -> impl Strategy<Value = Access> {
    let shadowed = |stated: Requirements| Access::Shadowed {
        enforced: Requirements {
            kinds: AccountKinds::ANY,
            tenants: vec![],
            guests: Guests::Allow,
            groups: vec![],
            roles: vec![],
            ..stated.clone()
        },
        stated,
    };
    prop_oneof![
        1 => Just(Access::Public),
        1 => requirements().prop_map(Access::Optional),
        6 => requirements().prop_map(Access::Required),
        1 => requirements().prop_map(shadowed),
    ]
}

prop_compose! {
    fn bearer()(
        audiences in subsequence(vec!["x", "y"], 1..=2),
        scopes in some(&["s", "t"]),
        roles in some(&["r1", "r2"]),
    ) -> BearerRequirements {
        BearerRequirements { audiences: texts(audiences), scopes, roles }
    }
}

fn pattern() -> impl Strategy<Value = PathPattern> {
    let segment = select(vec!["a", "b", "c", "*"]);
    (prop::collection::vec(segment, 0..=3), any::<bool>()).prop_map(|(segments, is_open)| {
        let segments = segments.into_iter().chain(is_open.then_some("**"));
        PathPattern::parse(&format!("/{}", segments.collect::<Vec<_>>().join("/"))).expect("a pattern")
    })
}

prop_compose! {
    fn matcher()(
        host in select(vec![None, None, None, Some("one.test"), Some("two.test")]),
        path in prop::option::weighted(0.8, pattern()),
        methods in subsequence(vec![Method::GET, Method::HEAD, Method::POST], 0..=2),
        is_for_all in prop::bool::weighted(0.6),
    ) -> Matcher {
        Matcher { host: host.map(ToOwned::to_owned), path, methods: if is_for_all { vec![] } else { methods } }
    }
}

fn routes(prefix: &'static str) -> impl Strategy<Value = Vec<Route>> {
    let destination = prop_oneof![
        4 => Just(Destination::One(app())),
        1 => Just(Destination::ByKind { work: Some(app()), personal: None, customer: Some(app()) }),
    ];
    let drawn = (matcher(), access(), prop::option::weighted(0.3, bearer()), destination);
    prop::collection::vec(drawn, 1..=4).prop_map(move |routes| {
        let named = |(at, (matcher, access, bearer, destination))| {
            // Who need not sign in has no kind to go by, and the configuration knows it.
            let destination = if matches!(access, Access::Public | Access::Optional(_)) { Destination::One(app()) } else { destination };
            let bearer = if matches!(access, Access::Public) { None } else { bearer };
            Route { bearer, destination, ..route(&format!("{prefix}{at}"), matcher, access) }
        };
        routes.into_iter().enumerate().map(named).collect()
    })
}

fn directory(other: &str) -> Directory {
    let authority = |name: &str, kind, issuer: &str| KnownAuthority {
        name: AuthorityName::parse(name).expect("a name"),
        kind,
        issuer: ExpectedIssuer::parse(issuer).expect("an issuer"),
        domains: Vec::new(),
    };
    let authorities = vec![
        authority("work", AccountKind::Work, &format!("{MICROSOFT}/organizations/v2.0")),
        authority("personal", AccountKind::Personal, &format!("{MICROSOFT}/consumers/v2.0")),
        authority("contoso", AccountKind::Work, &format!("{MICROSOFT}/{A}/v2.0")),
        authority("other", AccountKind::Work, other),
        authority("shoppers", AccountKind::Customer, "https://shoppers.example"),
    ];
    Directory { authorities, ..Directory::default() }
}

prop_compose! {
    fn rules(name: &'static str)(
        routes in routes(name),
        other in select(OTHER.to_vec()),
        hosts in select(vec![1, 2, 2]),
        prefix in select(vec!["/.auth", "/.auth", "/c"]),
    ) -> Rules {
        let mut origins = ["https://one.test", "https://two.test"].map(|origin| Origin::parse(origin).expect("an origin")).into_iter().take(hosts);
        Rules {
            file_name: name.into(),
            origins: Origins::new(origins.next().expect("one at least"), origins.collect()),
            prefix: prefix.into(),
            tenants: Vec::new(),
            directory: directory(other),
            page: SignInPage::default(),
            routes: RouteTable::new(routes),
        }
    }
}

/// A new file that has most of the old one's routes.
fn edited() -> impl Strategy<Value = (Rules, Rules)> {
    (rules("o"), rules("n"), prop::collection::vec(prop::bool::weighted(0.6), 4)).prop_map(|(old, mut new, kept)| {
        let mixed = new.routes.routes().iter().enumerate().map(|(at, route)| match old.routes.routes().get(at) {
            Some(same) if kept[at] => Route { name: route.name.clone(), ..same.clone() },
            Some(_) | None => route.clone(),
        });
        new.routes = RouteTable::new(mixed.collect());
        (old, new)
    })
}

/// Somebody, and the token that they may come with.
struct Someone {
    principal: Principal,
    grant: Option<AccessGrant>,
}

fn everybody() -> Vec<Someone> {
    let grants = subsets(&["x", "y"]).flat_map(|audiences| subsets(&["s", "t"]).map(move |scopes| (audiences.clone(), scopes)));
    let grant = |(audiences, scopes)| AccessGrant { audiences, scopes, expires_at: Timestamp::from_unix_seconds(0) };
    let grants: Vec<_> = std::iter::once(None).chain(grants.map(grant).map(Some)).collect();
    let microsoft = |id: &str| (AccountKind::Work, format!("{MICROSOFT}/{id}/v2.0"), Some(tenant(id)));
    let accounts = [A, B, C].map(microsoft).into_iter().chain(OTHER.map(|issuer| (AccountKind::Work, issuer.to_owned(), None))).chain([
        (AccountKind::Personal, format!("{MICROSOFT}/{}/v2.0", TenantId::CONSUMERS), Some(TenantId::CONSUMERS)),
        (AccountKind::Customer, "https://shoppers.example".to_owned(), None),
    ]);
    let mut everybody = Vec::new();
    for (kind, issuer, tenant) in accounts {
        for (membership, home) in standings(kind) {
            for groups in subsets(&["g1", "g2"]) {
                for roles in subsets(&["r1", "r2"]) {
                    // Tokens are of members and of guests, and no more is told apart among these.
                    let bears = matches!(
                        (membership, home),
                        (Membership::Member, Home::ThisTenant) | (Membership::Guest | Membership::Unknown, Home::Personal)
                    );
                    for grant in grants.iter().filter(|grant| bears || grant.is_none()) {
                        let shared = |texts: &[String]| texts.iter().map(|text| Arc::from(text.as_str())).collect();
                        let made_up = MadeUp { groups: Groups::Listed(shared(&groups)), roles: shared(&roles), ..MadeUp::of(kind) };
                        let principal = made_up.principal(AuthorityName::work());
                        let principal = Principal { issuer: issuer.as_str().into(), tenant, membership, home, ..principal };
                        everybody.push(Someone { principal, grant: grant.clone() });
                    }
                }
            }
        }
    }
    everybody
}

fn standings(kind: AccountKind) -> Vec<(Membership, Home)> {
    match kind {
        AccountKind::Customer => vec![(Membership::Unknown, Home::Unknown)],
        AccountKind::Personal => vec![(Membership::Unknown, Home::Personal)],
        AccountKind::Work => MEMBERSHIPS.into_iter().flat_map(|membership| HOMES.map(|home| (membership, home))).collect(),
    }
}

fn subsets(all: &[&str]) -> impl Iterator<Item = Vec<String>> {
    let all: Vec<_> = all.iter().map(ToString::to_string).collect();
    (0..1usize << all.len())
        .map(move |set| all.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, text)| text.clone()).collect())
}

/// Whether some authority of a file could vouch for somebody at all.
fn is_known(rules: &Rules, who: &Principal) -> bool {
    let vouches = |authority: &KnownAuthority| authority.kind == who.kind && authority.issuer.may_have_issued(&who.issuer, who.tenant);
    rules.directory.authorities.iter().any(vouches)
}

fn gets_in(rules: &Rules, route: Option<&Route>, someone: &Someone) -> bool {
    let Some(route) = route else { return false };
    if matches!(route.decide(Presented::Nothing), Decision::Allow(..)) {
        return true;
    }
    let who = &someone.principal;
    let wanted = route.access.requirements().map_or(&[][..], |wanted| &wanted.authorities);
    wanted.iter().filter_map(|name| rules.authority(name)).any(|authority| {
        let vouches = authority.kind == who.kind && authority.issuer.may_have_issued(&who.issuer, who.tenant);
        let principal = Principal { authority: authority.name.clone(), ..who.clone() };
        vouches
            && route.judge(Subject { principal: &principal, grant: someone.grant.as_ref() }).is_ok()
            && route.destination.of(Some(who.kind)).is_some()
    })
}

/// Every path of up to four segments, and every pair of routes that a request for one of them finds.
fn asked(old: &Rules, new: &Rules) -> BTreeSet<requests::Pair> {
    let mut paths = vec![String::new()];
    for from in 0..1 + 5 + 25 + 125 {
        for segment in ["a", "b", "c", "z", ".auth"] {
            paths.push(format!("{}/{segment}", paths[from]));
        }
    }
    let mut found = BTreeSet::new();
    for host in ["one.test", "two.test"] {
        for path in &paths {
            let target = Target::parse(host, if path.is_empty() { "/" } else { path }).expect("a target");
            for method in [Method::GET, Method::HEAD, Method::POST, Method::PUT] {
                let at = |rules: &Rules| {
                    let is_ours = rules.origins.named_by(host).is_some() && !rules.is_own(target.path());
                    let route = is_ours.then(|| rules.routes.find(&target, &method).ok()).flatten()?;
                    rules.routes.routes().iter().position(|other| other.name == route.name)
                };
                found.insert((at(old), at(new)));
            }
        }
    }
    found.remove(&(None, None));
    found
}

fn is_about(change: &Change, routes: [Option<&Route>; 2]) -> bool {
    let same = |place: &Option<Place>, route: Option<&Route>| place.as_ref().map(|place| &place.route) == route.map(|route| &route.name);
    same(&change.old, routes[0]) && same(&change.new, routes[1])
}

fn speaks_of(who: &Who, someone: &Someone) -> bool {
    match who {
        Who::Crowd(crowd) => includes(crowd, someone),
        Who::Everybody(but) => !but.iter().any(|crowd| includes(crowd, &Someone { principal: someone.principal.clone(), grant: None })),
        Who::Whoever => false,
    }
}

fn includes(crowd: &Crowd, someone: &Someone) -> bool {
    let who = &someone.principal;
    let named =
        |these: &[Organisation]| these.iter().any(|organisation| organisation.tenants.iter().any(|tenant| Some(*tenant) == who.tenant));
    let belongs = match &crowd.organisations {
        Organisations::All => true,
        Organisations::AllBut(these) => !named(these),
        Organisations::These(these) => named(these),
    };
    let has = |belonging: &Belonging| {
        let Groups::Listed(groups) = &who.groups else { return false };
        let held = match &belonging.held {
            Held::Group(wanted) => wanted.iter().any(|group| groups.contains(group)),
            Held::Nothing => true,
            Held::Overage => false,
            Held::Role(wanted) => wanted.iter().any(|role| who.roles.contains(role)),
        };
        held && (belonging.badge.is_empty() || belonging.badge.iter().any(|role| who.roles.contains(role)))
    };
    let holds = match &crowd.belongings {
        Belongings::All => true,
        Belongings::NoneOf(these) => !these.iter().any(has),
        Belongings::OneOf(these) => these.iter().any(has),
    };
    let comes = match (&crowd.means, &someone.grant) {
        (Means::Both(_) | Means::Session, None) => true,
        (Means::Both(token) | Means::Token(token), Some(grant)) => {
            token.audiences.iter().any(|audience| grant.audiences.contains(&audience.to_string()))
                && token.scopes.iter().all(|scope| grant.scopes.contains(&scope.to_string()))
        }
        (Means::Token(_), None) | (Means::Session, Some(_)) => false,
    };
    crowd.kind.is_none_or(|kind| kind == who.kind)
        && crowd.realm.as_ref().is_none_or(|realm| who.issuer.contains(realm.as_str()))
        && (crowd.memberships.is_empty() || crowd.memberships.contains(&who.membership))
        && (crowd.homes.is_empty() || crowd.homes.contains(&who.home))
        && belongs
        && holds
        && comes
}

/// At most one group or role, which is how crowds are told apart.
fn is_simple(someone: &Someone) -> bool {
    let Groups::Listed(groups) = &someone.principal.groups else { return false };
    groups.len() + someone.principal.roles.len() <= 1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_request_that_the_files_tell_apart_is_asked((old, new) in edited()) {
        let found: BTreeSet<_> = requests::find(&old, &new).expect("few routes").found.into_keys().collect();
        prop_assert_eq!(found, asked(&old, &new));
    }

    #[test]
    fn no_difference_is_missed_and_none_is_made_up((old, new) in edited()) {
        let diff = diff(&old, &new).expect("few routes");
        let mut everybody = everybody();
        everybody.retain(|someone| is_known(&old, &someone.principal) || is_known(&new, &someone.principal));
        for (at_old, at_new) in asked(&old, &new) {
            let routes = [at_old.map(|at| &old.routes.routes()[at]), at_new.map(|at| &new.routes.routes()[at])];
            let told = |direction| diff.changes.iter().filter(move |change| change.direction == direction && is_about(change, routes));
            let (gains, loses): (Vec<_>, Vec<_>) = (told(Direction::Gain).collect(), told(Direction::Lose).collect());
            for someone in &everybody {
                let (before, after) = (gets_in(&old, routes[0], someone), gets_in(&new, routes[1], someone));
                let is_told = |changes: &[&Change]| changes.iter().any(|change| speaks_of(&change.who, someone));
                let context = || format!("{:?} {:?} {:?}\n{}", someone.principal.groups, someone.principal.roles, someone.grant, text(&diff, Style::Plain));
                if after && !before {
                    prop_assert!(is_told(&gains), "a gain is missed: {}", context());
                }
                // Those who must sign in now do it without a token.
                let must_sign_in = loses.iter().any(|change| matches!(change.who, Who::Everybody(_)));
                if before && !after && !(must_sign_in && someone.grant.is_some()) {
                    prop_assert!(is_told(&loses), "a loss is missed: {}", context());
                }
                // An open door is opened to everybody, whoever got in before.
                let is_open = gains.iter().chain(&loses).any(|change| matches!(change.who, Who::Everybody(_)));
                if before == after && !is_open && someone.grant.is_none() && is_simple(someone) {
                    prop_assert!(!is_told(&gains) && !is_told(&loses), "made up: {}", context());
                }
            }
        }
    }
}
