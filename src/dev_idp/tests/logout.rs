//! Signing out here tells the apps that somebody went to.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE};

use super::super::Logout;
use super::{Provider, authorize, form, settings};

/// An app that keeps what it is told, at its redirect URI.
async fn app() -> (String, Arc<Mutex<Vec<String>>>) {
    let told = Arc::<Mutex<Vec<String>>>::default();
    let keep = |State(told): State<Arc<Mutex<Vec<String>>>>, body: String| async move { told.lock().expect("no panic").push(body) };
    let router = Router::new().route("/.auth/logout/back-channel/work", post(keep)).with_state(Arc::clone(&told));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let redirect_uri = format!("http://{}/.auth/callback/work", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (redirect_uri, told)
}

fn telling() -> Provider {
    let mut settings = settings();
    settings.registrations[0].logout = Logout::BesideRedirectUri;
    Provider::with(settings)
}

#[tokio::test]
async fn apps_are_sent_a_token_and_loaded_in_frames_before_it_goes_on() {
    let (provider, (redirect_uri, told)) = (telling(), app().await);
    let request = authorize("organizations", &[("redirect_uri", &redirect_uri)]);
    let signed_in = provider.post(&request, &[("person", "ada")], "").await;
    let cookie = signed_in.cookie();
    let sid = cookie.rsplit_once('.').expect("a session's name").1.to_owned();

    let back = redirect_uri.replace("callback/work", "signed-out");
    let sign_out = format!("/organizations/oauth2/v2.0/logout?{}", form(&[("post_logout_redirect_uri", &back)]));
    let somebody_else = provider.get(&format!("{sign_out}&logout_hint=cy"), &cookie).await;
    assert_eq!(somebody_else.status, StatusCode::SEE_OTHER);
    assert!(!somebody_else.headers.contains_key(SET_COOKIE) && told.lock().expect("no panic").is_empty());

    let page = provider.get(&sign_out, &cookie).await;
    assert_eq!(page.status, StatusCode::OK);
    let frame = format!("src=\"{}?sid={sid}\"", redirect_uri.replace("callback", "logout/front-channel"));
    assert!(page.body.contains(&frame) && page.body.contains(&format!("content=\"1;url={back}\"")), "{}", page.body);
    let origin = redirect_uri.split("/.auth").next().expect("an origin");
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.ends_with(&format!("frame-src {origin}")), "{policy}");

    let told: Vec<_> = std::mem::take(&mut *told.lock().expect("no panic"));
    let [body] = told.as_slice() else { panic!("one token, not {}", told.len()) };
    let (claims, _) = provider.verified("organizations", body.strip_prefix("logout_token=").expect("a token")).await.expect("it holds");
    assert_eq!((claims["sid"].as_str(), claims["aud"].as_str(), claims.get("nonce")), (Some(&*sid), Some("app"), None));
    assert!(claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object() && claims["jti"].is_string());

    let again = provider.get(&sign_out, &cookie).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "nobody is left to be told");
    assert_eq!(again.headers[LOCATION], *back);
}

#[tokio::test]
async fn an_app_that_wants_not_to_be_told_is_not() {
    let (provider, (redirect_uri, told)) = (Provider::start(), app().await);
    let signed_in = provider.post(&authorize("organizations", &[("redirect_uri", &redirect_uri)]), &[("person", "ada")], "").await;
    let page = provider.get("/organizations/oauth2/v2.0/logout", &signed_in.cookie()).await;
    assert!(page.status == StatusCode::OK && !page.body.contains("<iframe"), "{}", page.body);
    assert!(told.lock().expect("no panic").is_empty());
}
