//! Which published keys are used, and which are passed over.

use aws_lc_rs::rsa::KeySize;
use openidconnect::{JsonWebKey as _, JsonWebKeyAlgorithm};
use serde_json::{Value, json};

use super::*;
use crate::protocol::jwt::forge::{P256, RSA, TestKey, encode, key_set};

fn usable(jwk: &Value) -> bool {
    // Beside a good one, so that a key that is passed over does not fail the set.
    key_set(&[jwk.clone(), TestKey::ed25519("bystander").jwk()]).keys().len() == 2
}

#[test]
fn each_kind_of_key_makes_its_own_signatures_only() {
    let (p384, ed25519) = (TestKey::p384("p384"), TestKey::ed25519("ed"));
    for (key, algorithms) in [
        (&*RSA, &["PS256", "PS384", "PS512", "RS256", "RS384", "RS512"][..]),
        (&*P256, &["ES256"]),
        (&p384, &["ES384"]),
        (&ed25519, &["EdDSA"]),
    ] {
        let set = key_set(&[key.jwk()]);
        let fitting: Vec<_> = Algorithm::ALL.into_iter().filter(|algorithm| set.keys()[0].fits(*algorithm)).collect();
        let names: Vec<_> = fitting.iter().map(|algorithm| algorithm.as_str()).collect();
        assert_eq!(names, algorithms, "{}", key.kid);
    }
}

#[test]
fn algorithms_that_need_no_private_key_have_no_name_here() {
    for name in ["none", "None", "HS256", "HS384", "HS512", "rs256", "RS256 ", "ES512", "ES256K", ""] {
        assert_eq!(Algorithm::parse(name), None, "{name}");
    }
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::parse(algorithm.as_str()), Some(algorithm));
        assert_eq!(serde_json::to_value(algorithm).ok(), Some(algorithm.as_str().into()));
    }
}

#[test]
fn a_key_is_used_for_what_it_is_published_for() {
    for (members, expected) in [
        (json!({}), true),
        (json!({ "use": null }), true),
        (json!({ "use": "enc" }), false),
        (json!({ "use": "SIG" }), false),
        (json!({ "key_ops": ["verify"] }), true),
        (json!({ "key_ops": ["encrypt"] }), false),
        (json!({ "key_ops": [] }), false),
        (json!({ "alg": "RS256" }), true),
        (json!({ "alg": "PS256" }), true),
        (json!({ "alg": "ES256" }), false),
        (json!({ "alg": "RSA-OAEP" }), false),
        (json!({ "alg": "none" }), false),
        (json!({ "d": "AQAB" }), false),
        (json!({ "k": "AQAB" }), false),
        (json!({ "kty": "rsa" }), false),
        (json!({ "kty": "oct" }), false),
        (json!({ "kty": null }), false),
        (json!({ "kid": 7 }), false),
        (json!({ "x5c": ["MII"], "x5t": "abc", "cloud_instance_name": "microsoftonline.com" }), true),
    ] {
        assert_eq!(usable(&RSA.jwk_with(&members)), expected, "{members}");
    }
}

#[test]
fn a_key_with_an_algorithm_makes_no_other_signatures() {
    let set = key_set(&[RSA.jwk_with(&json!({ "alg": "RS256" }))]);
    assert!(set.candidates(Some("rsa-1"), Algorithm::Rs256).is_ok());
    assert_eq!(set.candidates(Some("rsa-1"), Algorithm::Ps256).err(), Some(NoCandidate::Unfit));
    assert!(matches!(set.keys()[0].signing_alg(), JsonWebKeyAlgorithm::Algorithm(Algorithm::Rs256)));
    assert!(matches!(key_set(&[RSA.jwk()]).keys()[0].signing_alg(), JsonWebKeyAlgorithm::Unspecified));
}

#[test]
fn numbers_that_make_weak_keys_are_refused() {
    let modulus = |bits: usize| encode(&[&[0x80_u8][..], &vec![1; bits / 8 - 1]].concat());
    for (members, expected) in [
        (json!({ "n": modulus(2048) }), true),
        (json!({ "n": modulus(8192) }), true),
        (json!({ "n": modulus(1024) }), false),
        (json!({ "n": modulus(2040) }), false),
        (json!({ "n": modulus(8200) }), false),
        (json!({ "n": "" }), false),
        (json!({ "n": "AAAA" }), false),
        (json!({ "n": null }), false),
        (json!({ "n": "not base64url!" }), false),
        (json!({ "e": "AQAB" }), true),
        (json!({ "e": "AAEAAQ" }), true),
        (json!({ "e": "Aw" }), true),
        (json!({ "e": "AQ" }), false),
        (json!({ "e": "Ag" }), false),
        (json!({ "e": "AA" }), false),
        (json!({ "e": encode(&[1, 0, 0, 0, 1]) }), false),
    ] {
        assert_eq!(usable(&RSA.jwk_with(&members)), expected, "{members}");
    }
}

#[test]
fn points_off_the_curve_and_other_curves_are_refused() {
    let other = TestKey::p256("other").jwk();
    for (members, expected) in [
        (json!({}), true),
        (json!({ "y": other["y"] }), false),
        (json!({ "x": encode(&[0; 31]) }), false),
        (json!({ "x": null }), false),
        (json!({ "crv": "P-384" }), false),
        (json!({ "crv": "secp256k1" }), false),
        (json!({ "crv": null }), false),
    ] {
        assert_eq!(usable(&P256.jwk_with(&members)), expected, "{members}");
    }
    let edwards = TestKey::ed25519("edwards");
    for (members, expected) in [(json!({}), true), (json!({ "crv": "Ed448" }), false), (json!({ "x": encode(&[1; 31]) }), false)] {
        assert_eq!(usable(&edwards.jwk_with(&members)), expected, "{members}");
    }
}

#[test]
fn one_malformed_entry_costs_that_entry_only() {
    for entry in [json!(7), json!("key"), json!(null), json!([]), json!({}), json!({ "kty": 1 })] {
        assert_eq!(key_set(&[P256.jwk(), entry.clone(), RSA.jwk()]).keys().len(), 2, "{entry}");
    }
    let twice = format!(r#"{{"keys":[{{"kty":"EC","kty":"RSA"}},{}]}}"#, P256.jwk());
    assert_eq!(KeySet::read(twice.as_bytes()).expect("a key set").keys().len(), 1);
}

#[test]
fn documents_that_are_no_key_sets_are_refused() {
    let many = |count| json!({ "keys": vec![json!({}); count] }).to_string();
    let nested = format!(r#"{{"keys":[],"x":{}{}}}"#, "[".repeat(20), "]".repeat(20));
    let long = format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(KeySet::MAX_BYTES));
    for (document, defect) in [
        (many(KeySet::MAX_KEYS), KeysDefect::NoUsableKey),
        (many(KeySet::MAX_KEYS + 1), KeysDefect::TooManyKeys),
        (nested, KeysDefect::Json(JsonDefect::TooDeep)),
        (long, KeysDefect::Json(JsonDefect::TooLong)),
        ("<html></html>".into(), KeysDefect::Json(JsonDefect::NotAnObject)),
        (format!("[{}]", P256.jwk()), KeysDefect::Json(JsonDefect::NotAnObject)),
        ("{}".into(), KeysDefect::Json(JsonDefect::Malformed)),
        (r#"{"keys":{}}"#.into(), KeysDefect::Json(JsonDefect::Malformed)),
        (r#"{"keys":[]}"#.into(), KeysDefect::NoUsableKey),
    ] {
        assert_eq!(KeySet::read(document.as_bytes()).err(), Some(defect), "{document:.60}");
    }
}

#[test]
fn a_token_without_a_key_name_is_only_good_for_a_lone_key() {
    let lone = key_set(&[P256.jwk()]);
    assert!(lone.candidates(None, Algorithm::Es256).is_ok());
    assert_eq!(lone.candidates(Some("ec-2"), Algorithm::Es256).err(), Some(NoCandidate::Unknown));
    let two = key_set(&[P256.jwk(), RSA.jwk()]);
    assert_eq!(two.candidates(None, Algorithm::Es256).err(), Some(NoCandidate::Ambiguous));
    assert!(two.candidates(Some("ec-1"), Algorithm::Es256).is_ok());
}

#[test]
fn keys_of_one_name_are_told_apart_by_type_and_tried_up_to_a_bound() {
    let same_name = |key: &TestKey| key.jwk_with(&json!({ "kid": "same" }));
    let mixed = key_set(&[same_name(&RSA), same_name(&P256)]);
    assert_eq!(mixed.candidates(Some("same"), Algorithm::Es256).expect("candidates").len(), 1);
    let many = key_set(&vec![same_name(&P256); 9]);
    assert_eq!(many.candidates(Some("same"), Algorithm::Es256).expect("candidates").len(), MAX_CANDIDATES);
}

#[test]
fn large_keys_verify_and_a_shared_secret_never_does() {
    let large = TestKey::rsa("large", KeySize::Rsa4096);
    let token = large.sign("RS256", "{}", "{}");
    let (message, signature) = token.rsplit_once('.').expect("two dots");
    let signature = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature).expect("base64url");
    let set = key_set(&[large.jwk()]);
    assert!(set.keys()[0].verify_signature(&Algorithm::Rs256, message.as_bytes(), &signature).is_ok());
    assert!(set.keys()[0].verify_signature(&Algorithm::Ps256, message.as_bytes(), &signature).is_err());
    let shared = SigningKey::new_symmetric(b"client secret".to_vec());
    assert!(Algorithm::ALL.into_iter().all(|algorithm| shared.verify_signature(&algorithm, message.as_bytes(), &signature).is_err()));
}

#[test]
fn a_key_written_out_and_read_again_is_the_same_key() {
    let microsoft = RSA.jwk_with(&json!({ "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0" }));
    let key = key_set(&[microsoft]).keys()[0].clone();
    let again: SigningKey = serde_json::from_value(serde_json::to_value(&key).expect("JSON")).expect("a key");
    assert_eq!(serde_json::to_value(&again).ok(), serde_json::to_value(&key).ok());
    assert!(!again.admits(None, "https://login.microsoftonline.com/x/v2.0"));
}
