//! What upstreams read and what clients read.

use super::support::*;
use crate::domain::account::{AccountKind, Home, Membership, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::identity_headers::HeaderTemplate;
use crate::domain::origin::{Origin, Origins};
use crate::domain::principal::{Groups, Principal};
use crate::domain::route::HeaderRules;
use crate::proxy::forward::{WebSocket, origin_is_ours};
use crate::proxy::visit::Peer;
use http::{HeaderMap, HeaderName, HeaderValue};

fn ada() -> Principal {
    Principal {
        authority: AuthorityName::work(),
        issuer: "https://login.example/v2.0".into(),
        subject: "s".into(),
        tenant: TenantId::parse("3a0c0000-0000-4000-8000-0000000000aa").ok(),
        object: Some("5e1f0000-0000-4000-8000-000000000001".into()),
        kind: AccountKind::Work,
        membership: Membership::Member,
        home: Home::ThisTenant,
        name: Some("Ada".into()),
        preferred_username: Some("ada@contoso.example".into()),
        verified_email: None,
        groups: Groups::Listed(Vec::new()),
        roles: Vec::new(),
    }
}

async fn head_upstream(settings: Settings, raw: &str) -> String {
    let (upstream, heads) = answering(OK).await;
    let proxy = Proxy::start(upstream, settings).await;
    let answer = proxy.say(raw).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer} {:?}", proxy.faults.borrow());
    let heads = heads.borrow();
    assert_eq!(heads.len(), 1);
    heads[0].clone()
}

#[test]
fn the_upstream_gets_the_judged_target_behind_its_base_path_and_the_public_host() {
    run(async {
        let head = head_upstream(Settings::default(), &get("")).await;
        assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
        assert_eq!(field(&head, "host"), ["orders.example.com"]);
        let head = head_upstream(Settings { base_path: "/base", ..Settings::default() }, &get("")).await;
        assert!(head.starts_with("GET /base/a?b=c HTTP/1.1\r\n"), "{head}");
    });
}

/// What a client sends, and what of it the upstream must see (nothing, if empty).
const HOP_BY_HOP: [(&str, &str, &[&str]); 16] = [
    ("Keep-Alive: timeout=5\r\n", "keep-alive", &[]),
    ("Proxy-Connection: keep-alive\r\n", "proxy-connection", &[]),
    ("Proxy-Authorization: Basic eA==\r\n", "proxy-authorization", &[]),
    ("Proxy-Authenticate: Basic\r\n", "proxy-authenticate", &[]),
    ("TE: gzip\r\n", "te", &[]),
    ("TE: gzip, trailers\r\n", "te", &["trailers"]),
    ("Trailer: X\r\n", "trailer", &[]),
    ("Upgrade: h2c\r\nHTTP2-Settings: AA\r\n", "upgrade", &[]),
    ("Upgrade: h2c\r\nHTTP2-Settings: AA\r\n", "http2-settings", &[]),
    ("Expect: 100-continue\r\n", "expect", &[]),
    ("Connection: X-Mine\r\nX-Mine: 1\r\n", "x-mine", &[]),
    ("Connection: x-mine , X-Other\r\nX-MINE: 1\r\n", "x-mine", &[]),
    ("Connection: a\r\nConnection: X-Mine\r\nX-Mine: 1\r\n", "x-mine", &[]),
    ("X-Mine: 1\r\n", "x-mine", &["1"]),
    ("Accept: */*\r\n", "accept", &["*/*"]),
    ("Cookie: a=b\r\n", "cookie", &["a=b"]),
];

#[test]
fn what_belongs_to_the_clients_connection_ends_with_it() {
    run(async {
        for (sent, name, seen) in HOP_BY_HOP {
            let head = head_upstream(Settings::default(), &get(sent)).await;
            assert_eq!(field(&head, name), seen, "{sent:?}");
        }
    });
}

#[test]
fn a_client_cannot_have_our_own_fields_removed() {
    run(async {
        let listed = "Connection: X-Forwarded-User, x-forwarded-for, X-Forwarded-Proto, host, X-Account-Kind, X-Request-Id\r\n";
        let head = head_upstream(Settings { who: Some(ada()), ..Settings::default() }, &get(listed)).await;
        let user = "5e1f0000-0000-4000-8000-000000000001@3a0c0000-0000-4000-8000-0000000000aa";
        for (name, value) in [
            ("x-forwarded-user", user),
            ("x-account-kind", "work"),
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "https"),
            ("host", "orders.example.com"),
        ] {
            assert_eq!(field(&head, name), [value], "{name}");
        }
        assert_eq!(field(&head, "x-request-id").len(), 1);
    });
}

#[test]
fn connection_options_without_end_are_refused() {
    run(async {
        let (upstream, heads) = answering(OK).await;
        let proxy = Proxy::start(upstream, Settings::default()).await;
        let answer = proxy.say(get(&format!("Connection: {}\r\n", "a,".repeat(100)))).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("bad_request"), "{answer}");
        assert!(heads.borrow().is_empty());
        let answer = proxy.say(get(&format!("Connection: {}\r\n", "a,".repeat(20)))).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    });
}

/// Fields with which a stranger speaks for somebody else. None of them reaches the upstream as sent.
const FORGED: [&str; 31] = [
    "X-Forwarded-User",
    "x-forwarded-user",
    "X_Forwarded_User",
    "X-Forwarded_User",
    "X.Forwarded.User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Account-Kind",
    "X-Account-Tenant",
    "X-Auth-Request-User",
    "X-MS-Client-Principal",
    "X-Homerealm-Assertion",
    "Remote-User",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Real-IP",
    "True-Client-IP",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-HTTP-Method-Override",
    "Proxy",
    "X-Request-Id",
    "X!Forwarded!For",
    "X~Forwarded~Proto",
    "X|Rewrite|URL",
    "X*HTTP*Method*Override",
];

#[test]
fn a_stranger_speaks_for_nobody() {
    run(async {
        for who in [None, Some(ada())] {
            for name in FORGED {
                let settings = Settings { who: who.clone(), ..Settings::default() };
                let head = head_upstream(settings, &get(&format!("{name}: forged\r\n"))).await;
                assert!(!head.contains("forged"), "{name}: {head}");
            }
        }
        let head = head_upstream(Settings::default(), &get("X-Plain: forged\r\n")).await;
        assert!(head.contains("forged"), "an ordinary field is passed on");
    });
}

#[test]
fn a_trusted_proxy_adds_to_the_chain_and_a_stranger_begins_it() {
    run(async {
        let told =
            "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 10.0.0.2\r\nX-Forwarded-Host: evil.example\r\nX-Request-Id: abc-1\r\n";
        let trusted = head_upstream(Settings { peer: Peer::TrustedProxy, ..Settings::default() }, &get(told)).await;
        assert_eq!(field(&trusted, "x-forwarded-for"), ["198.51.100.7, 10.0.0.2, 127.0.0.1"]);
        assert_eq!(field(&trusted, "x-forwarded-host"), ["orders.example.com"]);
        assert_eq!(field(&trusted, "x-request-id"), ["abc-1"]);
        let stranger = head_upstream(Settings::default(), &get(told)).await;
        assert_eq!(field(&stranger, "x-forwarded-for"), ["127.0.0.1"]);
        let id = field(&stranger, "x-request-id");
        assert!(id.len() == 1 && id[0].len() == 32 && id[0].bytes().all(|byte| byte.is_ascii_hexdigit()), "{id:?}");
    });
}

#[test]
fn a_trace_is_passed_on_if_it_is_one() {
    run(async {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let head = head_upstream(Settings::default(), &get(&format!("traceparent: {good}\r\ntracestate: a=b\r\n"))).await;
        assert_eq!((field(&head, "traceparent"), field(&head, "tracestate")), (vec![good], vec!["a=b"]));
        let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        for bad in ["x", "", zeros, &good.to_uppercase(), &format!("{good}-x"), &good.replacen("00", "01", 1)] {
            let head = head_upstream(Settings::default(), &get(&format!("traceparent: {bad}\r\ntracestate: a=b\r\n"))).await;
            assert!(field(&head, "traceparent").is_empty() && field(&head, "tracestate").is_empty(), "{bad}");
        }
    });
}

#[test]
fn the_routes_own_rules_come_after_the_clients_fields() {
    run(async {
        let set = HeaderTemplate::parse("{kind}").expect("a template");
        let rules = HeaderRules {
            set: vec![(HeaderName::from_static("x-app-kind"), set)],
            remove: vec![HeaderName::from_static("x-secret")],
            ..HeaderRules::default()
        };
        let settings = Settings { rules, who: Some(ada()), ..Settings::default() };
        let head = head_upstream(settings, &get("X-App-Kind: forged\r\nX_App_Kind: forged\r\nX-Secret: 1\r\n")).await;
        assert_eq!(field(&head, "x-app-kind"), ["work"]);
        assert!(!head.contains("forged") && field(&head, "x-secret").is_empty(), "{head}");
    });
}

#[test]
fn our_own_cookies_stay_with_us_in_both_directions() {
    run(async {
        let head = head_upstream(Settings::default(), &get("Cookie: __Host-homerealm-session=secret\r\n")).await;
        assert!(!head.contains("secret"), "{head}");
        let (upstream, _) = answering(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: __Host-homerealm-session=planted\r\nSet-Cookie: a=b\r\nset-cookie: c=d\r\n\r\n",
        )
        .await;
        let answer = Proxy::start(upstream, Settings::default()).await.say(get("")).await;
        assert_eq!(field(&answer, "set-cookie"), ["a=b", "c=d"]);
    });
}

#[test]
fn what_belongs_to_the_upstreams_connection_ends_with_it() {
    run(async {
        let (upstream, _) = answering(concat!(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Mine, keep-alive\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\n",
            "Proxy-Connection: x\r\nUpgrade: h2c\r\nAlt-Svc: h3=\":443\"\r\nProxy-Authenticate: Basic\r\nX-Other: 2\r\n\r\nok",
        ))
        .await;
        let answer = Proxy::start(upstream, Settings::default()).await.say(get("")).await;
        for name in ["x-mine", "keep-alive", "proxy-connection", "upgrade", "alt-svc", "proxy-authenticate"] {
            assert!(field(&answer, name).is_empty(), "{name}: {answer}");
        }
        assert_eq!(field(&answer, "connection"), ["close"]);
        assert_eq!((field(&answer, "x-other"), field(&answer, "content-length")), (vec!["2"], vec!["2"]));
    });
}

#[test]
fn a_websocket_handshake_on_a_route_without_them_is_a_plain_get() {
    run(async {
        let asked = "GET / HTTP/1.1\r\nHost: orders.example.com\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n";
        let head = head_upstream(Settings { websocket: WebSocket::Dropped, ..Settings::default() }, asked).await;
        assert!(field(&head, "upgrade").is_empty() && field(&head, "connection").is_empty(), "{head}");
        let head = head_upstream(Settings::default(), asked).await;
        assert_eq!((field(&head, "upgrade"), field(&head, "connection")), (vec!["websocket"], vec!["upgrade"]));
    });
}

#[test]
fn only_our_own_origins_may_open_websockets() {
    let parse = |text| Origin::parse(text).expect("an origin");
    let origins = Origins::new(parse("https://orders.example.com"), vec![parse("https://b.example:8443")]);
    let with = |told: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for origin in told {
            headers.append("origin", HeaderValue::from_static(origin));
        }
        origin_is_ours(&headers, &origins)
    };
    for ours in [&[][..], &["https://orders.example.com"], &["https://b.example:8443"]] {
        assert!(with(ours), "{ours:?}");
    }
    for foreign in [
        &["https://evil.example"][..],
        &["http://orders.example.com"],
        &["https://orders.example.com.evil.example"],
        &["https://b.example"],
        &["null"],
        &[""],
        &["https://orders.example.com", "https://evil.example"],
    ] {
        assert!(!with(foreign), "{foreign:?}");
    }
}
