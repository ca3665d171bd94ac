//! The demo, walked as a person would: everybody tries every route, and what happens is what the start page says.

use std::collections::BTreeMap;

use homerealm::dev_idp::directory::{Person, people};
use homerealm::domain::account::AccountKind;
use homerealm::domain::reason::Reason;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{Demo, reason_of};

/// What the grid on the start page says, by person and route.
fn grid(start: &Page) -> BTreeMap<(String, String), (String, String)> {
    let cells = start.tags().into_iter().filter(|tag| tag.attribute("data-outcome").is_some());
    cells
        .map(|cell| {
            let of = |name: &str| cell.attribute(name).unwrap_or_default().to_owned();
            let link = start.body[cell.at..].split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            ((of("data-person"), of("data-route")), (of("data-outcome"), link.to_owned()))
        })
        .collect()
}

/// Types a sign-in name where the page asks for one.
pub async fn type_address(browser: &mut Browser, page: &Page, typed: &str) -> Page {
    browser.press(page, "Next", &[("identifier", typed)]).await
}

fn is_at(page: &Page, origin: &str) -> bool {
    page.url.as_str().starts_with(origin)
}

/// From a page that may be the provider's to the end, in the grid's words.
async fn finish(demo: &Demo, browser: &mut Browser, page: Page, person: &Person, link: &str) -> String {
    let mut page = page;
    if is_at(&page, &demo.provider) {
        let offered = page.forms().iter().any(|form| form.buttons.iter().any(|(_, _, text)| text.contains(person.sign_in_name)));
        if !offered {
            return "no_such_account".into();
        }
        page = browser.press(&page, person.sign_in_name, &[]).await;
    }
    assert!(is_at(&page, &demo.proxy), "{} ended at {}", person.key, page.url);
    if page.status == 200 && page.url.path() == link {
        assert!(page.text().contains("sample app"), "{}", page.text());
        return "signed_in".into();
    }
    match reason_of(&page) {
        Some(Reason::IdpUnavailable | Reason::IdpError) if person.fails_at_provider => "provider_fails".into(),
        Some(reason) => {
            assert_eq!(page.status.as_u16(), reason.status(), "{}", page.text());
            reason.code().into()
        }
        None => panic!("{} ended on {}:\n{}", person.key, page.url, page.text()),
    }
}

/// What really happens to a person with a fresh browser.
async fn walk(demo: &Demo, person: &Person, link: &str) -> String {
    let mut browser = Browser::default();
    let page = browser.open(&demo.url(link)).await;
    if page.status == 401 {
        return "sign_in_required".into();
    }
    if page.url.path() == link {
        assert_eq!(page.status, 200);
        return "public".into();
    }
    assert_eq!(page.url.path(), "/.auth/sign-in", "{}", page.text());
    let page = type_address(&mut browser, &page, person.sign_in_name).await;
    let choices: Vec<_> = page.forms().into_iter().flat_map(|form| form.buttons).filter(|(name, ..)| name == "account").collect();
    if is_at(&page, &demo.provider) || choices.len() < 2 {
        return finish(demo, &mut browser, page, person, link).await;
    }
    let mut endings = Vec::new();
    for kind in AccountKind::ALL {
        let Some((_, _, button)) = choices.iter().find(|(_, value, _)| value == kind.as_str()) else { continue };
        let mut browser = browser.clone();
        let after = browser.press(&page, button, &[]).await;
        endings.push(format!("{}:{}", kind.as_str(), finish(demo, &mut browser, after, person, link).await));
    }
    endings.join("+")
}

#[tokio::test]
async fn everybody_meets_on_every_route_what_the_start_page_says() {
    let demo = Demo::start();
    let start = Browser::default().open(&demo.url("/")).await;
    let grid = grid(&start);
    assert_eq!(grid.len(), people().len() * 8, "every person and route has a cell");
    let mut differences = Vec::new();
    for person in people() {
        for ((_, route), (said, link)) in grid.iter().filter(|((key, _), _)| key == person.key) {
            let happened = walk(&demo, person, link).await;
            if happened != *said {
                differences.push(format!("{} × {route}: the page says {said}, what happened is {happened}", person.key));
            }
        }
    }
    assert!(differences.is_empty(), "{}\n{}", differences.join("\n"), demo.process.output());
    let told: Vec<_> = grid.values().map(|(said, _)| said.as_str()).collect();
    for expected in [
        "public",
        "signed_in",
        "sign_in_required",
        "personal_account_not_allowed",
        "work_account_not_allowed",
        "tenant_not_allowed",
        "personal_guest_not_allowed",
        "work:signed_in+personal:signed_in",
        "no_such_account",
        "provider_fails",
    ] {
        assert!(told.contains(&expected), "the demo does not show {expected}: {told:?}");
    }
}
