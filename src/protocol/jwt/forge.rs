//! For tests: keys of every kind, and whatever tokens one likes signed with them.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::protocol::keys::KeySet;

/// RSA keys take a while to make: two for all tests.
pub(crate) static RSA: LazyLock<TestKey> = LazyLock::new(|| TestKey::rsa("rsa-1", KeySize::Rsa2048));
/// The key of the tests that are not about keys.
pub(crate) static P256: LazyLock<TestKey> = LazyLock::new(|| TestKey::p256("ec-1"));

/// A private key.
pub(crate) struct TestKey {
    pub(crate) kid: &'static str,
    signer: Signer,
}

enum Signer {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl TestKey {
    pub(crate) fn rsa(kid: &'static str, size: KeySize) -> Self {
        Self { kid, signer: Signer::Rsa(RsaKeyPair::generate(size).expect("a key")) }
    }

    pub(crate) fn p256(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        Self { kid, signer: Signer::P256(pair) }
    }

    pub(crate) fn p384(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).expect("a key");
        Self { kid, signer: Signer::P384(pair) }
    }

    pub(crate) fn ed25519(kid: &'static str) -> Self {
        Self { kid, signer: Signer::Ed25519(Ed25519KeyPair::generate().expect("a key")) }
    }

    /// The public half, as providers publish it.
    pub(crate) fn jwk(&self) -> Value {
        let point = |pair: &EcdsaKeyPair, size: usize| {
            let (x, y) = pair.public_key().as_ref()[1..].split_at(size);
            (encode(x), encode(y))
        };
        let mut jwk = match &self.signer {
            Signer::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) }),
            Signer::P256(pair) => {
                let (x, y) = point(pair, 32);
                json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })
            }
            Signer::P384(pair) => {
                let (x, y) = point(pair, 48);
                json!({ "kty": "EC", "crv": "P-384", "x": x, "y": y })
            }
            Signer::Rsa(pair) => {
                let (n, e) = rsa_numbers(pair.public_key().as_ref());
                json!({ "kty": "RSA", "n": encode(n), "e": encode(e) })
            }
        };
        jwk["kid"] = self.kid.into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The public half with some members set; `null` takes a member away.
    pub(crate) fn jwk_with(&self, members: &Value) -> Value {
        patched(self.jwk(), members)
    }

    /// A token as it should be: `kid` and `typ` set.
    pub(crate) fn token(&self, algorithm: &str, claims: &Value) -> String {
        self.sign(algorithm, &json!({ "alg": algorithm, "kid": self.kid, "typ": "JWT" }).to_string(), &claims.to_string())
    }

    /// Any token: header and claims as they stand, signed with `algorithm` whatever the header says.
    pub(crate) fn sign(&self, algorithm: &str, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        format!("{message}.{}", encode(&self.raw_signature(algorithm, message.as_bytes())))
    }

    fn raw_signature(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let chance = SystemRandom::new();
        match &self.signer {
            Signer::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Signer::P256(pair) | Signer::P384(pair) => pair.sign(&chance, message).expect("a signature").as_ref().to_vec(),
            Signer::Rsa(pair) => {
                let padding: &dyn signature::RsaEncoding = match algorithm {
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut made = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &chance, message, &mut made).expect("a signature");
                made
            }
        }
    }
}

/// A key set of these keys.
pub(crate) fn key_set(keys: &[Value]) -> KeySet {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).expect("a key set")
}

/// `object` with some members set; `null` takes a member away.
pub(crate) fn patched(mut object: Value, members: &Value) -> Value {
    let target = object.as_object_mut().expect("an object");
    for (name, value) in members.as_object().expect("an object") {
        if value.is_null() {
            target.remove(name);
        } else {
            target.insert(name.clone(), value.clone());
        }
    }
    object
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Modulus and exponent out of `RSAPublicKey` (RFC 8017 §A.1.1), without the modulus's sign octet.
fn rsa_numbers(der: &[u8]) -> (&[u8], &[u8]) {
    let (content, _) = der_element(der);
    let (n, rest) = der_element(content);
    let (e, _) = der_element(rest);
    (&n[usize::from(n[0] == 0)..], e)
}

fn der_element(der: &[u8]) -> (&[u8], &[u8]) {
    let long = usize::from(der[1]).saturating_sub(0x80);
    let length = if long == 0 { usize::from(der[1]) } else { der[2..2 + long].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)) };
    der[2 + long..].split_at(length)
}
