//! Certificates and keys for the cases, made once; and what becomes of `[tls]`.

use std::sync::LazyLock;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::{directory, expand, parse};
use crate::config::Config;

/// By name: four certificates of one key, for days around the cases' today, and that key twice; another pair.
pub(super) fn files() -> &'static [(&'static str, String)] {
    static FILES: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
        let [key, other] = [(); 2].map(|()| KeyPair::generate().expect("a key"));
        let certificate = |key: &KeyPair, (from_year, from_month), (to_year, to_month)| {
            let mut params = CertificateParams::new(vec!["orders.example.com".to_owned()]).expect("a name");
            params.not_before = date_time_ymd(from_year, from_month, 1);
            params.not_after = date_time_ymd(to_year, to_month, 1);
            params.self_signed(key).expect("a certificate").pem()
        };
        vec![
            ("tls.crt", certificate(&key, (2026, 1), (2027, 6))),
            ("expired.crt", certificate(&key, (2025, 1), (2026, 11))),
            ("early.crt", certificate(&key, (2027, 1), (2028, 1))),
            ("soon.crt", certificate(&key, (2026, 1), (2026, 12))),
            ("tls.key", key.serialize_pem()),
            ("open.key", key.serialize_pem()),
            ("other.crt", certificate(&other, (2026, 1), (2027, 6))),
            ("other.key", other.serialize_pem()),
        ]
    });
    &FILES
}

fn config(tls: &str) -> Config {
    let text = expand(&format!("@head\n{tls}@route\n"));
    parse(&text, directory().path()).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn tls_is_alike_only_if_it_has_the_same_certificate_and_takes_the_same_clients() {
    let tls = |cert: &str, more: &str| config(&format!("[tls]\ncert_file = \"{cert}\"\nkey_file = \"tls.key\"\n{more}")).tls.expect("TLS");
    let first = tls("tls.crt", "");
    assert!(first.is_like(&tls("tls.crt", "")));
    assert!(!first.is_like(&tls("soon.crt", "")));
    let with_clients = tls("tls.crt", "client_ca_file = \"tls.crt\"\n");
    assert!(!first.is_like(&with_clients) && with_clients.is_like(&tls("tls.crt", "client_ca_file = \"tls.crt\"\n")));
    assert!(!with_clients.is_like(&tls("tls.crt", "client_ca_file = \"other.crt\"\n")));
    assert!(config("").tls.is_none());
}

#[test]
fn a_key_is_in_no_debug_output() {
    let shown = format!("{:?}", config("[tls]\ncert_file = \"tls.crt\"\nkey_file = \"tls.key\"\n").tls);
    assert!(shown.contains("validity") && !shown.to_lowercase().contains("private"), "{shown}");
}
