//! For any change: a good token with one thing changed is good no more.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;
use crate::protocol::jwt::forge::encode;

/// The claims that decide. Signed anew after the change: the checks find it, not the signature.
const DECIDING: [&str; 8] = ["iss", "tid", "aud", "exp", "iat", "nonce", "sub", "oid"];

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[a-f0-9-]{36}".prop_map(Value::from),
        proptest::collection::vec(".{0,8}", 0..3).prop_map(Value::from),
        Just(json!({})),
    ]
}

/// Whether a value means the same to the checks, or is one of the many that are as good.
fn is_as_good(name: &str, value: &Value) -> bool {
    match name {
        "exp" => value.as_f64().is_some_and(|exp| exp > (NOW - 60) as f64 && exp <= (NOW + 10 * 366 * 86_400 + 1) as f64),
        "iat" => value.as_f64().is_some_and(|iat| iat >= (NOW - 3660) as f64 && iat < (NOW + 61) as f64),
        "sub" => value.as_str().is_some_and(|sub| !sub.is_empty() && !sub.chars().any(char::is_control)),
        "oid" => value.is_null() || value.as_str().is_some_and(|oid| crate::domain::guid::Guid::parse(oid).is_ok()),
        _ => claims()[name] == *value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_deciding_claim_can_be_changed(at in 0..DECIDING.len(), value in anything()) {
        let name = DECIDING[at];
        prop_assume!(!is_as_good(name, &value));
        let changed = json!({ name: value });
        prop_assert!(Bench::organizations().judge_claims(&changed).is_err(), "{}", changed);
    }

    #[test]
    fn no_bit_of_a_signed_token_can_be_changed(part in 0..3_usize, at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let token = P256.token("ES256", &claims());
        let mut parts: Vec<_> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).expect("base64url")).collect();
        let byte = at.index(parts[part].len());
        parts[part][byte] ^= 1 << bit;
        let changed = parts.iter().map(|part| encode(part)).collect::<Vec<_>>().join(".");
        prop_assert!(Bench::organizations().judge(&changed).is_err());
    }

    #[test]
    fn no_other_key_name_or_algorithm_will_do(kid in ".{0,12}", algorithm in "[A-Za-z]{2}[0-9]{3}|none|EdDSA") {
        let good = |header: Value| Bench::organizations().judge(&P256.sign("ES256", &header.to_string(), &claims().to_string())).is_ok();
        prop_assert_eq!(good(json!({ "alg": "ES256", "kid": kid })), kid == "ec-1");
        prop_assert_eq!(good(json!({ "alg": algorithm, "kid": "ec-1" })), algorithm == "ES256");
    }

    #[test]
    fn no_text_makes_the_judge_panic(text in "[A-Za-z0-9_.-]{0,200}|.{0,100}") {
        prop_assert!(Bench::organizations().judge(&text).is_err());
    }
}
