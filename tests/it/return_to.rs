//! Every parameter that names a place to go on to: it stays at our origin, or is refused.

use http::Method;
use url::Url;

use crate::support::browser::Browser;
use crate::support::demo::{Demo, location};

const ELSEWHERE: &[&str] = &[
    "https://evil.example/",
    "http://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/%09/evil.example/",
    "/\t/evil.example",
    "\thttps://evil.example",
    " https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "HTTPS://EVIL.EXAMPLE",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "?x",
    "#x",
    "/..//evil.example/",
    "/.//evil.example",
    "http://localhost@evil.example/",
    "http://localhost:1/",
    "http://localhost.evil.example/",
    "http:///evil.example",
    "https://localhost/",
    "/work/%0d%0aLocation:%20https://evil.example",
    "/work/\r\nLocation: https://evil.example",
    "/work/%00",
    "/\u{ff0f}evil.example",
];

/// Holds that nothing on a page, and no redirect, leads to anywhere but us and our provider.
#[track_caller]
fn assert_stays(demo: &Demo, page: &crate::support::browser::Page, tried: &str) {
    let fine = |target: &str| {
        let target = page.url.join(target).expect("a URL");
        let origin = target.origin().ascii_serialization();
        assert!(origin == demo.proxy || origin == demo.provider, "{tried:?} on {}: leads to {target}", page.url);
    };
    if page.headers.contains_key("location") {
        fine(location(page).as_str());
    }
    for tag in page.tags() {
        for name in ["href", "action"] {
            tag.attribute(name).into_iter().for_each(fine);
        }
    }
    page.refresh().iter().for_each(|target| fine(target));
}

#[tokio::test]
async fn no_sign_in_ends_anywhere_else() {
    let demo = Demo::shared();
    let mut signed_in = Browser::default();
    demo.sign_in(&mut signed_in, "ada@contoso.example", "work", "/work/").await;
    for tried in ELSEWHERE {
        let mut start = Url::parse(&demo.url("/.auth/sign-in")).expect("a URL");
        start.query_pairs_mut().append_pair("return_to", tried);
        let page = Browser::default().open_once(start.as_str()).await;
        assert_stays(&demo, &page, tried);
        assert!(matches!(page.status.as_u16(), 200 | 400), "{tried:?}: {}", page.status);

        // All the way through the provider, as far as it goes.
        start.query_pairs_mut().append_pair("account", "work");
        let mut browser = Browser::default();
        let page = browser.open_once(start.as_str()).await;
        if page.status.is_redirection() {
            let page = browser.open(location(&page).as_str()).await;
            let page = browser.press(&page, "ada@contoso.example", &[]).await;
            assert!(page.url.as_str().starts_with(&demo.proxy), "{tried:?}: {}", page.url);
        } else {
            assert_eq!(page.status, 400, "{tried:?}: {}", page.text());
        }

        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("return_to", tried)
            .append_pair("identifier", "ada@contoso.example")
            .finish();
        let headers = [("origin", &*demo.proxy), ("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html")];
        let post = Url::parse(&demo.url("/.auth/sign-in")).expect("a URL");
        let page = Browser::default().send(Method::POST, post, &headers, form.clone()).await;
        assert_stays(&demo, &page, tried);
        assert!(matches!(page.status.as_u16(), 200 | 400 | 403), "{tried:?}: {}", page.status);

        let mut asks = Url::parse(&demo.url("/.auth/sign-out")).expect("a URL");
        asks.query_pairs_mut().append_pair("return_to", tried);
        for mut browser in [Browser::default(), signed_in.clone()] {
            let page = browser.open_once(asks.as_str()).await;
            assert_stays(&demo, &page, tried);
            let post = Url::parse(&demo.url("/.auth/sign-out")).expect("a URL");
            let page = browser.send(Method::POST, post, &headers, form.clone()).await;
            assert_stays(&demo, &page, tried);
            assert!(matches!(page.status.as_u16(), 200 | 400), "{tried:?}: {}", page.status);
        }
    }
}

#[tokio::test]
async fn places_of_our_own_are_reached_as_they_were_written() {
    let demo = Demo::shared();
    for (wanted, reached) in [
        ("/work/a%20b?x=%2F..&y=//z", "/work/a%20b?x=%2F..&y=//z"),
        ("/work/?next=https://evil.example/", "/work/?next=https://evil.example/"),
        (&*demo.url("/work/desk"), "/work/desk"),
        ("/work", "/work"),
        // A page of ours is nothing to come back to.
        ("/.auth/sign-out", "/"),
    ] {
        let mut start = Url::parse(&demo.url("/.auth/sign-in?account=work")).expect("a URL");
        start.query_pairs_mut().append_pair("return_to", wanted);
        let mut browser = Browser::default();
        let page = browser.open(start.as_str()).await;
        let page = browser.press(&page, "ada@contoso.example", &[]).await;
        assert_eq!((page.status.as_u16(), page.url.as_str()), (200, &*demo.url(reached)), "{wanted}");
    }
}
