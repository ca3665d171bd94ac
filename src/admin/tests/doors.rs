//! Who may ask for what, and how every answer is marked.

use super::*;

const EVERYTHING: [&str; 12] = [
    "/",
    "/admin.css",
    "/livez",
    "/readyz",
    "/startupz",
    "/metrics",
    "/decisions",
    "/decisions/7K3F-9QXD",
    "/sessions",
    "/sessions/07070707070707070707070707070707",
    "/routes",
    "/config",
];

#[tokio::test]
async fn only_names_of_this_machine_are_answered_to() {
    let world = World::new();
    let right = ["localhost", "localhost:9090", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:9090", "[::1]", "[::1]:9090"];
    let wrong = [
        "rebound.example",
        "rebound.example:9090",
        "localhost.rebound.example",
        "127.0.0.1.rebound.example",
        "localhost:9090@rebound.example",
        "192.0.2.7",
        "[::1",
        "[2001:db8::1]:9090",
        "",
        ":9090",
    ];
    for path in EVERYTHING {
        for host in right {
            let (status, ..) = world.ask(request("GET", path, &[("host", host)])).await;
            assert_ne!(status, StatusCode::MISDIRECTED_REQUEST, "{path} at {host}");
        }
        for host in wrong {
            let (status, _, body) = world.ask(request("GET", path, &[("host", host)])).await;
            assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{path} at {host:?}");
            assert!(body.contains("localhost"), "{body}");
        }
    }
    let none: [&[(&str, &str)]; 2] = [&[], &[("host", "localhost"), ("host", "localhost")]];
    for headers in none {
        let (status, ..) = world.ask(request("GET", "/livez", headers)).await;
        assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{headers:?}");
    }
    let absolute = request("GET", "http://rebound.example/livez", &[("host", "localhost")]);
    assert_eq!(world.ask(absolute).await.0, StatusCode::MISDIRECTED_REQUEST);
    let absolute = request("GET", "http://localhost:9090/livez", &[("host", "localhost:9090")]);
    assert_eq!(world.ask(absolute).await.0, StatusCode::OK);
}

#[tokio::test]
async fn no_browser_reaches_a_socket_in_the_file_system_so_any_name_will_do() {
    let world = World::with(Door::FileSystem, Outcome::Unchanged);
    assert_eq!(world.ask(request("GET", "/livez", &[("host", "whatever")])).await.0, StatusCode::OK);
    assert_eq!(world.ask(request("GET", "/livez", &[])).await.0, StatusCode::OK);
}

#[tokio::test]
async fn no_answer_is_kept_framed_guessed_at_or_shared() {
    let world = World::new();
    let asked = EVERYTHING.iter().copied().chain(["/nowhere", "/reload", "/sessions/revoke"]).map(|path| (path, "localhost"));
    for (path, host) in asked.chain([("/decisions", "rebound.example")]) {
        let (_, headers, _) = world.ask(request("GET", path, &[("host", host), ("origin", "https://evil.example")])).await;
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY", "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("ASCII");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script"), "{path}: {policy}");
        assert!(headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{path}");
    }
}

#[tokio::test]
async fn another_sites_page_cannot_make_a_browser_give_orders() {
    let host = ("host", "localhost:9090");
    let right: [&[(&str, &str)]; 4] = [
        &[],
        &[("origin", "http://localhost:9090")],
        &[("origin", "http://localhost:9090"), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
    ];
    let wrong: [&[(&str, &str)]; 8] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://localhost:8080")],
        &[("origin", "https://localhost:9090")],
        &[("origin", "http://127.0.0.1:9090")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "http://localhost:9090"), ("sec-fetch-site", "cross-site")],
    ];
    for (cases, status, count) in [(&right[..], StatusCode::OK, 1), (&wrong[..], StatusCode::FORBIDDEN, 0)] {
        for headers in cases {
            let world = World::new();
            let headers: Vec<_> = headers.iter().copied().chain([host]).collect();
            assert_eq!(world.ask(request("POST", "/reload", &headers)).await.0, status, "{headers:?}");
            assert_eq!(world.ask(sessions::order("all=true&reason=x", &headers)).await.0, status, "{headers:?}");
            assert_eq!(world.control.reloads.load(Ordering::Relaxed), count, "{headers:?}");
            assert_eq!(world.control.sessions.ordered().len(), count, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn nothing_is_changed_but_by_post() {
    let world = World::new();
    for path in ["/reload", "/sessions/revoke", "/sessions/revoke?all=true&reason=x"] {
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let (status, headers, _) = world.ask(request(method, path, &[("host", "localhost")])).await;
            assert_eq!((status, headers[header::ALLOW].as_bytes()), (StatusCode::METHOD_NOT_ALLOWED, &b"POST"[..]), "{method} {path}");
        }
    }
    for path in EVERYTHING {
        let (status, ..) = world.ask(request("POST", path, &[("host", "localhost")])).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
    }
    assert_eq!(world.control.reloads.load(Ordering::Relaxed), 0);
    assert!(world.control.sessions.ordered().is_empty());
}

#[tokio::test]
async fn a_body_of_more_than_a_form_is_not_taken() {
    let world = World::new();
    for (length, expected) in [(4096, StatusCode::OK), (4097, StatusCode::PAYLOAD_TOO_LARGE)] {
        let mut asked = request("POST", "/reload", &[("host", "localhost")]);
        *asked.body_mut() = Body::from("x".repeat(length));
        assert_eq!(world.ask(asked).await.0, expected, "{length}");
    }
}
