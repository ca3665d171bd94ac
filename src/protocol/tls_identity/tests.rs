//! Chains and keys, made for the test.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::*;

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn certificate(key: &KeyPair, [from, to]: [i32; 2]) -> String {
    let mut params = CertificateParams::new(vec!["orders.example.com".to_owned()]).expect("a name");
    params.not_before = date_time_ymd(from, 11, 22);
    params.not_after = date_time_ymd(to, 1, 31);
    params.self_signed(key).expect("a certificate").pem()
}

#[test]
fn a_chain_and_its_key_are_an_identity_and_say_how_long() {
    // From 2050 on, years have four digits (RFC 5280 §4.1.2.5).
    for years in [[2026, 2027], [1999, 2049], [2026, 2050]] {
        let key = key();
        let identity = TlsIdentity::from_pem(certificate(&key, years).as_bytes(), key.serialize_pem().as_bytes()).expect("it fits");
        let validity = identity.validity.expect("it says so");
        assert_eq!(validity.not_before.to_rfc3339(), format!("{}-11-22T00:00:00+00:00", years[0]));
        assert_eq!(validity.not_after.to_rfc3339(), format!("{}-01-31T00:00:00+00:00", years[1]));
        assert!(!format!("{identity:?}").contains("key"), "{identity:?}");
    }
}

#[test]
fn what_is_wrong_is_said_of_the_file_that_it_is_in() {
    let (ours, theirs) = (key(), key());
    let (chain, key) = (certificate(&ours, [2026, 2027]), ours.serialize_pem());
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let nonsense = |label: &str| format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
    for (chain, key, expected) in [
        ("nothing", &*key, BadIdentity::Chain(BadFile::Empty)),
        (&*key, &key, BadIdentity::Chain(BadFile::Empty)),
        (&nonsense("CERTIFICATE"), &key, BadIdentity::Chain(BadFile::Malformed)),
        (&chain, "nothing", BadIdentity::Key(BadFile::Empty)),
        (&chain, &chain, BadIdentity::Key(BadFile::Empty)),
        (&chain, encrypted, BadIdentity::Key(BadFile::Encrypted)),
        (&chain, &nonsense("PRIVATE KEY"), BadIdentity::Key(BadFile::Unsupported)),
        (&chain, &theirs.serialize_pem(), BadIdentity::Mismatch),
    ] {
        assert_eq!(TlsIdentity::from_pem(chain.as_bytes(), key.as_bytes()), Err(expected), "{expected}");
    }
}

#[test]
fn a_certificate_that_breaks_off_says_nothing() {
    let key = key();
    let identity = TlsIdentity::from_pem(certificate(&key, [2026, 2027]).as_bytes(), key.serialize_pem().as_bytes()).expect("it fits");
    let whole = &identity.certified.cert[0];
    let shortest = (0..=whole.len()).find(|length| Validity::of(&whole[..*length]).is_some());
    assert_eq!(shortest, Some(whole.len()), "lengths are held against what is there");
}
