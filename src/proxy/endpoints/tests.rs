//! Our own endpoints through their router: statuses, `Allow`, the bound on posts, forms of other sites, remembered
//! choices.

mod accounts;
mod audit;
mod lasting;
mod sign_out;
pub(super) mod store;
pub(super) mod world;

use std::sync::Arc;

use http::{Method, StatusCode, header};

use self::world::{ORIGIN, STRANGER, World, ada, cy, navigation, page, set_cookies};
use crate::domain::account::AccountKind;
use crate::domain::reason::Reason;
use crate::proxy::respond::Told;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn what_is_not_there_is_404_and_a_wrong_method_405_with_the_right_ones() {
    let world = World::new("");
    for (method, path, status, allow) in [
        ("GET", "/.auth", 404, None),
        ("GET", "/.auth/", 404, None),
        ("GET", "/.auth/nothing", 404, None),
        ("POST", "/.auth/nothing", 404, None),
        ("DELETE", "/.auth/sign-in", 405, Some("GET,HEAD,POST")),
        ("POST", "/.auth/session", 405, Some("GET,HEAD")),
        ("OPTIONS", "/.auth/sign-out", 405, Some("GET,HEAD,POST")),
        ("GET", "/.auth/sign-out", 200, None),
    ] {
        let told = world.ask(STRANGER, method, path, &navigation(), "").await;
        assert_eq!(told.response.status().as_u16(), status, "{method} {path}");
        let allowed = told.response.headers().get(header::ALLOW).map(|value| value.to_str().expect("ASCII"));
        assert_eq!(allowed, allow, "{method} {path}");
        if status != 200 {
            assert_eq!(told.verdict.reason(), Reason::NoRoute, "{method} {path}");
            assert!(page(&told).contains("There is nothing here."), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn no_endpoint_answers_grpc_with_200() {
    let world = World::new("");
    for path in ["/.auth", "/.auth/chek", "/.auth/session", "/.auth/check", "/.auth/check/work", "/.auth/callback/work"] {
        let told = world.ask(STRANGER, "POST", path, &[("content-type", "application/grpc")], "").await;
        assert!(!told.response.status().is_success(), "{path}: {}", told.response.status());
    }
}

#[tokio::test]
async fn a_form_counts_only_if_it_is_our_own_pages() {
    let world = World::new("");
    let foreign = "https://evil.example";
    for (origin, site, taken) in [
        (Some(ORIGIN), Some("same-origin"), true),
        (Some(ORIGIN), None, true),
        (None, Some("same-origin"), true),
        (None, Some("none"), true),
        (None, None, true),
        (Some("null"), None, false),
        (Some("null"), Some("same-origin"), false),
        (Some("null"), Some("cross-site"), false),
        (Some(foreign), None, false),
        (Some(foreign), Some("same-origin"), false),
        (Some("https://orders.example.com:8443"), Some("same-site"), false),
        (Some("http://orders.example.com"), None, false),
        (Some(ORIGIN), Some("cross-site"), false),
        (None, Some("cross-site"), false),
        (None, Some("same-site"), false),
        (None, Some("Same-Origin"), false),
    ] {
        let mut headers = vec![("content-type", FORM), ("accept", "text/html")];
        headers.extend(origin.map(|origin| ("origin", origin)));
        headers.extend(site.map(|site| ("sec-fetch-site", site)));
        for path in ["/.auth/sign-in", "/.auth/sign-out"] {
            let told = world.ask(STRANGER, "POST", path, &headers, "identifier=ada%40contoso.example").await;
            let refused = told.verdict.reason() == Reason::BadRequest;
            assert_eq!(!refused, taken, "{path} from {origin:?} {site:?}: {}", told.response.status());
            assert_eq!(set_cookies(&told).is_empty(), refused, "{path} from {origin:?} {site:?}");
        }
    }
}

#[tokio::test]
async fn two_words_for_where_a_form_comes_from_are_none() {
    let world = World::new("");
    for twice in
        [[("origin", ORIGIN), ("origin", "https://evil.example")], [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]]
    {
        let headers = [twice[0], twice[1], ("content-type", FORM)];
        let told = world.ask(STRANGER, "POST", "/.auth/sign-in", &headers, "identifier=ada%40contoso.example").await;
        assert_eq!(told.verdict.reason(), Reason::BadRequest, "{twice:?}");
    }
}

#[tokio::test]
async fn too_many_posts_are_told_when_to_come_again() {
    let world = World::new("");
    let post = || world.ask(STRANGER, "POST", "/.auth/sign-in", &[("content-type", FORM)], "identifier=%40");
    for _ in 0..10 {
        assert_eq!(post().await.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let told = post().await;
    assert_eq!((told.response.status(), told.verdict.reason()), (StatusCode::TOO_MANY_REQUESTS, Reason::RateLimited));
    assert_eq!(told.response.headers()[header::RETRY_AFTER], "6");
    let other = world.ask([198, 51, 100, 8].into(), "POST", "/.auth/sign-in", &[("content-type", FORM)], "identifier=%40").await;
    assert_eq!(other.response.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_choice_is_remembered_if_the_box_is_ticked() {
    const BOX: &str = "name=\"remember\"";
    const TILES: &str = "name=\"account\"";
    let world = World::new("remember_accounts = true");
    let form = [("content-type", FORM), ("accept", "text/html")];
    let typed = "identifier=dee%40both.example&return_to=%2Fany%2Fx";
    let address_page =
        |world: World| async move { page(&world.ask(STRANGER, "GET", "/.auth/sign-in?return_to=/any/x", &navigation(), "").await) };
    assert!(address_page(World::new("remember_accounts = true")).await.contains(BOX));
    assert!(!address_page(World::new("")).await.contains(BOX));
    let ticked = page(&world.ask(STRANGER, "POST", "/.auth/sign-in", &form, &format!("{typed}&remember=on")).await);
    assert!(ticked.contains(TILES) && ticked.contains(BOX), "the question which account carries the tick along");

    let chosen = format!("{typed}&account=personal");
    let forgotten = world.ask(STRANGER, "POST", "/.auth/sign-in", &form, &chosen).await;
    assert!(!set_cookies(&forgotten).iter().any(|pair| pair.starts_with("__Host-homerealm-r=")), "nobody ticked the box");

    let kept = world.ask(STRANGER, "POST", "/.auth/sign-in", &form, &format!("{chosen}&remember=on")).await;
    let cookie = set_cookies(&kept).into_iter().find(|pair| pair.starts_with("__Host-homerealm-r=")).expect("a remembered choice");
    let headers = [form[0], form[1], ("cookie", cookie.as_str())];
    let next = page(&world.ask(STRANGER, "POST", "/.auth/sign-in", &headers, typed).await);
    assert!(next.contains("https://personal.example/authorize") && !next.contains(TILES), "{next}");

    let told = World::new("").ask(STRANGER, "POST", "/.auth/sign-in", &headers, typed).await;
    assert!(page(&told).contains(TILES), "switched off, nothing is remembered");
}

#[tokio::test]
async fn an_unknown_method_is_a_wrong_one() {
    let told = World::new("").ask(STRANGER, "get", "/.auth/sign-in", &[], "").await;
    assert_eq!(told.response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(Method::from_bytes(b"get").is_ok_and(|method| method != Method::GET));
}

#[tokio::test]
async fn signing_out_of_everything_leaves_no_session_and_the_next_sign_in_asks_which_account() {
    let world = World::new("");
    // `gone` is an authority that the configuration does not name any more; `r` is a remembered choice.
    let more = "__Host-homerealm-s-gone=1.x; __Host-homerealm-s-gone.1=y; __Host-homerealm-a-1=z; __Host-homerealm-r=w; app=v";
    let cookies = format!("{}; {}; {more}", world.cookie_of(&ada()), world.cookie_of(&cy()));
    let headers = [("content-type", FORM), ("cookie", cookies.as_str())];
    let names =
        |told: &Told| set_cookies(told).iter().map(|pair| pair.trim_start_matches("__Host-homerealm-").to_owned()).collect::<Vec<_>>();

    let mut ended = names(&world.ask(STRANGER, "POST", "/.auth/sign-out", &headers, "").await);
    ended.sort();
    assert_eq!(ended, ["a-1=", "ended=all", "prompt=select_account", "s-gone.1=", "s-gone=", "s-home=", "s-office="]);
    let one = names(&world.ask(STRANGER, "POST", "/.auth/sign-out", &headers, "session=office").await);
    assert_eq!(one, ["prompt=select_account", "s-office="]);

    for (cookie, asks) in [("__Host-homerealm-prompt=select_account", true), ("app=v", false)] {
        let headers = [navigation(), vec![("cookie", cookie)]].concat();
        let told = world.ask(STRANGER, "GET", "/.auth/sign-in?return_to=/work/x&account=work", &headers, "").await;
        let location = told.response.headers()[header::LOCATION].to_str().expect("ASCII");
        assert!(location.starts_with("https://office.example/authorize?"), "{location}");
        assert_eq!(location.contains("prompt=select_account"), asks, "{location}");
    }
}

#[tokio::test]
async fn a_link_that_names_a_kind_leads_straight_on_for_a_person_only() {
    let world = World::new("");
    let link = "/.auth/sign-in?return_to=/any/x&account=personal";
    let told = world.ask(STRANGER, "GET", link, &navigation(), "").await;
    assert_eq!(told.response.status(), StatusCode::FOUND);
    assert!(told.response.headers()[header::LOCATION].to_str().expect("ASCII").starts_with("https://personal.example/authorize"));
    let image = world.ask(STRANGER, "GET", link, &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")], "").await;
    assert_eq!((image.response.status(), set_cookies(&image).len()), (StatusCode::OK, 0), "an image starts no attempt");
}

#[tokio::test]
async fn links_with_an_address_count_like_posts() {
    let world = World::new("");
    let (link, navigation) = ("/.auth/sign-in?return_to=/any/x&account=personal&login_hint=cy%40outlook.com", navigation());
    let follow = || world.ask(STRANGER, "GET", link, &navigation, "");
    for _ in 0..10 {
        assert_eq!(follow().await.response.status(), StatusCode::FOUND);
    }
    let told = follow().await;
    assert_eq!((told.response.status(), set_cookies(&told).len()), (StatusCode::OK, 0), "the page is shown instead");
    assert!(page(&told).contains("cy@outlook.com"), "with the address filled in");
}

#[tokio::test]
async fn who_comes_back_from_an_authority_that_is_gone_has_a_way_on_and_nobody_else_finds_anything() {
    let mut world = World::new("");
    let began = world.ask(STRANGER, "GET", "/.auth/sign-in?return_to=/work/x&account=work", &navigation(), "").await;
    let location = url::Url::parse(began.response.headers()[header::LOCATION].to_str().expect("ASCII")).expect("a URL");
    let state = location.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    let cookies = set_cookies(&began).join("; ");
    Arc::get_mut(&mut world.shared).expect("nobody else has it").sign_in.authorities.retain(|name, _| name.as_str() != "office");
    for (name, response, cookies, status, reason) in [
        ("office", format!("code=1&state={state}"), &*cookies, 400, Reason::FlowExpired),
        ("office", format!("error=access_denied&state={state}"), &cookies, 400, Reason::FlowExpired),
        ("office", format!("code=1&state={state}"), "app=v", 400, Reason::FlowExpired),
        ("office", "code=1&state=2".to_owned(), &cookies, 404, Reason::NoRoute),
        ("office", String::new(), &cookies, 404, Reason::NoRoute),
        ("Office", format!("code=1&state={state}"), &cookies, 404, Reason::NoRoute),
    ] {
        let headers = [navigation(), vec![("cookie", cookies)]].concat();
        let told = world.ask(STRANGER, "GET", &format!("/.auth/callback/{name}?{response}"), &headers, "").await;
        assert_eq!((told.response.status().as_u16(), told.verdict.reason()), (status, reason), "{name} {response}");
        assert_eq!(page(&told).contains("href=\"/work/x\""), reason == Reason::FlowExpired, "{name} {response}: {}", page(&told));
        assert!(set_cookies(&told).is_empty(), "{name} {response}");
    }
}

#[tokio::test]
async fn a_session_counts_only_for_the_provider_that_vouched_for_it() {
    let world = World::new("");
    let mut moved = ada();
    moved.principal.issuer = "https://the-former-office.example".into();
    let mut other_kind = ada();
    other_kind.principal.kind = AccountKind::Personal;
    for (session, status) in [(ada(), StatusCode::OK), (moved, StatusCode::UNAUTHORIZED), (other_kind, StatusCode::UNAUTHORIZED)] {
        let cookie = world.cookie_of(&session);
        let told = world.ask(STRANGER, "GET", "/.auth/session", &[("cookie", cookie.as_str())], "").await;
        assert_eq!(told.response.status(), status, "{session:?}");
    }
}
