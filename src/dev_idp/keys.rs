//! The two signing keys: one for personal accounts, one for all tenants, each published with the issuer it may sign
//! for. RS256, since that is what the platform signs with.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::ambient;
use super::authority::{self, Authority};
use crate::domain::account::TenantId;

/// The keys could not be made.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no signing key could be made")]
pub(super) struct NoKey;

/// Both keys, perhaps still in the making.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    consumers: Pending,
    tenants: Pending,
}

type Pending = watch::Receiver<Option<Arc<SigningKey>>>;

impl Keys {
    /// Starts to make both, on a thread each: RSA takes its time, and nobody asks for a key in the first moment.
    pub(super) fn generate() -> Self {
        Self { consumers: in_background(), tenants: in_background() }
    }

    /// The key that signs for a tenant.
    pub(super) async fn of(&self, tenant: TenantId) -> Result<Arc<SigningKey>, NoKey> {
        ready(if tenant == TenantId::CONSUMERS { &self.consumers } else { &self.tenants }).await
    }

    /// What an authority publishes (RFC 7517 §5).
    pub(super) async fn published(&self, authority: Authority, origin: &str) -> Result<Value, NoKey> {
        let consumers = ready(&self.consumers).await?.public(&authority::issuer(origin, TenantId::CONSUMERS));
        let tenants = ready(&self.tenants).await?.public(&Authority::Organizations.announced_issuer(origin));
        Ok(match authority {
            Authority::Common => json!({ "keys": [tenants, consumers] }),
            Authority::Consumers => json!({ "keys": [consumers] }),
            Authority::Organizations | Authority::Tenant(_) => json!({ "keys": [tenants] }),
        })
    }
}

/// One key.
#[derive(Debug)]
pub(super) struct SigningKey {
    kid: String,
    private: EncodingKey,
    modulus: String,
    exponent: String,
}

impl SigningKey {
    fn generate() -> Option<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).ok()?;
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der.as_ref()));
        let private = EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?;
        let AlgorithmParameters::RSA(public) = Jwk::from_encoding_key(&private, Algorithm::RS256).ok()?.algorithm else { return None };
        Some(Self { kid: ambient::guid(), private, modulus: public.n, exponent: public.e })
    }

    /// Signs, under this key's own `kid`.
    pub(super) fn sign(&self, claims: &Value) -> Result<String, NoKey> {
        self.sign_as(&self.kid, claims)
    }

    /// Signs a logout token, which says in its header that it is one (OpenID Connect Back-Channel Logout §2.4).
    pub(super) fn sign_logout(&self, claims: &Value) -> Result<String, NoKey> {
        let header = Header { kid: Some(self.kid.clone()), typ: Some("logout+jwt".into()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.private).map_err(|_| NoKey)
    }

    /// Signs under a `kid` that is nowhere published.
    pub(super) fn sign_as_unknown(&self, claims: &Value) -> Result<String, NoKey> {
        self.sign_as(&ambient::guid(), claims)
    }

    fn sign_as(&self, kid: &str, claims: &Value) -> Result<String, NoKey> {
        let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &self.private).map_err(|_| NoKey)
    }

    fn public(&self, issuer: &str) -> Value {
        json!({ "kty": "RSA", "use": "sig", "kid": self.kid, "n": self.modulus, "e": self.exponent, "issuer": issuer })
    }
}

fn in_background() -> Pending {
    let (finished, pending) = watch::channel(None);
    std::thread::spawn(move || finished.send_replace(SigningKey::generate().map(Arc::new)));
    pending
}

async fn ready(pending: &Pending) -> Result<Arc<SigningKey>, NoKey> {
    // The sender goes away whether it made a key or not, so nobody waits for ever.
    let mut pending = pending.clone();
    let key = pending.wait_for(Option::is_some).await.map_err(|_| NoKey)?;
    key.clone().ok_or(NoKey)
}
