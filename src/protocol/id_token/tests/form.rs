//! Header, signature and outer form: everything that is judged before a claim is read.

use super::*;
use crate::protocol::jwt::forge::{RSA, TestKey, encode};

fn header(members: &Value) -> String {
    patched(json!({ "alg": "ES256", "kid": "ec-1", "typ": "JWT" }), members).to_string()
}

#[expect(clippy::needless_pass_by_value, reason = "the tables own their defects")]
#[track_caller]
fn check_header(header: &str, defect: Option<TokenDefect>) {
    let token = P256.sign("ES256", header, &claims().to_string());
    assert_eq!(Bench::organizations().judge(&token).err(), defect, "{header}");
}

#[test]
fn every_listed_algorithm_is_accepted_with_a_key_of_its_kind() {
    let (p384, ed25519) = (TestKey::p384("p384"), TestKey::ed25519("ed"));
    for (key, algorithms) in [
        (&*RSA, &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..]),
        (&*P256, &["ES256"]),
        (&p384, &["ES384"]),
        (&ed25519, &["EdDSA"]),
    ] {
        let bench = Bench::organizations().with_keys(&[key.jwk()]);
        for algorithm in algorithms {
            assert_eq!(bench.judge(&key.token(algorithm, &claims())).err(), None, "{algorithm}");
        }
    }
}

#[test]
fn algorithms_off_the_list_are_refused() {
    for algorithm in ["none", "None", "nOnE", "HS256", "HS384", "HS512", "es256", "ES512", "ES256K", "RSA-OAEP", "dir", ""] {
        check_header(&header(&json!({ "alg": algorithm })), Some(TokenDefect::Algorithm));
    }
    check_header(&header(&json!({ "alg": null })), Some(TokenDefect::Algorithm));
    check_header(&header(&json!({ "alg": ["ES256"] })), Some(TokenDefect::Header));
    check_header(&header(&json!({})), None);
}

#[test]
fn an_unsigned_token_is_refused_however_it_is_written() {
    let unsigned = |algorithm: &str| {
        let head = encode(header(&json!({ "alg": algorithm })).as_bytes());
        format!("{head}.{}.", encode(claims().to_string().as_bytes()))
    };
    let bench = Bench::organizations();
    assert_eq!(bench.judge(&unsigned("none")).err(), Some(TokenDefect::Algorithm));
    assert_eq!(bench.judge(&unsigned("ES256")).err(), Some(TokenDefect::Signature));
}

#[test]
fn a_public_key_is_no_shared_secret() {
    use aws_lc_rs::hmac;
    let bench = Bench::organizations().with_keys(&[RSA.jwk()]);
    let message = format!("{}.{}", encode(br#"{"alg":"HS256","kid":"rsa-1"}"#), encode(claims().to_string().as_bytes()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, RSA.jwk().to_string().as_bytes()), message.as_bytes());
    let token = format!("{message}.{}", encode(tag.as_ref()));
    assert_eq!(bench.judge(&token).err(), Some(TokenDefect::Algorithm));
    assert_eq!(bench.judge(&RSA.token("RS256", &claims())).err(), None);
}

#[test]
fn the_algorithm_must_be_the_keys_own() {
    let pinned = Bench::organizations().with_keys(&[RSA.jwk_with(&json!({ "alg": "RS256" }))]);
    assert_eq!(pinned.judge(&RSA.token("RS256", &claims())).err(), None);
    assert_eq!(pinned.judge(&RSA.token("PS256", &claims())).err(), Some(TokenDefect::KeyAlgorithm));
    check_header(&header(&json!({ "alg": "RS256" })), Some(TokenDefect::KeyAlgorithm));
    // What the header says is what is checked, not what would fit the signature.
    let any = Bench::organizations().with_keys(&[RSA.jwk()]);
    let swapped = RSA.sign("RS256", r#"{"alg":"PS256","kid":"rsa-1"}"#, &claims().to_string());
    assert_eq!(any.judge(&swapped).err(), Some(TokenDefect::Signature));
}

#[test]
fn keys_for_other_purposes_sign_nothing() {
    let spare = TestKey::p384("spare").jwk();
    for (members, defect) in [
        (json!({}), None),
        (json!({ "use": "enc" }), Some(TokenDefect::UnknownKey)),
        (json!({ "key_ops": ["encrypt"] }), Some(TokenDefect::UnknownKey)),
        (json!({ "alg": "ECDH-ES" }), Some(TokenDefect::UnknownKey)),
    ] {
        let bench = Bench::organizations().with_keys(&[P256.jwk_with(&members), spare.clone()]);
        assert_eq!(bench.judge_claims(&json!({})).err(), defect, "{members}");
    }
}

#[test]
fn the_named_key_signs_and_no_other() {
    let intruder = TestKey::p256("ec-1");
    let forged = intruder.token("ES256", &claims());
    assert_eq!(Bench::organizations().judge(&forged).err(), Some(TokenDefect::Signature));
    check_header(&header(&json!({ "kid": "ec-2" })), Some(TokenDefect::UnknownKey));
    check_header(&header(&json!({ "kid": "EC-1" })), Some(TokenDefect::UnknownKey));
    check_header(&header(&json!({ "kid": "" })), Some(TokenDefect::UnknownKey));
    check_header(&header(&json!({ "kid": "../../dev/null" })), Some(TokenDefect::UnknownKey));
    check_header(&header(&json!({ "kid": 1 })), Some(TokenDefect::Header));
    // After a roll-over with one name for both keys, either may have signed.
    let both = Bench::organizations().with_keys(&[P256.jwk(), intruder.jwk()]);
    assert_eq!(both.judge(&forged).err(), None);
    assert_eq!(both.judge_claims(&json!({})).err(), None);
}

#[test]
fn a_token_may_leave_the_key_name_out_where_there_is_one_key() {
    let nameless = |key: &TestKey| key.sign("ES256", r#"{"alg":"ES256"}"#, &claims().to_string());
    let bench = Bench::organizations();
    assert_eq!(bench.judge(&nameless(&P256)).err(), None);
    // The one key may have been replaced: worth a look at the newest set.
    assert_eq!(bench.judge(&nameless(&TestKey::p256("ec-1"))).err(), Some(TokenDefect::UnknownKey));
    let two = Bench::organizations().with_keys(&[P256.jwk(), RSA.jwk()]);
    assert_eq!(two.judge(&nameless(&P256)).err(), Some(TokenDefect::AmbiguousKey));
}

#[test]
fn keys_in_the_header_are_ignored() {
    let intruder = TestKey::p256("ec-1");
    let members = json!({
        "jwk": intruder.jwk(), "jku": "https://evil.example/keys", "x5u": "https://evil.example/x5u", "x5c": ["MII"], "x5t": "abc",
    });
    check_header(&header(&members), None);
    let forged = intruder.sign("ES256", &header(&members), &claims().to_string());
    assert_eq!(Bench::organizations().judge(&forged).err(), Some(TokenDefect::Signature));
}

#[test]
fn headers_that_change_how_the_rest_is_read_are_refused() {
    for members in [
        json!({ "crit": ["exp"] }),
        json!({ "crit": [] }),
        json!({ "b64": true }),
        json!({ "b64": false, "crit": ["b64"] }),
        json!({ "zip": "DEF" }),
        json!({ "enc": "A128GCM" }),
        json!({ "cty": "JWT" }),
    ] {
        check_header(&header(&members), Some(TokenDefect::UnsupportedHeader));
    }
    check_header(r#"{"alg":"ES256","kid":"ec-1","crit":null}"#, Some(TokenDefect::UnsupportedHeader));
}

#[test]
fn the_type_is_that_of_an_id_token() {
    for (kind, defect) in [
        (json!("JWT"), None),
        (json!("jwt"), None),
        (json!(null), None),
        (json!("at+jwt"), Some(TokenDefect::Type)),
        (json!("application/at+jwt"), Some(TokenDefect::Type)),
        (json!("logout+jwt"), Some(TokenDefect::Type)),
        (json!("dpop+jwt"), Some(TokenDefect::Type)),
        (json!("JWE"), Some(TokenDefect::Type)),
        (json!(""), Some(TokenDefect::Type)),
        (json!(7), Some(TokenDefect::Header)),
    ] {
        check_header(&header(&json!({ "typ": kind })), defect);
    }
}

#[test]
fn headers_that_are_not_one_flat_object_are_refused() {
    let deep = format!(r#"{{"alg":"ES256","kid":"ec-1","x":{}{}}}"#, "[".repeat(8), "]".repeat(8));
    let long = header(&json!({ "x": "x".repeat(17_000) }));
    for text in [
        r#"{"alg":"ES256","kid":"ec-1","alg":"ES256"}"#,
        r#"{"alg":"none","kid":"ec-1","alg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"ec-1","kid":"ec-1"}"#,
        r#"{"alg":"ES256","kid":"ec-1","x":1,"x":1}"#,
        r#"["ES256","ec-1"]"#,
        "ES256",
        "",
        &deep,
        &long,
    ] {
        check_header(text, Some(TokenDefect::Header));
    }
}

#[test]
fn claims_that_occur_twice_or_are_no_object_are_refused() {
    let good = claims().to_string();
    let signed = |claims: &str| Bench::organizations().judge(&P256.sign("ES256", &header(&json!({})), claims)).err();
    assert_eq!(signed(&good), None);
    for name in ["iss", "sub", "aud", "azp", "exp", "nbf", "iat", "nonce", "at_hash", "c_hash", "tid", "oid"] {
        let value = claims().get(name).cloned().unwrap_or_else(|| json!("x"));
        let twice = good.replacen('{', &format!(r#"{{"{name}":{value},"{name}":{value},"#), 1);
        assert_eq!(signed(&twice), Some(TokenDefect::Claims), "{name}");
    }
    for name in ["idp", "acct", "email", "email_verified", "xms_edov", "groups", "hasgroups", "roles", "name", "login_hint", "_claim_names"]
    {
        let twice = good.replacen('{', &format!(r#"{{"{name}":1,"{name}":1,"#), 1);
        assert_eq!(signed(&twice), Some(TokenDefect::Claims), "{name}");
    }
    let deep = patched(claims(), &json!({ "x": (0..16).fold(json!(1), |inner, _| json!([inner])) })).to_string();
    for text in ["", "[]", "null", "{", &format!("{good}{good}"), &deep, &format!("[{good}]")] {
        assert_eq!(signed(text), Some(TokenDefect::Claims), "{text:.40}");
    }
}

#[test]
fn a_token_has_three_clean_parts_and_a_bound() {
    let good = P256.token("ES256", &claims());
    let bench = Bench::organizations();
    assert_eq!(bench.judge(&good).err(), None);
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    for (text, defect) in [
        (String::new(), TokenDefect::Form),
        ("..".into(), TokenDefect::Header),
        (signed.into(), TokenDefect::Form),
        (format!("{good}."), TokenDefect::Form),
        (format!("{good}.x.y"), TokenDefect::Form),
        (format!(" {good}"), TokenDefect::Form),
        (format!("{good}\n"), TokenDefect::Form),
        (format!("{good}="), TokenDefect::Form),
        (good.replacen('.', "/.", 1), TokenDefect::Form),
        (format!("{signed}.{}", &signature[1..]), TokenDefect::Form),
        (format!("{signed}."), TokenDefect::Signature),
        (format!("{signed}.{}", encode(&[0; 64])), TokenDefect::Signature),
        (format!("{signed}.{}", encode(&[0; 32])), TokenDefect::Signature),
    ] {
        assert_eq!(bench.judge(&text).err(), Some(defect), "{text}");
    }
    let long = "x".repeat(jwt::MAX_BYTES);
    assert_eq!(bench.judge_claims(&json!({ "x": long })).err(), Some(TokenDefect::TooLong));
    assert_eq!(bench.judge_claims(&json!({ "x": long[..40_000] })).err(), None);
}

#[test]
fn a_bad_signature_is_found_before_a_bad_claim() {
    let forged = TestKey::p256("ec-1").sign("ES256", &header(&json!({})), "not even JSON");
    assert_eq!(Bench::organizations().judge(&forged).err(), Some(TokenDefect::Signature));
}
