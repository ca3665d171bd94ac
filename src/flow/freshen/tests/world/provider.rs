//! A provider whose refresh tokens are good for one time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Clockwork, LIFE, Slowness};
use crate::domain::authority::ExpectedIssuer;
use crate::flow::ports::*;
use crate::protocol::jwt::forge::{P256, key_set, patched};
use crate::protocol::keys::KeySet;
use crate::protocol::metadata::Metadata;
use crate::protocol::secret::Secret;
use crate::protocol::token::{CodeGrant, HomeTenant, RedeemError, RefreshedTokens, TokenResponse};

/// What a provider does with a refresh token.
#[derive(Debug, Clone)]
pub(in crate::flow::freshen::tests) enum Manner {
    /// Rotates it, and puts these claims into the ID token.
    Rotates(Value),
    /// Rotates it, and sends no ID token.
    SaysNothing,
    /// Rotates it, and then the connection breaks.
    Breaks,
    /// Rotates it, and answers with what cannot be read.
    Mumbles,
    /// Rotates it, and hides the home tenant.
    HidesHome,
    /// Does not listen.
    Down,
    /// `invalid_client`
    RefusesClient,
    /// `interaction_required`
    WantsPerson,
}

/// A provider with reuse detection: a token that comes twice ends the grant.
pub(in crate::flow::freshen::tests) struct FakeProvider {
    metadata: Arc<Metadata>,
    keys: Arc<KeySet>,
    pub(in crate::flow::freshen::tests) grant: Mutex<Grant>,
    /// How often a refresh gives way to others before and after the token is taken.
    pub(in crate::flow::freshen::tests) slowness: Slowness,
}

pub(in crate::flow::freshen::tests) struct Grant {
    pub(in crate::flow::freshen::tests) manner: Manner,
    /// The one that is good; `None`: the grant is dead.
    pub(in crate::flow::freshen::tests) good: Option<String>,
    pub(in crate::flow::freshen::tests) spent: Vec<String>,
    pub(in crate::flow::freshen::tests) asked: usize,
    clock: Arc<Clockwork>,
}

impl FakeProvider {
    pub(super) fn new(clock: Arc<Clockwork>) -> Self {
        let document = json!({
            "issuer": "https://op.example",
            "authorization_endpoint": "https://op.example/authorize",
            "token_endpoint": "https://op.example/token",
            "jwks_uri": "https://op.example/keys",
        });
        let expected = ExpectedIssuer::parse("https://op.example").expect("an issuer");
        Self {
            metadata: Arc::new(Metadata::read(document.to_string().as_bytes(), &expected).expect("metadata")),
            keys: Arc::new(key_set(&[P256.jwk()])),
            grant: Mutex::new(Grant { manner: Manner::SaysNothing, good: Some("t0".into()), spent: vec![], asked: 0, clock }),
            slowness: Slowness::default(),
        }
    }

    pub(in crate::flow::freshen::tests) fn set(&self, manner: Manner) {
        self.grant.lock().expect("no panic while locked").manner = manner;
    }

    pub(in crate::flow::freshen::tests) fn revoke(&self) {
        self.grant.lock().expect("no panic while locked").good = None;
    }

    /// The first token is good again, as if nothing had been spent.
    pub(in crate::flow::freshen::tests) fn restore(&self) {
        self.grant.lock().expect("no panic while locked").good = Some("t0".into());
    }

    pub(in crate::flow::freshen::tests) fn asked(&self) -> usize {
        self.grant.lock().expect("no panic while locked").asked
    }

    pub(in crate::flow::freshen::tests) fn good(&self) -> Option<String> {
        self.grant.lock().expect("no panic while locked").good.clone()
    }
}

impl Grant {
    fn spend(&mut self, token: &str) -> Result<RefreshedTokens, RedeemError> {
        self.asked += 1;
        match &self.manner {
            Manner::Down => return Err(RedeemError::Unavailable("down".into())),
            Manner::RefusesClient => return Err(RedeemError::ClientRefused("invalid_client".into())),
            Manner::WantsPerson => return Err(RedeemError::Provider("interaction_required".into())),
            Manner::Rotates(_) | Manner::SaysNothing | Manner::Breaks | Manner::Mumbles | Manner::HidesHome => {}
        }
        self.spent.push(token.to_owned());
        if self.good.as_deref() != Some(token) {
            self.good = None;
            return Err(RedeemError::GrantRefused("invalid_grant".into()));
        }
        let next = format!("t{}", self.spent.len());
        self.good = Some(next.clone());
        let id_token = match &self.manner {
            Manner::Breaks => return Err(RedeemError::Unanswered("broken".into())),
            Manner::Mumbles => return Err(RedeemError::Unreadable("not JSON".into())),
            Manner::Rotates(claims) => Some(Secret::new(self.id_token(claims))),
            Manner::HidesHome => Some(Secret::new(self.id_token(&json!({})))),
            Manner::SaysNothing | Manner::Down | Manner::RefusesClient | Manner::WantsPerson => None,
        };
        Ok(RefreshedTokens {
            id_token,
            access_token: Some(Secret::new("access".into())),
            refresh_token: Some(Secret::new(next)),
            expires_in: Some(Duration::from_secs(LIFE)),
            home_tenant: if matches!(self.manner, Manner::HidesHome) { HomeTenant::Unreadable } else { HomeTenant::Untold },
        })
    }

    fn id_token(&self, claims: &Value) -> String {
        let now = self.clock.now().unix_seconds();
        let usual = json!({ "iss": "https://op.example", "aud": "app", "sub": "ada", "iat": now, "exp": now + LIFE, "groups": ["after"] });
        P256.token("ES256", &patched(usual, claims))
    }
}

#[async_trait]
impl Provider for FakeProvider {
    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderUnavailable> {
        Ok(Arc::clone(&self.metadata))
    }

    async fn keys(&self) -> Result<Arc<KeySet>, ProviderUnavailable> {
        Ok(Arc::clone(&self.keys))
    }

    async fn newer_keys(&self, _known: &Arc<KeySet>) -> Option<Arc<KeySet>> {
        None
    }

    async fn redeem(&self, _grant: CodeGrant<'_>) -> Result<TokenResponse, RedeemError> {
        Err(RedeemError::Unavailable("nobody signs in here".into()))
    }

    async fn refresh(&self, token: &Secret<String>) -> Result<RefreshedTokens, RedeemError> {
        self.slowness.dawdle().await;
        let answer = self.grant.lock().expect("no panic while locked").spend(token.expose());
        self.slowness.dawdle().await;
        answer
    }
}
