//! Tests of the ladder: one world of authorities, a route per question, answers as short sentences. What holds on
//! every route is in `properties`.

mod properties;

use super::*;
use crate::domain::route::made_up::work_only;
use crate::domain::route::{AccountKinds, Guests};

const CONTOSO: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const FABRIKAM: &str = "3a0c0000-0000-4000-8000-0000000000bb";
const ELSEWHERE: &str = "3a0c0000-0000-4000-8000-0000000000cc";

fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).expect("a GUID")
}

fn domain(name: &str) -> Domain {
    Domain::parse(name).expect("a domain")
}

fn name(text: &str) -> AuthorityName {
    AuthorityName::parse(text).expect("a name")
}

fn authority(authority: &str, kind: AccountKind, issuer: &str, domains: &[&str]) -> KnownAuthority {
    let issuer = ExpectedIssuer::parse(issuer).expect("an issuer");
    KnownAuthority { name: name(authority), kind, issuer, domains: domains.iter().map(|text| domain(text)).collect() }
}

fn world() -> Directory {
    let microsoft = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
    Directory {
        authorities: vec![
            authority("work", AccountKind::Work, &microsoft("organizations"), &[]),
            authority("personal", AccountKind::Personal, &microsoft("consumers"), &[]),
            authority("contoso", AccountKind::Work, &microsoft(CONTOSO), &["hr.contoso.example"]),
            authority("fabrikam", AccountKind::Work, &microsoft(FABRIKAM), &[]),
            authority("adatum", AccountKind::Work, &microsoft("adatum.example"), &["adatum.example"]),
            authority("partner", AccountKind::Work, "https://id.partner.example", &["partner.example"]),
            authority("club", AccountKind::Personal, "https://id.club.example", &["club.example"]),
            authority("shop", AccountKind::Customer, "https://id.shop.example", &["shop.example"]),
        ],
        tenants: vec![
            KnownTenant { id: tenant(CONTOSO), domains: vec![domain("contoso.example")] },
            KnownTenant { id: tenant(FABRIKAM), domains: vec![domain("fabrikam.example")] },
        ],
        personal_domains: vec![domain("outlook.example")],
        detect: Detect::Lookup,
        ambiguous: Ambiguous::Ask,
    }
}

/// A route for the kinds of these authorities, and everything else as open as can be but guests.
fn route(authorities: &[&str]) -> Requirements {
    let listed: Vec<_> = authorities.iter().map(|text| name(text)).collect();
    let kinds: AccountKinds =
        world().authorities.iter().filter(|authority| listed.contains(&authority.name)).map(|authority| authority.kind).collect();
    Requirements { kinds, authorities: listed, ..work_only() }
}

fn of_tenants(ids: &[&str], authorities: &[&str]) -> Requirements {
    Requirements { tenants: ids.iter().map(|id| tenant(id)).collect(), ..route(authorities) }
}

fn with_guests(guests: Guests, route: Requirements) -> Requirements {
    Requirements { guests, ..route }
}

/// What happens before the ladder.
#[derive(Clone, Copy, Default)]
struct Before {
    chosen: Option<AccountKind>,
    remembered: Option<AccountKind>,
}

fn chosen(kind: AccountKind) -> Before {
    Before { chosen: Some(kind), remembered: None }
}

fn remembered(kind: AccountKind) -> Before {
    Before { chosen: None, remembered: Some(kind) }
}

fn told(realm: &Realm) -> String {
    match realm {
        Realm::Ask(kinds) => format!("ask {}", kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(" ")),
        Realm::Known { authority, how } => format!("{authority} by {how:?}"),
        Realm::Refused(reason) => format!("no: {}", reason.code()),
    }
}

#[track_caller]
fn check_in(world: &Directory, before: Before, wanted: &Requirements, typed: &str, looked_up: TenantOfDomain, expected: &str) {
    let identifier = Identifier::parse(typed).expect("an identifier");
    let realm = world.discover(&identifier, before.chosen, before.remembered, looked_up, wanted);
    assert_eq!(told(&realm), expected, "{typed}");
}

#[track_caller]
fn check(wanted: &Requirements, typed: &str, expected: &str) {
    check_in(&world(), Before::default(), wanted, typed, TenantOfDomain::Unknown, expected);
}

#[track_caller]
fn check_after(before: Before, wanted: &Requirements, typed: &str, expected: &str) {
    check_in(&world(), before, wanted, typed, TenantOfDomain::Unknown, expected);
}

#[track_caller]
fn check_looked_up(looked_up: TenantOfDomain, wanted: &Requirements, expected: &str) {
    check_in(&world(), Before::default(), wanted, "ada@unlisted.example", looked_up, expected);
}

const BOTH: &[&str] = &["work", "personal"];

#[test]
fn a_personal_address_never_leaves_for_a_route_of_work_accounts() {
    for typed in ["cy@outlook.com", "cy@HotMail.co.uk", "cy@outlook.example", "cy.skype"] {
        check(&route(&["work"]), typed, "no: personal_account_not_allowed");
        check(&with_guests(Guests::Work, route(&["work", "contoso"])), typed, "no: personal_account_not_allowed");
        for before in [chosen(AccountKind::Work), remembered(AccountKind::Work), chosen(AccountKind::Personal)] {
            check_after(before, &route(&["work"]), typed, "no: personal_account_not_allowed");
        }
    }
    check(&route(&["work"]), "cy@unlisted.example", "work by OnlyOne");
    check(&route(BOTH), "cy@outlook.com", "personal by ConsumerDomain");
    check(&route(BOTH), "cy.skype", "personal by Syntax");
    check(&route(&["personal"]), "cy@outlook.com", "personal by ConsumerDomain");
}

#[test]
fn a_personal_account_may_be_a_guest_where_the_route_takes_such_guests() {
    let partners = with_guests(Guests::Allow, of_tenants(&[CONTOSO], &["work", "contoso"]));
    check(&partners, "cy@outlook.com", "contoso by ConsumerDomain");
    check_after(chosen(AccountKind::Personal), &partners, "eve@mail.example", "contoso by Chosen");
    // `organizations` signs nobody in as a guest.
    check(&with_guests(Guests::Allow, route(&["work"])), "cy@outlook.com", "no: personal_account_not_allowed");
    check(&with_guests(Guests::Allow, route(&["work", "adatum"])), "cy@outlook.com", "adatum by ConsumerDomain");
    check(&with_guests(Guests::Allow, route(&["adatum", "contoso"])), "cy@outlook.com", "contoso by ConsumerDomain");
}

#[test]
fn what_the_person_pressed_beats_everything_but_policy() {
    check_after(chosen(AccountKind::Personal), &route(BOTH), "dee@contoso.example", "personal by Chosen");
    check_after(chosen(AccountKind::Work), &route(BOTH), "cy@outlook.com", "work by Chosen");
    check_after(chosen(AccountKind::Work), &route(&["work", "contoso", "personal"]), "dee@contoso.example", "contoso by Chosen");
    check_after(chosen(AccountKind::Work), &route(&["work", "partner", "personal"]), "pat@partner.example", "partner by Chosen");
    check_after(chosen(AccountKind::Personal), &route(&["work", "partner", "personal"]), "pat@partner.example", "personal by Chosen");
    let both = Before { chosen: Some(AccountKind::Work), remembered: Some(AccountKind::Personal) };
    check_after(both, &route(BOTH), "ada@unlisted.example", "work by Chosen");

    check_after(chosen(AccountKind::Personal), &route(&["work"]), "ada@contoso.example", "no: personal_account_not_allowed");
    check_after(chosen(AccountKind::Work), &route(&["personal"]), "ada@contoso.example", "no: work_account_not_allowed");
    check_after(chosen(AccountKind::Customer), &route(BOTH), "ada@contoso.example", "no: customer_account_not_allowed");
    let only_contoso = of_tenants(&[CONTOSO], BOTH);
    check_after(chosen(AccountKind::Work), &only_contoso, "bo@fabrikam.example", "no: tenant_not_allowed");
    check_after(chosen(AccountKind::Work), &only_contoso, "ada@contoso.example", "work by Chosen");
}

#[test]
fn a_remembered_kind_settles_which_kind_and_nothing_else() {
    check_after(remembered(AccountKind::Work), &route(BOTH), "ada@unlisted.example", "work by Remembered");
    check_after(remembered(AccountKind::Personal), &route(BOTH), "dee@contoso.example", "personal by Remembered");
    check_after(remembered(AccountKind::Work), &route(BOTH), "+1 425 555 0100", "work by Remembered");
    // Not admitted any more, not possible for this address, or the way into a refusal: as if it were not there.
    check_after(remembered(AccountKind::Customer), &route(BOTH), "ada@unlisted.example", "ask work personal");
    check_after(remembered(AccountKind::Personal), &route(&["work"]), "ada@unlisted.example", "work by OnlyOne");
    check_after(remembered(AccountKind::Work), &route(BOTH), "cy@outlook.com", "personal by ConsumerDomain");
    check_after(remembered(AccountKind::Work), &of_tenants(&[CONTOSO], BOTH), "bo@fabrikam.example", "ask work personal");
    check_after(remembered(AccountKind::Personal), &route(&["personal"]), "ada@contoso.example", "no: work_account_not_allowed");
}

#[test]
fn with_detection_off_nothing_is_read_off_an_address() {
    let world = Directory { detect: Detect::Off, ..world() };
    for typed in ["cy@outlook.com", "ada@contoso.example", "pat@partner.example", "cy.skype", "+1 425 555 0100"] {
        let check = |before, wanted: &Requirements, expected| {
            check_in(&world, before, wanted, typed, TenantOfDomain::NoTenant, expected);
        };
        check(Before::default(), &route(BOTH), "ask work personal");
        check(Before::default(), &route(&["work"]), "work by OnlyOne");
        check(chosen(AccountKind::Work), &route(BOTH), "work by Chosen");
        check(remembered(AccountKind::Personal), &route(BOTH), "personal by Remembered");
    }
}

#[test]
fn an_authoritys_own_domains_lead_to_it() {
    check(&route(&["work", "partner"]), "pat@partner.example", "partner by Domains");
    check(&route(&["work", "personal", "partner"]), "pat@PARTNER.example", "partner by Domains");
    check(&route(&["work", "personal", "shop"]), "gil@shop.example", "shop by Domains");
    check(&route(&["personal", "club"]), "gil@club.example", "club by Domains");
    check(&route(&["work", "partner"]), "pat@sub.partner.example", "work by OnlyOne");
}

#[test]
fn an_authority_that_the_route_does_not_list_is_replaced_by_one_that_knows_the_same_people() {
    check(&route(&["work"]), "pat@partner.example", "no: authority_not_allowed");
    check(&route(&["work", "fabrikam"]), "ada@hr.contoso.example", "work by Domains");
    check(&route(&["fabrikam"]), "ada@hr.contoso.example", "no: authority_not_allowed");
    check(&with_guests(Guests::Work, route(&["fabrikam"])), "ada@hr.contoso.example", "fabrikam by Domains");
    check(&route(&["work"]), "pat@adatum.example", "work by Domains");
    check(&of_tenants(&[CONTOSO], &["work", "contoso"]), "pat@adatum.example", "contoso by Domains");
    // A personal Microsoft account may have any address; no other provider has them all.
    check(&route(&["personal"]), "gil@club.example", "personal by Domains");
    check(&route(&["work"]), "gil@club.example", "no: personal_account_not_allowed");
    check(&route(&["personal"]), "pat@partner.example", "no: work_account_not_allowed");
    check(&route(BOTH), "gil@shop.example", "no: customer_account_not_allowed");
}

#[test]
fn an_authority_pinned_to_a_tenant_that_the_route_does_not_admit_is_no_way_in() {
    let fabrikam = of_tenants(&[FABRIKAM], &["work", "contoso", "fabrikam"]);
    check(&fabrikam, "ada@hr.contoso.example", "no: tenant_not_allowed");
    check(&with_guests(Guests::Work, fabrikam.clone()), "ada@hr.contoso.example", "fabrikam by Domains");
    check(&of_tenants(&[FABRIKAM], &["contoso"]), "ada@unlisted.example", "no: configuration");
    check(&of_tenants(&[CONTOSO], &["contoso"]), "ada@unlisted.example", "contoso by OnlyOne");
    assert!(world().only_authority(&of_tenants(&[FABRIKAM], &["contoso"])).is_none());
}

#[test]
fn a_known_work_domain_prefers_its_own_tenant() {
    check(&route(&["work"]), "ada@contoso.example", "work by Domains");
    check(&route(&["work", "fabrikam", "contoso"]), "ada@contoso.example", "contoso by Domains");
    check(&route(&["partner", "fabrikam", "work"]), "ada@contoso.example", "work by Domains");
    check(&route(&["fabrikam", "partner", "adatum"]), "ada@contoso.example", "adatum by Domains");
    check(&of_tenants(&[CONTOSO, FABRIKAM], &["work", "fabrikam"]), "bo@fabrikam.example", "fabrikam by Domains");
}

#[test]
fn a_known_foreign_tenant_is_refused_unless_guests_are_taken() {
    let contoso = of_tenants(&[CONTOSO], &["work", "contoso"]);
    check(&contoso, "bo@fabrikam.example", "no: tenant_not_allowed");
    check(&contoso, "ada@contoso.example", "contoso by Domains");
    for guests in [Guests::Allow, Guests::Work] {
        check(&with_guests(guests, contoso.clone()), "bo@fabrikam.example", "contoso by Domains");
        // At `organizations` they would sign in at home, and be refused afterwards.
        check(&with_guests(guests, of_tenants(&[CONTOSO], &["work"])), "bo@fabrikam.example", "no: tenant_not_allowed");
    }
    check(&route(&["personal"]), "ada@contoso.example", "no: work_account_not_allowed");
}

#[test]
fn an_address_that_may_be_both_kinds_is_settled_as_configured() {
    let settled = |ambiguous, wanted: &Requirements, typed, expected| {
        let world = Directory { ambiguous, ..world() };
        check_in(&world, Before::default(), wanted, typed, TenantOfDomain::Unknown, expected);
    };
    settled(Ambiguous::Ask, &route(BOTH), "dee@contoso.example", "ask work personal");
    settled(Ambiguous::Work, &route(BOTH), "dee@contoso.example", "work by Domains");
    settled(Ambiguous::Personal, &route(BOTH), "dee@contoso.example", "personal by Domains");
    // It may not be both where the route takes one.
    settled(Ambiguous::Personal, &route(&["work"]), "dee@contoso.example", "work by Domains");
    // It is about organisations' domains: an unknown one asks.
    settled(Ambiguous::Work, &route(BOTH), "dee@unlisted.example", "ask work personal");
}

#[test]
fn a_phone_number_may_be_either_kind() {
    let phone = "+1 425 555 0100";
    check(&route(BOTH), phone, "ask work personal");
    check(&route(&["work"]), phone, "work by Syntax");
    check(&route(&["personal"]), phone, "personal by Syntax");
}

#[test]
fn the_answer_of_a_lookup_counts_like_a_configured_domain() {
    let contoso = TenantOfDomain::Tenant(tenant(CONTOSO));
    let elsewhere = TenantOfDomain::Tenant(tenant(ELSEWHERE));
    let consumers = TenantOfDomain::Tenant(TenantId::CONSUMERS);
    check_looked_up(contoso, &route(&["work", "contoso"]), "contoso by Lookup");
    check_looked_up(elsewhere, &route(&["work", "contoso"]), "work by Lookup");
    check_looked_up(elsewhere, &of_tenants(&[CONTOSO], &["work"]), "no: tenant_not_allowed");
    check_looked_up(elsewhere, &route(BOTH), "ask work personal");
    check_looked_up(elsewhere, &route(&["personal"]), "no: work_account_not_allowed");
    for nobody in [TenantOfDomain::NoTenant, consumers] {
        check_looked_up(nobody, &route(BOTH), "personal by Lookup");
        // The address may still be a guest's.
        check_looked_up(nobody, &route(&["work"]), "work by OnlyOne");
    }
    for wanted in [route(&["work"]), route(&["personal"])] {
        let only = format!("{} by OnlyOne", wanted.authorities[0]);
        check_looked_up(TenantOfDomain::Unknown, &wanted, &only);
    }
    check_looked_up(TenantOfDomain::Unknown, &route(BOTH), "ask work personal");
}

#[test]
fn customers_come_in_by_domain_alone_or_by_choice() {
    check(&route(&["shop"]), "gil@unlisted.example", "shop by OnlyOne");
    check(&route(&["work", "personal", "shop"]), "gil@unlisted.example", "ask work personal customer");
    check(&route(&["work", "shop"]), "gil@unlisted.example", "ask work customer");
    check_after(chosen(AccountKind::Customer), &route(&["work", "shop"]), "gil@unlisted.example", "shop by Chosen");
    // Customers sign up with any address, so none is refused for its domain.
    check(&route(&["shop"]), "gil@outlook.com", "shop by ConsumerDomain");
    check(&route(&["shop"]), "ada@contoso.example", "shop by Domains");
    check(&route(&["work", "shop"]), "gil@outlook.com", "shop by ConsumerDomain");
}

#[test]
fn one_kind_of_authority_needs_no_question() {
    let check_kind = |wanted: &Requirements, expected: &str| check(wanted, "ada@unlisted.example", expected);
    check_kind(&route(&["partner", "work"]), "work by OnlyOne");
    check_kind(&route(&["partner", "fabrikam"]), "partner by OnlyOne");
    check_kind(&route(&["club", "personal"]), "personal by OnlyOne");
    // Guests can only come in through the tenant, members can too.
    check_kind(&of_tenants(&[CONTOSO], &["work", "contoso"]), "contoso by OnlyOne");
    // With two tenants nobody knows which.
    check_kind(&of_tenants(&[CONTOSO, FABRIKAM], &["contoso", "fabrikam", "work"]), "work by OnlyOne");
}

#[test]
fn only_one_authority_means_that_nothing_typed_leads_elsewhere() {
    let only = |wanted: &Requirements| world().only_authority(wanted).map(|authority| authority.name.to_string());
    assert_eq!(only(&route(&["work"])), Some("work".into()));
    assert_eq!(only(&route(&["shop"])), Some("shop".into()));
    assert_eq!(only(&of_tenants(&[CONTOSO], &["work", "contoso"])), Some("contoso".into()));
    assert_eq!(only(&of_tenants(&[CONTOSO], &["contoso", "fabrikam"])), Some("contoso".into()));
    assert_eq!(only(&route(BOTH)), None);
    assert_eq!(only(&route(&["work", "contoso"])), None);
    assert_eq!(only(&of_tenants(&[CONTOSO], &["contoso", "partner"])), None);
    assert_eq!(only(&of_tenants(&[CONTOSO], &["contoso", "work", "personal"])), None);
    // Not if an address can be sent to the other one by its domain.
    let mut world = world();
    world.authorities[0].domains.push(domain("mail.contoso.example"));
    assert!(world.only_authority(&of_tenants(&[CONTOSO], &["work", "contoso"])).is_none());
}

#[test]
fn the_authority_of_a_kind_is_one_that_the_route_lists() {
    let of = |kind, wanted: &Requirements| world().authority_of_kind(kind, wanted).map(|authority| authority.name.to_string());
    assert_eq!(of(AccountKind::Work, &route(BOTH)), Some("work".into()));
    assert_eq!(of(AccountKind::Personal, &route(BOTH)), Some("personal".into()));
    assert_eq!(of(AccountKind::Customer, &route(BOTH)), None);
    assert_eq!(of(AccountKind::Work, &route(&["partner"])), Some("partner".into()));
}

#[test]
fn a_domain_is_looked_up_only_if_the_answer_could_matter() {
    let needed = |world: &Directory, before: Before, wanted: &Requirements, typed: &str| {
        let identifier = Identifier::parse(typed).expect("an identifier");
        world.lookup_needed(&identifier, before.chosen, before.remembered, wanted).map(ToString::to_string)
    };
    let unlisted = Some("unlisted.example".to_owned());
    let nobody = Before::default();
    for wanted in [route(BOTH), of_tenants(&[CONTOSO], &["work"]), route(&["work", "contoso"]), route(&["personal"])] {
        assert_eq!(needed(&world(), nobody, &wanted, "ada@Unlisted.example"), unlisted);
    }
    for wanted in [route(&["work"]), route(&["shop"]), of_tenants(&[FABRIKAM], &["contoso"])] {
        assert_eq!(needed(&world(), nobody, &wanted, "ada@unlisted.example"), None);
    }
    for typed in ["ada@contoso.example", "cy@outlook.com", "pat@partner.example", "cy.skype", "+1 425 555 0100"] {
        assert_eq!(needed(&world(), nobody, &route(BOTH), typed), None, "{typed}");
    }
    for before in [chosen(AccountKind::Work), remembered(AccountKind::Personal)] {
        assert_eq!(needed(&world(), before, &route(BOTH), "ada@unlisted.example"), None);
    }
    for detect in [Detect::Domains, Detect::Off] {
        assert_eq!(needed(&Directory { detect, ..world() }, nobody, &route(BOTH), "ada@unlisted.example"), None);
    }
}
