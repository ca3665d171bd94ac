//! The way back from the provider, as it is meant to go and as it should not: twice, late, from elsewhere, changed, and
//! with every fault a provider can have.

use http::Method;
use url::Url;

use homerealm::domain::reason::Reason;

use crate::support::browser::{Browser, Page};
use crate::support::demo::{Demo, PROVIDER_HOST, PROXY_HOST, assert_reason, attempt_cookies, location, session_cookies};
use crate::support::process::{Process, free_ports, homerealm};
use crate::support::proxy::{CLIENT_ID, CLIENT_SECRET, Proxy, head};
use crate::support::upstream::Upstream;

const ADA: &str = "ada@contoso.example";

/// The callback with one parameter changed.
fn with(callback: &Url, name: &str, change: impl Fn(&str) -> Option<String>) -> Url {
    let mut changed = callback.clone();
    let pairs: Vec<(String, String)> = callback.query_pairs().into_owned().collect();
    changed.query_pairs_mut().clear().extend_pairs(pairs.into_iter().filter_map(|(key, value)| {
        let value = if key == name { change(&value)? } else { value };
        Some((key, value))
    }));
    changed
}

fn set_cookies(page: &Page) -> Vec<String> {
    page.headers.get_all("set-cookie").iter().map(|value| value.to_str().expect("ASCII").to_owned()).collect()
}

#[tokio::test]
async fn a_callback_that_is_repeated_leads_silently_to_the_wanted_page() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    let callback = demo.callback(&mut browser, ADA, "work", "/work/desk?a=b").await;
    let first = browser.open_once(callback.as_str()).await;
    assert_eq!((first.status.as_u16(), location(&first).as_str()), (303, &*demo.url("/work/desk?a=b")));
    let session = browser.cookie(PROXY_HOST, "homerealm-s-work").expect("a session").to_owned();
    assert_eq!(attempt_cookies(&browser), Vec::<String>::new(), "an attempt is spent once");

    let again = browser.open(callback.as_str()).await;
    assert_eq!((again.status.as_u16(), again.url.as_str()), (200, &*demo.url("/work/desk?a=b")));
    assert_eq!(browser.cookie(PROXY_HOST, "homerealm-s-work"), Some(&*session));
}

#[tokio::test]
async fn of_two_callbacks_at_once_one_makes_a_session_and_the_other_has_a_way_on() {
    let demo = Demo::shared();
    for _ in 0..4 {
        let mut browser = Browser::default();
        let callback = demo.callback(&mut browser, ADA, "work", "/work/").await;
        let (mut one, mut two) = (browser.clone(), browser.clone());
        let (first, second) = tokio::join!(one.open_once(callback.as_str()), two.open_once(callback.as_str()));
        let (won, lost) = if first.status == 303 { (first, second) } else { (second, first) };
        assert_eq!((won.status.as_u16(), location(&won).path()), (303, "/work/"));
        assert_reason(&lost, Reason::FlowExpired);
        assert_eq!(session_cookies(&one).len() + session_cookies(&two).len(), 1);
    }
}

#[tokio::test]
async fn a_callback_without_its_attempt_ends_on_a_page_that_leads_to_the_wanted_page() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    let callback = demo.callback(&mut browser, ADA, "work", "/work/desk").await;
    browser.forget(PROXY_HOST, |name| name.starts_with("homerealm-a-"));
    let page = browser.open_once(callback.as_str()).await;
    assert_reason(&page, Reason::FlowExpired);
    assert_eq!(session_cookies(&browser), Vec::<String>::new());
    assert_eq!(page.link("Try again").as_deref(), Some("/work/desk"));

    // The way on is one.
    let page = browser.follow(&page, "Try again").await;
    let page = browser.press(&page, "Next", &[("identifier", ADA)]).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/work/desk"), "signed in at the provider already: {}", page.text());
}

#[tokio::test]
async fn a_callback_from_another_browser_makes_no_session_and_ends_none() {
    let demo = Demo::shared();
    let callback = demo.callback(&mut Browser::default(), ADA, "work", "/work/desk").await;
    let stranger = Browser::default().open_once(callback.as_str()).await;
    assert_reason(&stranger, Reason::FlowExpired);
    assert!(!set_cookies(&stranger).iter().any(|cookie| cookie.starts_with("homerealm-s-")));

    // Somebody else's session stays what it was, and is not exchanged for Ada's.
    let mut other = Browser::default();
    demo.sign_in(&mut other, "cy@outlook.example", "personal", "/personal/").await;
    let before = other.cookie(PROXY_HOST, "homerealm-s-personal").expect("a session").to_owned();
    assert_reason(&other.open_once(callback.as_str()).await, Reason::FlowExpired);
    assert_eq!(other.cookie(PROXY_HOST, "homerealm-s-personal"), Some(&*before));
    assert_eq!(session_cookies(&other), ["homerealm-s-personal"]);

    // One that opens the wanted page anyway is simply taken there.
    let mut bo = Browser::default();
    demo.sign_in(&mut bo, "bo@fabrikam.example", "work", "/work/").await;
    let taken = bo.open(callback.as_str()).await;
    assert_eq!((taken.status.as_u16(), taken.url.path()), (200, "/work/desk"));
    assert!(taken.text().contains("bo@fabrikam.example") && !taken.text().contains(ADA));
}

#[tokio::test]
async fn a_response_that_could_be_read_two_ways_is_not_read_at_all() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    let callback = demo.callback(&mut browser, ADA, "work", "/work/").await;
    let state = callback.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    let plain = callback.as_str().split('?').next().expect("an address").to_owned();
    for bad in [
        format!("{callback}&code=another"),
        format!("{callback}&state={state}"),
        format!("{callback}&iss=http://a.example&iss=http://b.example"),
        format!("{callback}&error=access_denied"),
        format!("{callback}&error=access_denied&error=server_error"),
        with(&callback, "state", |_| None).into(),
        with(&callback, "code", |_| None).into(),
        format!("{plain}?state={state}&code=%ff"),
        format!("{plain}?state={state}&code=a%00b"),
        format!("{plain}?state={state}&code={}", "a".repeat(16 * 1024)),
        plain,
    ] {
        let page = browser.open_once(&bad).await;
        assert_reason(&page, Reason::BadRequest);
        assert_eq!(set_cookies(&page), Vec::<String>::new(), "{bad}");
    }
    // None of that has spent the attempt.
    assert_eq!(browser.open(callback.as_str()).await.url.path(), "/work/");
}

#[tokio::test]
async fn a_changed_state_is_nobodys() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    let callback = demo.callback(&mut browser, ADA, "work", "/work/").await;
    let flipped = |state: &str, at: usize| {
        let mut bytes = state.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).expect("ASCII")
    };
    let state = callback.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    let changes = [
        flipped(&state, 0),
        flipped(&state, state.len() / 2),
        state[..state.len() - 4].to_owned(),
        format!("{state}AAAA"),
        "made-up".to_owned(),
    ];
    for changed in changes {
        let page = browser.open_once(with(&callback, "state", |_| Some(changed.clone())).as_str()).await;
        assert_reason(&page, Reason::FlowExpired);
        assert_eq!(set_cookies(&page), Vec::<String>::new());
    }
    // Another attempt's state, of the same browser, with this attempt's code.
    let other = demo.callback(&mut browser, ADA, "work", "/work/other").await;
    let others = other.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    let page = browser.open_once(with(&callback, "state", |_| Some(others.clone())).as_str()).await;
    assert_eq!(page.status.as_u16() / 100, 4, "the code was asked for with another verifier: {}", page.text());
    assert_eq!(session_cookies(&browser), Vec::<String>::new());
    assert_reason(&page, Reason::FlowExpired);
}

#[tokio::test]
async fn only_the_authority_that_was_asked_may_answer() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    let callback = demo.callback(&mut browser, ADA, "work", "/work/").await;
    let elsewhere = callback.as_str().replacen("/callback/work", "/callback/personal", 1);
    let page = browser.open_once(&elsewhere).await;
    assert_eq!(page.status.as_u16() / 100, 4, "{}", page.text());
    assert_eq!(session_cookies(&browser), Vec::<String>::new());

    for unknown in ["nobody", "WORK", "work2", "a%00b", &"x".repeat(300)] {
        let page = browser.open_once(&callback.as_str().replacen("/callback/work", &format!("/callback/{unknown}"), 1)).await;
        assert!(matches!(page.status.as_u16(), 400 | 404), "{unknown}: {}", page.status);
        assert_eq!(set_cookies(&page), Vec::<String>::new(), "{unknown}");
    }

    let callback = demo.callback(&mut browser, ADA, "work", "/work/").await;
    let page = browser.open_once(&format!("{callback}&iss=http://evil.example/v2.0")).await;
    assert_reason(&page, Reason::IdpError);
    assert_eq!(session_cookies(&browser), Vec::<String>::new(), "another issuer than the authority's (mix-up)");
}

#[tokio::test]
async fn other_methods_on_the_callback_spend_nothing() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    let callback = demo.callback(&mut browser, ADA, "work", "/work/").await;
    let navigation = [("accept", "text/html"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let page = browser.send(method.clone(), callback.clone(), &navigation, String::new()).await;
        assert!(page.status.is_client_error(), "{method}: {}", page.status);
    }
    let page = browser.send(Method::POST, callback.clone(), &navigation, "x".into()).await;
    assert_reason(&page, Reason::BadRequest);
    assert_eq!(session_cookies(&browser), Vec::<String>::new());
    let head = browser.send(Method::HEAD, callback.clone(), &navigation, String::new()).await;
    assert!(session_cookies(&browser).is_empty(), "whoever only looks ahead signs nobody in: {}", head.status);
    assert_eq!(browser.open(callback.as_str()).await.url.path(), "/work/");
}

#[tokio::test]
async fn every_fault_of_the_provider_has_its_page_and_no_session() {
    let demo = Demo::shared();
    for (item, reason, way) in [
        ("cancel", Reason::Cancelled, "Try again"),
        ("consent-required", Reason::ConsentRequired, "Use a different account"),
        ("temporarily-unavailable", Reason::IdpUnavailable, "Try again"),
        ("expired-token", Reason::IdpError, "Try again"),
        ("wrong-audience", Reason::IdpError, "Try again"),
        ("wrong-issuer", Reason::IdpError, "Try again"),
        ("wrong-nonce", Reason::IdpError, "Try again"),
        ("unknown-key", Reason::IdpError, "Try again"),
        ("token-error", Reason::IdpUnavailable, "Try again"),
    ] {
        let mut browser = Browser::default();
        let page = demo.to_provider(&mut browser, "work", "/work/").await;
        let page = browser.press(&page, ADA, &[("break", item)]).await;
        assert!(page.url.as_str().starts_with(&demo.url("/.auth/callback/work")), "{item}: {}", page.url);
        assert_reason(&page, reason);
        assert_eq!(session_cookies(&browser), Vec::<String>::new(), "{item}");
        assert_eq!(attempt_cookies(&browser), Vec::<String>::new(), "{item}");
        assert!(!page.body.contains("AADSTS") || page.body.contains("Details for your help desk"), "{item}");

        // The same page again asks nobody anything, and the way on leads on.
        let reloaded = browser.open_once(page.url.as_str()).await;
        assert!(matches!(reloaded.status.as_u16(), 200 | 400 | 403 | 502 | 503), "{item}: {}", reloaded.status);
        let mut page = browser.follow(&page, way).await;
        if page.url.path() == "/.auth/sign-in" {
            page = browser.press(&page, "Next", &[("identifier", ADA)]).await;
        }
        if page.url.host_str() == Some(PROVIDER_HOST) {
            page = browser.press(&page, ADA, &[]).await;
        }
        assert_eq!((page.status.as_u16(), page.url.path()), (200, "/work/"), "{item}: {}", page.text());
    }
}

#[tokio::test]
async fn another_account_than_was_chosen_is_judged_for_what_it_is() {
    let demo = Demo::shared();
    let mut browser = Browser::default();
    let page = demo.to_provider(&mut browser, "work", "/work/").await;
    let page = browser.press(&page, ADA, &[("break", "another-account")]).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(!page.text().contains(ADA), "the token says who it is, not what was typed: {}", page.text());
}

/// A development provider and a proxy that asks it for a form post.
fn by_form_post() -> (Process, Proxy, Upstream) {
    let (port, provider, app) = (free_ports(1), free_ports(1), Upstream::start());
    let mut command = homerealm();
    command.args(["dev-idp", "--port", &provider.to_string(), "--client-id", CLIENT_ID, "--client-secret-env", "SECRET"]);
    let mut process = Process::start(command.env("SECRET", CLIENT_SECRET));
    process.wait_for_port(provider);
    let proxy = Proxy::start(
        port,
        &format!(
            "{}[dev]\nallow = true\n[authorities.work]\nissuer = \"http://127.0.0.1:{provider}/organizations/v2.0\"\nresponse_mode = \"form_post\"\n[[routes]]\naccounts = \"work\"\nupstream = \"{}\"\n",
            head(port),
            app.origin()
        ),
    );
    (process, proxy, app)
}

#[tokio::test]
async fn a_response_that_comes_as_a_form_signs_in_as_well() {
    let (_provider, proxy, app) = by_form_post();
    let mut browser = Browser::default();
    let start = browser.open_once(&proxy.url("/.auth/sign-in?account=work&return_to=/desk")).await;
    let attempt = set_cookies(&start).into_iter().find(|cookie| cookie.starts_with("homerealm-a-")).expect("an attempt");
    assert!(attempt.contains("; SameSite=None") && attempt.contains("; Secure") && attempt.contains("; HttpOnly"), "{attempt}");
    let page = browser.open(location(&start).as_str()).await;
    let form_page = browser.press(&page, ADA, &[]).await;
    let done = browser.press_once(&form_page, "Continue", &[]).await;
    assert_eq!((done.status.as_u16(), location(&done).as_str()), (303, &*proxy.url("/desk")));
    assert_eq!(browser.open(location(&done).as_str()).await.text(), "app: 0 bytes");
    assert_eq!(app.requests().len(), 1);

    // Sent again, as by the back button; and by somebody without the attempt.
    let again = browser.press(&form_page, "Continue", &[]).await;
    assert_eq!((again.status.as_u16(), again.url.path()), (200, "/desk"));
    assert_reason(&Browser::default().press_once(&form_page, "Continue", &[]).await, Reason::FlowExpired);
}
