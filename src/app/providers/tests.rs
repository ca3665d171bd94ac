//! Which providers are kept from one configuration to the next, and what becomes of the others.

use std::path::Path;

use rustls::RootCertStore;

use super::*;
use crate::config;

/// The authority `work` of a configuration with these lines in its table. Nobody listens at its issuer.
fn work(lines: &str, secret: &str) -> AuthoritySettings {
    let text = format!(
        "version = 1\npublic_url = \"https://orders.example.com\"\n[authorities.work]\nclient = {{ id = \"app\", secret_env = \"S\" }}\n{lines}\n[[routes]]\naccounts = \"work\"\nupstream = \"http://127.0.0.1:9\"\n"
    );
    let environment = |_: &str| Some(secret.to_owned());
    let config = config::parse_with(&text, "test.toml", Path::new("."), &environment, chrono::NaiveDate::default());
    config.unwrap_or_else(|problems| panic!("{problems}")).authorities.remove(0)
}

const ISSUER: &str = "issuer = \"http://127.0.0.1:9/organizations/v2.0\"";

fn clients() -> Clients {
    let roots = Arc::new(RootCertStore::empty());
    Clients { plain: HttpClient::new(Arc::clone(&roots)), roots }
}

#[tokio::test]
async fn a_provider_is_kept_for_as_long_as_the_same_documents_are_wanted_of_it() {
    let (clients, stop) = (clients(), CancellationToken::new());
    let kept = |authority: &AuthoritySettings, development, earlier: &[Arc<KeptProvider>]| {
        KeptProvider::of(authority, development, earlier, &clients, &stop).expect("a provider")
    };
    let first = kept(&work(ISSUER, "secret"), Development::Refused, &[]);
    let earlier = [Arc::clone(&first)];
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let with_roots = AuthoritySettings { ca_pem: Some(made.cert.pem().into_bytes()), ..work(ISSUER, "secret") };
    for (name, authority, development, is_kept) in [
        ("the same", work(ISSUER, "secret"), Development::Refused, true),
        ("another secret", work(ISSUER, "rotated"), Development::Refused, true),
        ("other scopes", work(&format!("{ISSUER}\nscopes = [\"openid\"]"), "secret"), Development::Refused, true),
        ("another issuer", work("issuer = \"http://127.0.0.1:9/consumers2\"\nkind = \"work\"", "secret"), Development::Refused, false),
        ("another document", work(&format!("{ISSUER}\ndiscovery = \"http://127.0.0.1:9/d\""), "secret"), Development::Refused, false),
        ("development", work(ISSUER, "secret"), Development::Allowed, false),
        ("trust roots", with_roots, Development::Refused, false),
    ] {
        assert_eq!(Arc::ptr_eq(&kept(&authority, development, &earlier), &first), is_kept, "{name}");
    }
}

#[tokio::test]
async fn a_provider_that_nobody_keeps_is_not_read_any_more() {
    let (clients, stop) = (clients(), CancellationToken::new());
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let kept = KeptProvider::of(&work(ISSUER, "secret"), Development::Refused, &[], &clients, &stop).expect("a provider");
    let used = kept.registered_as(&work(ISSUER, "rotated"));
    assert!(tasks() > 0, "it is read in the background");
    drop(kept);
    while tasks() > 0 {
        tokio::task::yield_now().await;
    }
    // Whoever has it still may ask it all the same.
    assert_eq!(used.settings().authority.as_str(), "work");
}

#[tokio::test]
async fn a_look_up_is_kept_with_all_it_remembers_while_it_asks_at_the_same_host() {
    let clients = clients();
    let first = KeptLookup::of(&work(ISSUER, "secret"), None, &clients).expect("a look-up");
    for (issuer, is_kept) in [(ISSUER, true), ("issuer = \"http://127.0.0.1:10/organizations/v2.0\"", false)] {
        let next = KeptLookup::of(&work(issuer, "rotated"), Some(&first), &clients).expect("a look-up");
        assert_eq!(Arc::ptr_eq(&next.lookup, &first.lookup), is_kept, "{issuer}");
    }
}
