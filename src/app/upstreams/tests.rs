//! What a reload keeps of upstreams.

use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A directory with the secret that every configuration here names, and two certificates with their keys.
fn directory() -> TempDir {
    let directory = TempDir::new().expect("a directory");
    std::fs::write(directory.path().join("secret"), "the-client-secret").expect("a file");
    for name in ["one", "two"] {
        let made = rcgen::generate_simple_self_signed([format!("{name}.example")]).expect("a certificate");
        std::fs::write(directory.path().join(format!("{name}.pem")), made.cert.pem()).expect("a file");
        std::fs::write(directory.path().join(format!("{name}.key")), made.signing_key.serialize_pem()).expect("a file");
    }
    directory
}

fn config(routes: &[&str], directory: &Path) -> Config {
    let head = "version = 1\npublic_url = \"https://orders.example.com\"\nclient = { id = \"x\", secret_file = \"secret\" }\n";
    let route =
        |(at, upstream): (usize, &&str)| format!("[[routes]]\nmatch = {{ path = \"/{at}/**\" }}\nauth = \"none\"\nupstream = {upstream}\n");
    let text = format!("{head}{}", routes.iter().enumerate().map(route).collect::<String>());
    crate::config::parse(&text, "homerealm.toml", directory).unwrap_or_else(|problems| panic!("{problems}"))
}

fn tls() -> Tls {
    Tls::new(&Arc::new(RootCertStore::empty())).expect("TLS")
}

const URL: &str = "\"http://127.0.0.1:3000\"";
const LIST: &str = "[\"http://127.0.0.1:3000\", \"http://127.0.0.1:3001\"]";
const WATCHED: &str = "{ url = \"http://127.0.0.1:1\", health = { path = \"/\" } }";
const KNOWN: &str = "{ url = \"https://127.0.0.1:1\", ca_file = \"one.pem\", certificate_file = \"cert.pem\", key_file = \"cert.key\" }";

fn copy(directory: &Path, name: &str) {
    for ending in ["pem", "key"] {
        std::fs::copy(directory.join(format!("{name}.{ending}")), directory.join(format!("cert.{ending}"))).expect("a file");
    }
}

#[tokio::test]
async fn a_reload_keeps_what_is_reached_in_the_same_way_and_nothing_else() {
    let (directory, tls, stop) = (directory(), tls(), CancellationToken::new());
    let (path, none) = (directory.path(), Vec::new());
    copy(path, "one");
    let of = |routes: &[&str], known: &[Arc<KeptGroup>]| groups(&config(routes, path), known, &tls, &stop).expect("sound").1;
    let first = of(&[URL, LIST, URL, KNOWN, WATCHED], &none);
    assert_eq!(first.len(), 4, "routes that say the same share it");

    let second = of(&[WATCHED, KNOWN, LIST], &first);
    for (kept, was) in second.iter().zip([3, 2, 1]) {
        assert!(Arc::ptr_eq(kept, &first[was]), "{}", kept.group.configured());
    }
    copy(path, "two");
    let third = of(&[KNOWN], &second);
    assert!(!Arc::ptr_eq(&third[0], &second[1]), "another certificate is another group");
    let bounded = "{ url = [\"http://127.0.0.1:3000\", \"http://127.0.0.1:3001\"], max_connections = 7 }";
    assert!(!Arc::ptr_eq(&of(&[bounded], &second)[0], &second[2]), "so is another bound");
}

#[tokio::test]
async fn a_member_that_joins_makes_nobody_forget_the_others() {
    let (directory, tls, stop) = (directory(), tls(), CancellationToken::new());
    let of = |urls: &[&str], known: &[Arc<KeptGroup>]| {
        let upstream = format!("{{ url = {urls:?}, health = {{ path = \"/\", every = \"100ms\" }} }}");
        groups(&config(&[&upstream], directory.path()), known, &tls, &stop).expect("sound").1
    };
    let (one, two, joins) = ("http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3");
    let first = of(&[one, two], &[]);
    // Nobody listens there, and the watcher finds that out.
    while conditions(&first[0].group) != [Condition::Unwell, Condition::Unwell] {
        tokio::task::yield_now().await;
    }
    let second = of(&[joins, two, one], &first);
    assert_eq!(conditions(&second[0].group), [Condition::Well, Condition::Unwell, Condition::Unwell]);
}

#[tokio::test]
async fn nobody_watches_what_no_configuration_wants_any_more() {
    let (directory, tls, stop) = (directory(), tls(), CancellationToken::new());
    let (_, kept) = groups(&config(&[WATCHED], directory.path()), &[], &tls, &stop).expect("sound");
    let group = Arc::downgrade(&kept[0].group);
    tokio::task::yield_now().await;
    drop(kept);
    // The watcher holds the group until it ends.
    while group.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(!stop.is_cancelled());
}
