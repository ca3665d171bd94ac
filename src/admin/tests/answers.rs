//! Probes, metrics, routes, the configuration, and what comes of a reload.

use super::*;
use crate::telemetry::streams::{Ending, StreamKind};

#[tokio::test]
async fn each_probe_knows_where_the_process_is_in_its_life() {
    let world = World::new();
    let cases = [
        (Phase::Starting, [("/livez", 200, "live\n"), ("/readyz", 200, "ready\n"), ("/startupz", 503, "starting\n")]),
        (Phase::Ready, [("/livez", 200, "live\n"), ("/readyz", 200, "ready\n"), ("/startupz", 200, "started\n")]),
        (Phase::Draining, [("/livez", 200, "live\n"), ("/readyz", 503, "draining\n"), ("/startupz", 200, "started\n")]),
    ];
    for (phase, probes) in cases {
        *world.control.phase.lock().expect("not poisoned") = phase;
        for (path, status, text) in probes {
            let (answered, body) = world.get(path).await;
            assert_eq!((answered.as_u16(), body.as_str()), (status, text), "{phase:?} {path}");
        }
    }
}

#[tokio::test]
async fn readiness_tells_of_a_configuration_that_was_refused() {
    let world = World::with(Door::Network, Outcome::Refused { problems: "error[E003]: unknown key `acounts`".into() });
    let (_, before) = world.json("/readyz").await;
    assert_eq!(before["config"]["fingerprint"], "abababababab");
    assert_eq!(before["config"]["since"], "2027-01-15T08:00:00Z");
    assert_eq!(before["last_reload"], serde_json::Value::Null);

    world.control.reload().await;
    let (status, after) = world.json("/readyz").await;
    assert_eq!((status, after["status"].as_str()), (StatusCode::OK, Some("ready")), "the old configuration serves on");
    assert_eq!(after["last_reload"]["outcome"], "refused");
    assert_eq!(after["last_reload"]["at"], "2027-01-15T08:01:00Z");
    let (_, text) = world.get("/readyz?verbose").await;
    assert!(text.starts_with("ready\n") && text.contains("abababababab") && text.contains("error[E003]: unknown key `acounts`"), "{text}");
}

#[tokio::test]
async fn metrics_count_by_route_outcome_reason_and_kind() {
    let world = World::new();
    world.note(&decision(1, decision::Outcome::Error, Reason::NoRoute, None), "/nowhere");
    let refused = DecisionRecord {
        who: somebody(AccountKind::Work),
        ..decision(2, decision::Outcome::Deny, Reason::GuestNotAllowed, Some("fi\"n\\a\nnce"))
    };
    world.note(&refused, "/finance");
    world.note(&refused, "/finance");
    let tried = DecisionRecord {
        would_refuse: Some(Reason::GuestNotAllowed),
        who: somebody(AccountKind::Work),
        ..decision(3, decision::Outcome::Allow, Reason::SignedIn, Some("shop"))
    };
    world.note(&tried, "/");
    let _open = world.journal.streams().begin(StreamKind::WebSocket);
    world.journal.streams().begin(StreamKind::EventStream).ended_by(Ending::Session);
    let (_, headers, text) = world.ask(request("GET", "/metrics", &[("host", "localhost")])).await;
    assert_eq!(headers[header::CONTENT_TYPE], "text/plain; version=0.0.4; charset=utf-8");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text,
        format!(
            r#"# HELP homerealm_decisions_total Requests decided.
# TYPE homerealm_decisions_total counter
homerealm_decisions_total{{route="_none",outcome="error",reason="no_route",kind="none"}} 1
homerealm_decisions_total{{route="fi\"n\\a\nnce",outcome="deny",reason="guest_not_allowed",kind="work"}} 2
homerealm_decisions_total{{route="shop",outcome="allow",reason="signed_in",kind="work"}} 1
# HELP homerealm_shadow_refusals_total Requests let in that would have been refused, had their route enforced what it states.
# TYPE homerealm_shadow_refusals_total counter
homerealm_shadow_refusals_total{{route="shop",reason="guest_not_allowed",kind="work"}} 1
# HELP homerealm_streams_open WebSockets, event streams and gRPC answers that are open.
# TYPE homerealm_streams_open gauge
homerealm_streams_open{{kind="event_stream"}} 0
homerealm_streams_open{{kind="grpc"}} 0
homerealm_streams_open{{kind="websocket"}} 1
# HELP homerealm_streams_ended_total WebSockets, event streams and gRPC answers that have ended, by what ended them.
# TYPE homerealm_streams_ended_total counter
homerealm_streams_ended_total{{kind="event_stream",by="peer"}} 0
homerealm_streams_ended_total{{kind="event_stream",by="session_ended"}} 1
homerealm_streams_ended_total{{kind="event_stream",by="shutdown"}} 0
homerealm_streams_ended_total{{kind="grpc",by="peer"}} 0
homerealm_streams_ended_total{{kind="grpc",by="session_ended"}} 0
homerealm_streams_ended_total{{kind="grpc",by="shutdown"}} 0
homerealm_streams_ended_total{{kind="websocket",by="peer"}} 0
homerealm_streams_ended_total{{kind="websocket",by="session_ended"}} 0
homerealm_streams_ended_total{{kind="websocket",by="shutdown"}} 0
# HELP homerealm_session_revocations_total Orders to end sessions, by whom they meant and how far they got.
# TYPE homerealm_session_revocations_total counter
# HELP homerealm_session_revocations Entries of the list of revocations, by where they come from.
# TYPE homerealm_session_revocations gauge
homerealm_session_revocations{{from="configuration"}} 0
homerealm_session_revocations{{from="running"}} 0
# HELP homerealm_config_last_reload_successful Whether the last reload of the configuration was successful.
# TYPE homerealm_config_last_reload_successful gauge
homerealm_config_last_reload_successful 1
# HELP homerealm_config_last_reload_success_timestamp_seconds When the configuration was last read successfully.
# TYPE homerealm_config_last_reload_success_timestamp_seconds gauge
homerealm_config_last_reload_success_timestamp_seconds 1800000000
# HELP homerealm_config_info The configuration in force.
# TYPE homerealm_config_info gauge
homerealm_config_info{{fingerprint="abababababab"}} 1
# HELP homerealm_build_info The version that runs.
# TYPE homerealm_build_info gauge
homerealm_build_info{{version="{version}"}} 1
"#
        )
    );
}

#[tokio::test]
async fn metrics_say_how_the_last_reload_ended() {
    for (outcome, successful) in [(Outcome::Applied, 1), (Outcome::Unchanged, 1), (Outcome::Refused { problems: String::new() }, 0)] {
        let world = World::with(Door::Network, outcome.clone());
        world.control.reload().await;
        let (_, text) = world.get("/metrics").await;
        assert!(text.contains(&format!("\nhomerealm_config_last_reload_successful {successful}\n")), "{outcome:?}: {text}");
        assert!(text.contains("\nhomerealm_config_last_reload_success_timestamp_seconds 1800000030\n"), "{outcome:?}: {text}");
    }
}

#[tokio::test]
async fn a_reload_answers_what_came_of_it() {
    let cases = [
        (Outcome::Applied, 200, r#"{"outcome":"applied","problems":"","wants_restart":["listen","admin"]}"#),
        (Outcome::Unchanged, 200, r#"{"outcome":"unchanged","problems":"","wants_restart":["listen","admin"]}"#),
        (
            Outcome::Refused { problems: "error <E>".into() },
            422,
            r#"{"outcome":"refused","problems":"error <E>","wants_restart":["listen","admin"]}"#,
        ),
    ];
    for (outcome, expected, told) in cases {
        let world = World::with(Door::Network, outcome);
        let (status, _, body) = world.ask(request("POST", "/reload", &[("host", "localhost")])).await;
        assert_eq!((status.as_u16(), body), (expected, format!("{told}\n")));
        let (status, _, page) = world.ask(request("POST", "/reload", &[("host", "localhost"), ("accept", "text/html")])).await;
        assert_eq!(status.as_u16(), expected);
        assert!(page.contains("<h1>") && !page.contains("<E>") && page.contains("listen, admin"), "{page}");
        let (_, ready) = world.get("/readyz?verbose").await;
        assert!(ready.contains("\nthese keys want a restart: listen, admin\n"), "{ready}");
        assert_eq!(world.json("/readyz").await.1["last_reload"]["wants_restart"], serde_json::json!(["listen", "admin"]));
    }
}

#[tokio::test]
async fn routes_are_told_in_words_in_the_order_of_the_file() {
    let world = World::new();
    let refused = decision(2, decision::Outcome::Deny, Reason::GuestNotAllowed, Some("finance"));
    world.note(&refused, "/finance");
    let (_, routes) = world.json("/routes").await;
    let names: Vec<_> = routes.as_array().expect("a list").iter().map(|route| route["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["open", "finance", "shop"]);
    let (open, finance, shop) = (&routes[0], &routes[1], &routes[2]);
    assert_eq!(open["match"], "GET /open");
    assert_eq!(open["admits"], serde_json::json!(["everybody; nobody is asked who they are"]));
    assert_eq!((&open["policy"], &finance["policy"], &shop["policy"]), (&"open".into(), &"enforced".into(), &"tried".into()));
    assert_eq!(finance["line"], 15);
    assert_eq!(finance["match"], "orders.example.com/finance/**");
    let admits = [
        "work accounts",
        "of Contoso <Ltd>",
        "no guests",
        "in group 7d0e0000-0000-4000-8000-0000000000f1 or role Reader",
        "signed in by work",
    ];
    assert_eq!(finance["admits"], serde_json::json!(admits));
    assert_eq!(finance["destinations"], serde_json::json!(["http://[::1]:3000/base"]));
    assert_eq!(finance["decisions"], serde_json::json!({"allow":0,"challenge":0,"deny":1,"error":0,"would_refuse":0}));
    let work = "work: http://127.0.0.1:3001, unix:/run/app.sock, http://127.0.0.1:3002";
    assert_eq!(shop["destinations"], serde_json::json!([work, "personal: redirect to https://shop.example.com/"]));
    assert_eq!(finance["upstreams"], serde_json::json!([]), "nothing is known of one alone");
    let known = serde_json::json!([
        { "upstream": "http://127.0.0.1:3001", "condition": "unwell" },
        { "upstream": "unix:/run/app.sock", "condition": "avoided" },
        { "upstream": "http://127.0.0.1:3002", "condition": "well" },
    ]);
    assert_eq!(shop["upstreams"], known);
    let (_, page) = world.page("/routes").await;
    assert!(page.contains("Contoso &#60;Ltd&#62;") && page.contains("1 denied") && page.contains("only tried"), "{page}");
    assert!(page.contains(">avoided</span> <code>unix:/run/app.sock</code>"), "{page}");
}

#[tokio::test]
async fn the_configuration_is_shown_as_it_is_and_line_by_line() {
    let world = World::new();
    let (_, text) = world.get("/config").await;
    assert!(
        text.starts_with(CONFIGURATION.trim_end()) && text.contains("\n# abababababab in force since 2027-01-15 08:00:00 UTC\n"),
        "{text}"
    );
    let (_, page) = world.page("/config").await;
    assert!(page.contains(r#"<li id="L15"><code>[[routes]]</code></li>"#), "{page}");
    assert!(page.contains("Contoso &#60;Ltd&#62;"), "{page}");
    for shown in [text, page] {
        assert!(!shown.contains("s3cret-that-nobody-sees"));
    }
}

#[tokio::test]
async fn a_wrong_path_is_answered_with_the_right_ones() {
    let world = World::new();
    for path in ["/nowhere", "/decisions/", "/.auth/sign-in", "/finance/q3"] {
        let (status, text) = world.get(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(text.contains("/decisions") && text.contains("/readyz"), "{text}");
    }
    let (status, page) = world.page("/%3Cscript%3E").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(page.contains("href=\"/decisions\"") && !page.contains("<script"), "{page}");
    let (status, text) = world.get("/").await;
    assert!(status == StatusCode::OK && text.contains("POST /reload"), "{text}");
}
