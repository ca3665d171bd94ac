//! Several accounts in one browser: the page that shows them, changing one, adding one, signing one out. None of it touches
//! the others.

use crate::support::browser::{Browser, Page};
use crate::support::demo::{Demo, PROXY_HOST, session_cookies};

const ADA: &str = "ada@contoso.example";
const BO: &str = "bo@fabrikam.example";
const CY: &str = "cy@outlook.example";
const PERSONAL: &str = "homerealm-s-personal";
const WORK: &str = "homerealm-s-work";

async fn both(demo: &Demo) -> Browser {
    let mut browser = Browser::default();
    demo.sign_in(&mut browser, ADA, "work", "/work/").await;
    demo.sign_in(&mut browser, CY, "personal", "/personal/").await;
    browser
}

fn value(browser: &Browser, name: &str) -> Option<String> {
    browser.cookie(PROXY_HOST, name).map(str::to_owned)
}

#[track_caller]
fn assert_shows(page: &Page, accounts: &[&str]) {
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/.auth/session"), "{}", page.text());
    for address in [ADA, BO, CY] {
        assert_eq!(page.text().contains(address), accounts.contains(&address), "{address}: {}", page.text());
    }
}

#[tokio::test]
async fn switching_one_account_leaves_the_other_as_it_is() {
    let demo = Demo::shared();
    let mut browser = both(&demo).await;
    let (work, personal) = (value(&browser, WORK), value(&browser, PERSONAL));
    let page = browser.open(&demo.url("/.auth/session?return_to=/work/")).await;
    assert_shows(&page, &[ADA, CY]);
    let provider = browser.follow(&page, &format!("Switch account from {ADA}")).await;
    assert!(provider.url.as_str().starts_with(&demo.provider), "{}", provider.url);
    assert!(provider.url.query_pairs().any(|(name, value)| name == "prompt" && value == "select_account"), "{}", provider.url);
    let page = browser.press(&provider, BO, &[]).await;
    assert_shows(&page, &[BO, CY]);
    assert_eq!(page.link("Back to"), Some("/work/".into()), "the way back survives");
    assert_ne!(value(&browser, WORK), work);
    assert_eq!(value(&browser, PERSONAL), personal);
    assert!(browser.open(&demo.url("/work/")).await.text().contains(BO));
    assert!(browser.open(&demo.url("/personal/")).await.text().contains(CY));
}

#[tokio::test]
async fn a_different_account_for_a_page_replaces_only_the_one_of_its_authority() {
    let demo = Demo::shared();
    let mut browser = both(&demo).await;
    let personal = value(&browser, PERSONAL);
    // The link that a refusal on this page has.
    let page = browser.open(&demo.url("/.auth/sign-in?prompt=select_account&return_to=%2Fwork%2F")).await;
    let provider = browser.submit(&page, &page.forms()[0], &[("identifier", BO)]).await;
    let page = browser.press(&provider, BO, &[]).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/work/"), "{}", page.text());
    assert!(page.text().contains(BO));
    assert_eq!((value(&browser, PERSONAL), session_cookies(&browser).len()), (personal, 2));
}

#[tokio::test]
async fn an_account_is_added_for_any_page_that_takes_it() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    demo.sign_in(&mut browser, ADA, "work", "/work/").await;
    // From a page that takes no personal account: it is not for that page.
    let page = browser.open(&demo.url("/.auth/session?return_to=/work/")).await;
    let provider = browser.follow(&page, "Add a personal account").await;
    let page = browser.press(&provider, CY, &[]).await;
    assert_shows(&page, &[ADA, CY]);
    assert_eq!(page.link("Add a"), None, "nothing is left to add");
    assert!(browser.open(&demo.url("/personal/")).await.text().contains(CY));
    assert!(browser.open(&demo.url("/work/")).await.text().contains(ADA));
}

#[tokio::test]
async fn of_two_accounts_of_one_kind_the_one_that_is_meant_is_switched() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    demo.sign_in(&mut browser, ADA, "work", "/partners/").await;
    // The provider knows Ada by now, and would not ask.
    let provider = browser.open(&demo.url("/.auth/sign-in?account=work&prompt=select_account&return_to=/work/")).await;
    browser.press(&provider, BO, &[]).await;
    assert_eq!(session_cookies(&browser), ["homerealm-s-contoso", WORK]);
    let page = browser.open(&demo.url("/.auth/session")).await;
    assert_shows(&page, &[ADA, BO]);
    let provider = browser.follow(&page, &format!("Switch account from {ADA}")).await;
    assert!(provider.url.path().starts_with("/3a0c0000-0000-4000-8000-0000000000aa/"), "{}", provider.url);
}

#[tokio::test]
async fn signing_one_out_leaves_the_other_and_says_so() {
    let demo = Demo::shared();
    let mut browser = both(&demo).await;
    let work = value(&browser, WORK);
    let page = browser.open(&demo.url("/.auth/session")).await;
    let page = browser.press(&page, &format!("Sign out {CY}"), &[]).await;
    assert_eq!((page.url.path(), &*page.heading()), ("/.auth/signed-out", "Your personal account is signed out"));
    assert!(page.text().contains(&format!("You are still signed in with your work or school account {ADA}.")), "{}", page.text());
    assert_eq!((session_cookies(&browser), value(&browser, WORK)), (vec![WORK.to_owned()], work));
    let page = browser.follow(&page, "See who is signed in").await;
    assert_shows(&page, &[ADA]);
    assert!(browser.open(&demo.url("/work/")).await.text().contains(ADA));
    // It is told once.
    assert_eq!(browser.open(&demo.url("/.auth/signed-out")).await.heading(), "You are signed in");
    let page = browser.open(&demo.url("/.auth/session")).await;
    let page = browser.press(&page, &format!("Sign out {ADA}"), &[]).await;
    assert_eq!(page.heading(), "You are signed out");
    assert_eq!(browser.open(&demo.url("/.auth/session")).await.heading(), "You are not signed in");
}

#[tokio::test]
async fn everywhere_reaches_the_other_browser_and_nobody_else() {
    // Of its own: elsewhere these people stay signed in.
    let demo = Demo::start();
    let (mut here, mut there) = (Browser::default(), both(&demo).await);
    demo.sign_in(&mut here, ADA, "work", "/work/").await;
    let page = here.open(&demo.url("/.auth/session")).await;
    let page = here.press(&page, "Sign out everywhere", &[]).await;
    assert_eq!(page.heading(), "You are signed out everywhere");
    assert_shows(&there.open(&demo.url("/.auth/session")).await, &[CY]);
    assert!(there.open(&demo.url("/personal/")).await.text().contains(CY));
}
