//! The "Break it" menu: each item does what it says, and nothing else.

use futures_util::future::{Either, select};
use http::StatusCode;
use serde_json::{Value, json};

use super::{CONTOSO, FABRIKAM, ORIGIN, Provider};
use crate::dev_idp::mischief::Mischief;
use crate::dev_idp::{Settings, ambient};

/// What became of a sign-in: the first thing that an app would notice.
#[derive(Debug, PartialEq)]
enum Outcome {
    Refused(&'static str),
    TokenEndpoint(StatusCode),
    UnknownKey,
    Claim(&'static str),
    Fine,
}

async fn outcome(provider: &Provider, mischief: Mischief) -> Outcome {
    let answer = provider.sign_in("organizations", "ada", mischief.key()).await;
    let fields = answer.sent_back();
    if let Some(error) = fields.get("error") {
        assert_eq!(fields.get("error_subcode").map(String::as_str), (mischief == Mischief::Cancel).then_some("cancel"));
        return Outcome::Refused(
            ["access_denied", "consent_required", "temporarily_unavailable"].into_iter().find(|known| known == error).unwrap_or("?"),
        );
    }
    let tokens = provider.redeem("organizations", &fields["code"], &[]).await;
    if tokens.status != StatusCode::OK {
        return Outcome::TokenEndpoint(tokens.status);
    }
    match provider.verified("organizations", &tokens.text("id_token")).await {
        Ok((claims, _)) => wrong_claim(&claims).map_or(Outcome::Fine, Outcome::Claim),
        Err("unknown key") => Outcome::UnknownKey,
        Err(other) => panic!("{other}"),
    }
}

fn wrong_claim(claims: &Value) -> Option<&'static str> {
    let now = ambient::now();
    let wrong = [
        ("exp", claims["exp"].as_u64() <= Some(now)),
        ("aud", claims["aud"] != "app"),
        ("iss", claims["iss"] != json!(format!("{ORIGIN}/{CONTOSO}/v2.0"))),
        ("nonce", claims["nonce"] != "the nonce"),
        ("oid", claims["oid"] != "ada00000-0000-4000-8000-000000000001"),
    ];
    // Another account brings its own tenant along.
    let found: Vec<_> = wrong.into_iter().filter(|(_, wrong)| *wrong).map(|(name, _)| name).collect();
    match found[..] {
        [] => None,
        [one] => Some(one),
        ["iss", "oid"] if claims["tid"] == FABRIKAM => Some("oid"),
        _ => panic!("more went wrong than was asked for: {found:?}"),
    }
}

#[tokio::test]
async fn each_item_of_the_menu_breaks_what_it_says() {
    let provider = Provider::with(Settings { slow_answer: std::time::Duration::ZERO, ..super::settings() });
    for mischief in Mischief::MENU {
        let expected = match mischief {
            Mischief::AnotherAccount => Outcome::Claim("oid"),
            Mischief::Cancel => Outcome::Refused("access_denied"),
            Mischief::ConsentRequired => Outcome::Refused("consent_required"),
            Mischief::ExpiredToken => Outcome::Claim("exp"),
            Mischief::GraphFailsOnce | Mischief::GraphRefuses | Mischief::Nothing | Mischief::SlowToken => Outcome::Fine,
            Mischief::TemporarilyUnavailable => Outcome::Refused("temporarily_unavailable"),
            Mischief::TokenError => Outcome::TokenEndpoint(StatusCode::INTERNAL_SERVER_ERROR),
            Mischief::UnknownKey => Outcome::UnknownKey,
            Mischief::WrongAudience => Outcome::Claim("aud"),
            Mischief::WrongIssuer => Outcome::Claim("iss"),
            Mischief::WrongNonce => Outcome::Claim("nonce"),
        };
        assert_eq!(outcome(&provider, mischief).await, expected, "{mischief:?}");
    }
}

#[tokio::test]
async fn a_slow_token_endpoint_is_overtaken_by_a_later_request() {
    let provider = Provider::start();
    let slow = provider.sign_in("organizations", "ada", "slow-token").await.code();
    let quick = provider.sign_in("organizations", "ada", "nothing").await.code();
    let slow = std::pin::pin!(provider.redeem("organizations", &slow, &[]));
    let quick = std::pin::pin!(provider.redeem("organizations", &quick, &[]));
    match select(slow, quick).await {
        Either::Left(_) => panic!("an hour of slowness was over at once"),
        Either::Right((answer, _)) => assert_eq!(answer.status, StatusCode::OK),
    }
}

#[tokio::test]
async fn the_cancel_button_needs_nobody() {
    let answer = Provider::start().post(&super::authorize("common", &[]), &[("cancel", "yes"), ("break", "nothing")], "").await;
    let fields = answer.sent_back();
    assert_eq!((fields["error"].as_str(), fields["error_subcode"].as_str()), ("access_denied", "cancel"));
}
