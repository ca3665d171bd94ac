//! Configurations that are right, and what becomes of them.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{HEAD, ROUTE, directory, parse, with_files_here};
use crate::config::{AccessLog, Audit, AuditIdentity, AuditTo, Config, SessionKeys};
use crate::domain::account::AccountKind;
use crate::domain::destination::{Destination, Forward, HealthCheck, HostField, UpstreamAddress};
use crate::domain::route::{Access, Guests, Position, Route};
use crate::domain::session::Lifetimes;
use crate::domain::sign_in_page::SignInPage;
use crate::protocol::authorize::ResponseMode;
use crate::protocol::client::ClientAuthentication;

const MINIMAL: &str = include_str!("../../../config/minimal.toml");
const EXAMPLE: &str = include_str!("../../../config/example.toml");

fn config(text: &str) -> Config {
    let directory = directory();
    parse(text, directory.path()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn routed(routes: &str) -> Config {
    config(&format!("{HEAD}{routes}"))
}

fn authorities_of(route: &Route) -> Vec<&str> {
    let requirements = route.access.requirements().expect("a route that looks at identities");
    requirements.authorities.iter().map(|name| name.as_str()).collect()
}

#[test]
fn the_minimal_file_gets_every_default() {
    let config = config(&with_files_here(MINIMAL));
    assert_eq!(config.listen.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0.0.0.0:8080"]);
    assert_eq!((config.rules.prefix.as_str(), config.rules.origins.first().as_str()), ("/.auth", "https://orders.example.com"));
    assert_eq!(config.session.lifetimes, Lifetimes { idle: Duration::from_secs(3600), max: Duration::from_secs(28_800) });
    assert!(matches!(config.session.keys, SessionKeys::Random) && config.warnings.counts().warnings == 1);
    assert_eq!((config.rules.page, config.sign_in.posts_per_minute.get()), (SignInPage::Always, 10));
    assert_eq!((config.access_log, config.dev_allowed, config.trusted_proxies.len()), (AccessLog::Json, false, 0));
    let [work] = &config.authorities[..] else { panic!("only what the route uses") };
    assert_eq!(work.discovery.as_str(), "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration");
    assert_eq!((work.kind, work.response_mode, work.is_on_loopback()), (AccountKind::Work, ResponseMode::Query, false));
    assert_eq!(work.scopes, ["openid", "profile", "email"]);
    let ClientAuthentication::Secret(secret) = &work.client.authentication;
    assert_eq!(secret.expose(), "the-client-secret", "without its line end");
    let [route] = config.rules.routes.routes() else { panic!("one route") };
    assert_eq!((route.name.as_str(), route.position), ("root", Position { line: 7, column: 1 }));
    assert!(matches!(route.access, Access::Required(_)) && route.websocket && route.max_body.is_none() && route.bearer.is_none());
}

#[test]
fn the_example_is_right_and_has_every_kind_of_route() {
    let config = config(&with_files_here(EXAMPLE));
    assert!(config.warnings.is_empty(), "{}", config.warnings);
    let names: Vec<_> = config.rules.routes.routes().iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["health", "finance", "partners", "api", "mailbox", "reports", "help", "shop"]);
    let authorities: Vec<_> = config.authorities.iter().map(|authority| authority.name.as_str()).collect();
    assert_eq!(authorities, ["work", "personal", "contoso", "customers"]);
    let partners = config.rules.routes.named("partners").and_then(|route| route.access.requirements()).expect("requirements");
    assert_eq!((partners.guests, partners.tenants.len()), (Guests::Allow, 1));
    assert_eq!(config.rules.directory.tenants.len(), 2);
    assert_eq!(config.rules.tenants[0].name, "Contoso");
}

#[test]
fn the_three_forms_of_a_session_key_are_one_key() {
    let text = |file: &str| format!("{HEAD}{ROUTE}").replace("[\"key\"]", &format!("[\"{file}\"]"));
    let key = |file: &str| match config(&text(file)).session.keys {
        SessionKeys::Given(keys) => *keys[0].expose(),
        SessionKeys::Random => panic!("a key was given"),
    };
    assert_eq!(key("key"), key("key-base64"));
    assert_eq!(&key("key-raw"), b"\x00an old key of just thirty-two b");
}

#[test]
fn names_come_from_paths_and_stay_unique() {
    let route = |key: &str| format!("[[routes]]\nupstream = \"http://127.0.0.1:3000\"\nauth = \"none\"\n{key}\n");
    let keys = [
        "match = { path = \"/finance/**\", methods = [\"GET\"] }",
        "match = { path = \"/finance/**\" }",
        "match = { path = \"/api/V1/*/items\" }",
        "match = { path = \"/\" }",
        "name = \"root\"\nmatch = { methods = [\"GET\"] }",
        "",
    ];
    let config = routed(&keys.map(route).concat());
    let names: Vec<_> = config.rules.routes.routes().iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["finance", "finance-2", "api-v1-items", "root-2", "root", "root-3"]);
}

#[test]
fn the_authorities_of_a_route_are_those_of_its_kinds_built_in_ones_first() {
    let further = "[authorities.aaa]\nissuer = \"https://id.example.com/\"\nkind = \"work\"\n\
        [authorities.shop]\nissuer = \"https://shop.example.com/\"\nkind = \"customer\"\n";
    let expected: [(&str, &[&str]); 5] = [
        ("work", &["work", "aaa"]),
        ("personal", &["personal"]),
        ("customer", &["shop"]),
        ("any", &["work", "personal", "aaa", "shop"]),
        ("any\"\nauthorities = \"aaa", &["aaa"]),
    ];
    for (accounts, authorities) in expected {
        let config = routed(&format!("{further}[[routes]]\nupstream = \"http://127.0.0.1:3000\"\naccounts = \"{accounts}\"\n"));
        assert_eq!(authorities_of(&config.rules.routes.routes()[0]), authorities, "{accounts}");
    }
}

#[test]
fn a_built_in_authority_without_a_registration_gives_way_to_one_that_has_it() {
    let text = "version = 1\npublic_url = \"https://orders.example.com\"\nsession = { key_files = [\"key\"] }\n\
        [authorities.keycloak]\nissuer = \"https://id.example.com/\"\nkind = \"work\"\nclient = { id = \"x\", secret_file = \"secret\" }\n";
    let config = config(&format!("{text}{ROUTE}"));
    assert_eq!(authorities_of(&config.rules.routes.routes()[0]), ["keycloak"]);
    assert_eq!(config.authorities[0].discovery.as_str(), "https://id.example.com/.well-known/openid-configuration");
}

#[test]
fn openid_is_asked_for_whatever_the_scopes() {
    let config = routed(&format!("[authorities.work]\nscopes = [\"profile\"]\n{ROUTE}"));
    assert_eq!(config.authorities[0].scopes, ["openid", "profile"]);
}

#[test]
fn a_key_of_the_route_takes_the_place_of_the_default() {
    let defaults =
        "[defaults]\naccounts = \"work\"\nwebsocket = false\nmax_body = \"1KB\"\ntimeouts = { connect = \"9s\", idle = \"9s\" }\n";
    let routes = "[[routes]]\nmatch = { path = \"/a\" }\nupstream = \"http://127.0.0.1:3000\"\n\
        [[routes]]\nupstream = \"http://127.0.0.1:3000\"\nmax_body = \"unlimited\"\ntimeouts = { connect = \"3s\" }\n";
    let config = routed(&format!("{defaults}{routes}"));
    let [inherits, overrides] = config.rules.routes.routes() else { panic!("two routes") };
    let timeouts = |route: &Route| [route.timeouts.connect, route.timeouts.response, route.timeouts.idle].map(|span| span.as_secs());
    assert_eq!((inherits.max_body, inherits.websocket, timeouts(inherits)), (Some(1000), false, [9, 30, 9]));
    assert_eq!((overrides.max_body, overrides.websocket, timeouts(overrides)), (None, false, [3, 30, 60]));
}

#[test]
fn an_upstream_keeps_its_base_path_and_loses_its_brackets() {
    let config = routed("[[routes]]\nupstream = \"https://[::1]/base/\"\naccounts = \"work\"\n");
    let Destination::One(Forward::Upstream(upstreams)) = &config.rules.routes.routes()[0].destination else { panic!("one upstream") };
    let upstream = &upstreams.members[0];
    assert_eq!(upstream.address, UpstreamAddress::Tcp { host: "::1".into(), port: 443 });
    assert_eq!(upstream.base_path, "/base");
}

#[test]
fn the_options_of_upstreams_hold_for_each_of_them() {
    let options = "ca_file = \"client.pem\", certificate_file = \"client.pem\", key_file = \"client-key.pem\", server_name = \"APP\", \
         host = \"own\", health = { path = \"/well\" }, max_connections = 7";
    let urls = "[\"https://10.0.0.1\", \"https://10.0.0.2/base\", \"unix:/run/app.sock\"]";
    let config = routed(&format!("[[routes]]\nupstream = {{ url = {urls}, {options} }}\naccounts = \"work\"\n"));
    let Destination::One(Forward::Upstream(upstreams)) = &config.rules.routes.routes()[0].destination else { panic!("upstreams") };
    assert_eq!(upstreams.to_string(), "https://10.0.0.1, https://10.0.0.2/base, unix:/run/app.sock");
    assert_eq!(upstreams.max_connections.map(NonZeroU32::get), Some(7));
    assert_eq!(upstreams.health, Some(HealthCheck { path: "/well".into(), every: Duration::from_secs(5) }));
    let [files] = &config.upstream_files[..] else { panic!("one set of files") };
    for member in &upstreams.members {
        assert_eq!((member.host, member.tls.server_name.as_deref(), &member.tls), (HostField::Own, Some("app"), &files.tls));
    }
    let (identity, roots) = (files.identity.as_ref().expect("a client certificate"), files.roots.as_ref().expect("trust roots"));
    assert_eq!((identity.certified.cert.len(), roots.len()), (1, 1));
    let noted = |name: &str| config.files.paths.iter().any(|path| path.ends_with(name));
    assert!(noted("client.pem") && noted("client-key.pem"), "{:?}", config.files.paths);
}

#[test]
fn no_secret_is_in_the_debug_output() {
    let shown = format!("{:?}", config(&format!("{HEAD}{ROUTE}")));
    assert!(!shown.contains("the-client-secret") && shown.contains("[redacted]"), "{shown}");
}

#[test]
fn the_audit_log_goes_where_the_file_says_and_hashes_people_unless_told_otherwise() {
    let directory = directory();
    let audit = |telemetry: &str| {
        let text = format!("{HEAD}{ROUTE}{telemetry}");
        parse(&text, directory.path()).unwrap_or_else(|problems| panic!("{problems}")).audit
    };
    assert_eq!(audit(""), None);
    assert_eq!(audit("[telemetry]\naccess_log = \"off\"\n"), None);
    for (written, to, identity) in [
        ("to = \"stdout\"", AuditTo::Stdout, AuditIdentity::Hashed),
        ("to = \"stderr\", identity = \"hashed\"", AuditTo::Stderr, AuditIdentity::Hashed),
        ("to = \"file:a.log\", identity = \"full\"", AuditTo::File(directory.path().join("a.log")), AuditIdentity::Full),
        ("to = \"file:/a.log\"", AuditTo::File("/a.log".into()), AuditIdentity::Hashed),
    ] {
        assert_eq!(audit(&format!("[telemetry]\naudit = {{ {written} }}\n")), Some(Audit { to, identity }), "{written}");
    }
}
