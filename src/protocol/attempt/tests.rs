//! Tests of sign-in attempts: cookies, state and acceptance.

use http::HeaderMap;
use http::header::COOKIE;

use super::accept::{CallbackError, Expectations};
use super::*;
use crate::domain::account::TenantId;
use crate::domain::authority::IssuerInForce;
use crate::domain::reason::Reason;
use crate::protocol::callback::AuthorizationResponse;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const ISSUER: &str = "https://idp.example";

fn origin() -> Origin {
    Origin::parse("https://orders.example.com").expect("an origin")
}

fn ring() -> KeyRing {
    KeyRing::new(vec![Secret::new([1; 32])]).expect("one key")
}

/// A different byte pattern for each seed and call.
fn random(seed: u8) -> impl FnMut(&mut [u8]) {
    let mut call = 0_u8;
    move |buffer: &mut [u8]| {
        call += 1;
        for (at, byte) in buffer.iter_mut().enumerate() {
            *byte = seed.wrapping_mul(31).wrapping_add(call.wrapping_mul(17)).wrapping_add(at as u8);
        }
    }
}

fn begin(seed: u8, now: Timestamp) -> PendingSignIn {
    let start = Start {
        authority: &AuthorityName::work(),
        route: &RouteName::new("orders"),
        return_to: &ReturnTo::front_page(&origin()),
        hint: Some(AccountKind::Work),
        origin: &origin(),
    };
    PendingSignIn::begin(&start, now, &mut random(seed))
}

/// What a browser does with `Set-Cookie`.
#[derive(Default)]
struct Browser(Vec<(String, String)>);

impl Browser {
    fn take(&mut self, cookies: &[SetCookie]) {
        for cookie in cookies {
            let text = cookie.as_header_value().to_str().expect("ASCII");
            let (pair, attributes) = text.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            self.0.retain(|(kept, _)| kept != name);
            if !attributes.contains("Max-Age=0;") {
                self.0.push((name.into(), value.into()));
            }
        }
    }

    fn request(&self) -> HeaderMap {
        let line = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        HeaderMap::from_iter([(COOKIE, line.parse().expect("a field value"))])
    }
}

fn cookies(attempt: &PendingSignIn, browser: &Browser) -> Vec<SetCookie> {
    let headers = browser.request();
    attempt.cookies(&OwnCookies::read(&headers, Dialect::Host), &origin(), ResponseMode::Query, &ring(), &mut random(99))
}

fn find(browser: &Browser, state: &State, now: Timestamp) -> Result<PendingSignIn, NoAttempt> {
    let headers = browser.request();
    PendingSignIn::find(&OwnCookies::read(&headers, Dialect::Host), state, &origin(), &ring(), now)
}

/// A browser with one attempt, and the attempt's state as it comes back.
fn begun(seed: u8) -> (Browser, State) {
    let (mut browser, attempt) = (Browser::default(), begin(seed, NOW));
    browser.take(&cookies(&attempt, &browser));
    let state = attempt.state(&origin(), &ring(), &mut random(98));
    (browser, State::open(&state, &origin(), &ring()).expect("ours"))
}

#[test]
fn an_attempt_comes_back_as_it_went() {
    let attempt = begin(1, NOW);
    let (browser, state) = begun(1);
    let found = find(&browser, &state, NOW).expect("there");
    assert_eq!((found.id(), found.authority(), found.route()), (attempt.id(), &AuthorityName::work(), "orders"));
    assert_eq!((found.return_to(), found.hint()), ("/", Some(AccountKind::Work)));
    assert!(found.nonce().matches(attempt.nonce().expose().as_bytes()));
    assert!(found.verifier().matches(attempt.verifier().expose().as_bytes()));
    assert_eq!((found.verifier().expose().len(), found.nonce().expose().len()), (43, 43));
}

#[test]
fn nonce_and_verifier_have_nothing_in_common() {
    let attempt = begin(1, NOW);
    assert!(!attempt.nonce().matches(attempt.verifier().expose().as_bytes()));
}

#[test]
fn an_attempt_lives_a_quarter_of_an_hour() {
    let (browser, state) = begun(1);
    let second = Duration::from_secs(1);
    for (now, expected) in [
        (NOW, None),
        (NOW + LIFETIME - second, None),
        (NOW + LIFETIME, Some(NoAttempt::Expired)),
        (NOW - second, Some(NoAttempt::FromTheFuture)),
    ] {
        assert_eq!(find(&browser, &state, now).err(), expected, "{now:?}");
    }
}

#[test]
fn another_browser_has_no_attempt() {
    let (_, state) = begun(1);
    let (other, _) = begun(2);
    assert_eq!(find(&other, &state, NOW).err(), Some(NoAttempt::Absent));
    assert_eq!(find(&Browser::default(), &state, NOW).err(), Some(NoAttempt::Absent));
}

#[test]
fn a_cookie_under_another_attempts_name_is_not_that_attempt() {
    let (mut browser, state) = begun(1);
    let (other, _) = begun(2);
    browser.0[0].1 = other.0[0].1.clone();
    // It opens, as it is ours; what it is, is told by what is inside.
    let found = find(&browser, &state, NOW).expect("ours");
    let response = AuthorizationResponse::parse(b"code=c&state=s").expect("readable");
    assert_eq!(found.accept(response, &expectations(&state)).err(), Some(CallbackError::OtherAttempt));
}

#[test]
fn a_changed_or_doubled_cookie_is_unreadable() {
    let (mut browser, state) = begun(1);
    browser.0.push(browser.0[0].clone());
    assert_eq!(find(&browser, &state, NOW).err(), Some(NoAttempt::Unreadable));
    browser.0.pop();
    assert!(find(&browser, &state, NOW).is_ok());
    browser.0[0].1.push('A');
    assert_eq!(find(&browser, &state, NOW).err(), Some(NoAttempt::Unreadable));
}

#[test]
fn an_attempt_of_another_origin_does_not_count() {
    let (browser, state) = begun(1);
    let headers = browser.request();
    let elsewhere = Origin::parse("https://billing.example.com").expect("an origin");
    let found = PendingSignIn::find(&OwnCookies::read(&headers, Dialect::Host), &state, &elsewhere, &ring(), NOW);
    assert_eq!(found.err(), Some(NoAttempt::Unreadable));
    let sealed = begin(1, NOW).state(&origin(), &ring(), &mut random(3));
    assert!(State::open(&sealed, &elsewhere, &ring()).is_err());
    assert!(State::open(&sealed, &origin(), &ring()).is_ok());
}

#[test]
fn the_cookie_cannot_be_used_as_the_state() {
    let (browser, _) = begun(1);
    assert!(State::open(&browser.0[0].1, &origin(), &ring()).is_err());
}

#[test]
fn a_finished_attempt_is_deleted() {
    let (mut browser, state) = begun(1);
    browser.take(&[PendingSignIn::deletion(&state, &origin())]);
    assert!(browser.0.is_empty());
}

#[test]
fn of_twelve_tabs_the_newest_six_can_finish() {
    let mut browser = Browser::default();
    let mut states = Vec::new();
    for tab in 0..12_u8 {
        let attempt = begin(tab, NOW + Duration::from_secs(tab.into()));
        browser.take(&cookies(&attempt, &browser));
        states.push(State::of(&attempt));
        assert!(browser.0.len() <= MAX_ATTEMPTS);
    }
    let later = NOW + Duration::from_secs(60);
    for (tab, state) in states.iter().enumerate() {
        assert_eq!(find(&browser, state, later).is_ok(), tab >= 6, "tab {tab}");
    }
}

#[test]
fn expired_future_and_misshapen_names_go_first() {
    let mut browser = Browser::default();
    for seed in 0..3 {
        let attempt = begin(seed, NOW);
        browser.take(&cookies(&attempt, &browser));
    }
    let odd = ["a-ffffffffff-AAAAAAAAAAAAAAAAAAAAAA", "a-0000000001-AAAAAAAAAAAAAAAAAAAAAA", "a-1", "a-", "a-zfffffffff-x"];
    for name in odd {
        browser.0.push((format!("__Host-homerealm-{name}"), "x".into()));
    }
    browser.0.push(("__Host-homerealm-s-work".into(), "x".into()));
    let attempt = begin(9, NOW);
    browser.take(&cookies(&attempt, &browser));
    assert_eq!(browser.0.len(), 5, "four attempts and the session: {:?}", browser.0.iter().map(|(name, _)| name).collect::<Vec<_>>());
    assert!(!browser.0.iter().any(|(name, _)| odd.iter().any(|odd| name.ends_with(odd))));
}

#[test]
fn attempts_cross_sites_only_where_the_response_is_posted() {
    for (mode, same_site) in [(ResponseMode::FormPost, "SameSite=None"), (ResponseMode::Query, "SameSite=Lax")] {
        let set = begin(1, NOW).cookies(&OwnCookies::default(), &origin(), mode, &ring(), &mut random(2));
        let text = set[0].as_header_value().to_str().expect("ASCII");
        assert!(text.ends_with(same_site) && text.contains("; Secure;") && text.contains("Max-Age=900"), "{mode:?}");
    }
}

#[test]
fn a_target_at_another_of_our_origins_keeps_its_origin() {
    let elsewhere = Origin::parse("https://billing.example.com").expect("an origin");
    for (to, expected) in [(&origin(), "/"), (&elsewhere, "https://billing.example.com/")] {
        let start = Start {
            authority: &AuthorityName::work(),
            route: &RouteName::new("orders"),
            return_to: &ReturnTo::front_page(to),
            hint: None,
            origin: &origin(),
        };
        assert_eq!(PendingSignIn::begin(&start, NOW, &mut random(1)).return_to(), expected);
    }
}

#[test]
fn return_targets_are_cut_to_what_fits() {
    let long = |length: usize| format!("/{}", "p".repeat(length - 1));
    let with_query = format!("/orders?{}", "q".repeat(600));
    let (fits, too_long) = (long(512), long(513));
    for (target, limit, expected) in [
        ("/orders?x=1", 512, "/orders?x=1"),
        (&with_query, 512, "/orders"),
        (&with_query, 2048, &*with_query),
        (&fits, 512, &*fits),
        (&too_long, 512, "/"),
        ("https://billing.example.com/a?b", 31, "https://billing.example.com/a?b"),
        ("https://billing.example.com/a?b", 30, "https://billing.example.com/a"),
    ] {
        assert_eq!(shortened(target, limit), expected);
    }
}

#[test]
fn the_largest_attempt_fits_one_cookie_and_a_url() {
    let mut attempt = begin(1, NOW);
    attempt.authority = AuthorityName::parse(&"a".repeat(AuthorityName::MAX_LENGTH)).expect("a name");
    (attempt.route, attempt.return_to) = ("r".repeat(256), format!("/{}?{}", "p".repeat(511), "q".repeat(MAX_RETURN_TO - 513)));
    assert_eq!(attempt.return_to.len(), MAX_RETURN_TO);
    let set = attempt.cookies(&OwnCookies::default(), &origin(), ResponseMode::FormPost, &ring(), &mut random(2));
    assert!(set[0].as_header_value().len() <= 4096);
    let state = attempt.state(&origin(), &ring(), &mut random(3));
    assert!(state.len() < 1024, "{}", state.len());
    assert_eq!(State::open(&state, &origin(), &ring()).expect("ours").return_to().len(), 512);
}

fn expectations(state: &State) -> Expectations<'_> {
    static WORK: std::sync::LazyLock<(AuthorityName, IssuerInForce)> =
        std::sync::LazyLock::new(|| (AuthorityName::work(), IssuerInForce::One { issuer: ISSUER.into(), tenant: None }));
    Expectations { authority_of_path: &WORK.0, state, issuer: &WORK.1, announces_iss_parameter: false }
}

#[test]
fn an_accepted_code_carries_what_its_attempt_knew() {
    let (browser, state) = begun(1);
    let response = AuthorizationResponse::parse(b"code=the-code&state=s&iss=https%3a%2f%2fidp.example").expect("readable");
    let accepted = find(&browser, &state, NOW).expect("there").accept(response, &expectations(&state)).expect("accepted");
    let attempt = begin(1, NOW);
    assert!(accepted.code().matches(b"the-code"));
    assert!(accepted.verifier().matches(attempt.verifier().expose().as_bytes()));
    assert!(accepted.nonce().matches(attempt.nonce().expose().as_bytes()));
    assert_eq!((accepted.id(), accepted.authority(), accepted.route()), (attempt.id(), attempt.authority(), "orders"));
    assert_eq!((accepted.return_to(), accepted.response_issuer()), ("/", Some(ISSUER)));
    assert!(!format!("{accepted:?}").contains("the-code"));
}

#[test]
fn a_callback_with_another_attempts_state_spends_no_code() {
    let (browser, state) = begun(1);
    let (_, other) = begun(2);
    let response = AuthorizationResponse::parse(b"code=c&state=s").expect("readable");
    let result = find(&browser, &state, NOW).expect("there").accept(response, &expectations(&other));
    assert_eq!(result.err(), Some(CallbackError::OtherAttempt));
}

#[test]
fn a_callback_on_another_authoritys_path_spends_no_code() {
    let (browser, state) = begun(1);
    let personal = AuthorityName::personal();
    let expected = Expectations { authority_of_path: &personal, ..expectations(&state) };
    let response = AuthorizationResponse::parse(b"code=c&state=s").expect("readable");
    let error = find(&browser, &state, NOW).expect("there").accept(response, &expected).err();
    assert_eq!(error.as_ref().map(CallbackError::reason), Some(Reason::FlowExpired));
    assert_eq!(error, Some(CallbackError::OtherAuthority));
}

#[test]
fn the_issuer_is_checked_before_code_and_error() {
    let tenant = "3a0c0000-0000-4000-8000-0000000000aa";
    let one = IssuerInForce::One { issuer: ISSUER.into(), tenant: TenantId::parse(tenant).ok() };
    let many = IssuerInForce::PerTenant { prefix: "https://login.example/".into(), suffix: "/v2.0".into() };
    let filled = format!("https://login.example/{tenant}/v2.0");
    let upper = format!("https://login.example/{}/v2.0", tenant.to_uppercase());
    let (other, missing) = (Some(CallbackError::OtherIssuer), Some(CallbackError::IssuerMissing));
    let (announced, silent) = (true, false);
    for (in_force, announces, iss, expected) in [
        (&one, silent, None, None),
        (&one, announced, None, missing),
        (&one, announced, Some(""), Some(CallbackError::IssuerMissing)),
        (&one, silent, Some(ISSUER), None),
        (&one, announced, Some(ISSUER), None),
        (&one, silent, Some("https://idp.example/"), other.clone()),
        (&one, announced, Some("https://evil.example"), other.clone()),
        (&one, silent, Some("HTTPS://idp.example"), other.clone()),
        (&many, silent, None, None),
        (&many, silent, Some(&*filled), None),
        (&many, silent, Some(&*upper), other.clone()),
        (&many, silent, Some("https://login.example/{tenantid}/v2.0"), other.clone()),
        (&many, silent, Some("https://login.example/organizations/v2.0"), other.clone()),
        (&many, silent, Some("https://login.example//v2.0"), other.clone()),
        (&many, silent, Some(ISSUER), other),
    ] {
        for (outcome, provider_error) in [("code=c", false), ("error=access_denied", true)] {
            let iss = iss.map(|iss| format!("&iss={iss}")).unwrap_or_default();
            let response = AuthorizationResponse::parse(format!("{outcome}&state=s{iss}").as_bytes()).expect("readable");
            let (browser, state) = begun(1);
            let expected_of = Expectations { issuer: in_force, announces_iss_parameter: announces, ..expectations(&state) };
            let error = find(&browser, &state, NOW).expect("there").accept(response, &expected_of).err();
            if expected.is_none() && provider_error {
                assert_eq!(error.map(|error| error.reason()), Some(Reason::Cancelled), "{iss}");
            } else {
                assert_eq!(error, expected, "{outcome}{iss}");
            }
        }
    }
}

#[test]
fn nothing_of_an_attempt_is_printed() {
    let attempt = begin(1, NOW);
    let text = format!("{attempt:?} {:?}", State::of(&attempt));
    for secret in [attempt.nonce().expose(), attempt.verifier().expose(), &URL_SAFE_NO_PAD.encode(attempt.id().0)] {
        assert!(!text.contains(secret.as_str()), "{text}");
    }
}

#[test]
fn the_layout_has_not_changed_unnoticed() {
    // If this fails, raise the number in the labels of `Purpose::Attempt` and `Purpose::State` with it.
    let attempt = begin(0, Timestamp::from_unix_seconds(300));
    let (bytes, state) = (attempt.encode(), postcard::to_allocvec(&State::of(&attempt)).expect("written"));
    let id: Vec<u8> = attempt.id().0.to_vec();
    let tail = [&[0xac, 0x02][..], &[1, 2]].concat();
    let texts = [&[43][..], attempt.nonce().expose().as_bytes(), &[43], attempt.verifier().expose().as_bytes()].concat();
    assert_eq!(*bytes, [&id[..], b"\x04work\x06orders\x01/", &texts, &tail].concat());
    assert_eq!(state, [&id[..], b"\x04work\xac\x02\x01/"].concat());
}
