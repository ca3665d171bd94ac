//! The development identity provider: everything a sign-in needs, on loopback, offline, nothing saved and nobody
//! asked for a password. It keeps account kinds apart as Microsoft's platform does, and it misbehaves on request.
//!
//! It shares no protocol code with the proxy: a mistake on one side must not hide behind the same mistake on the
//! other. It is no place for production: whoever can reach it can be anybody it knows.
//!
//! [`directory`] is who there is, [`authority`] where they sign in; then one file per endpoint: `metadata`,
//! `authorize`, `token`, `graph`, `logout`. `changes` is what tests do to people between a sign-in and a refresh.

mod ambient;
pub mod authority;
mod authorization_request;
mod authorize;
mod changes;
mod claims;
mod client_authentication;
pub mod directory;
pub mod facts;
mod fault;
mod grants;
mod graph;
mod keys;
mod logout;
mod logout_notice;
mod metadata;
pub mod mischief;
mod pages;
mod params;
mod session;
mod token;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::map_response;
use axum::routing::{get, post};
use jsonwebtoken::jwk::Jwk;
use tokio::net::TcpListener;

use self::changes::Changes;
use self::grants::Grants;
use self::keys::Keys;
use crate::domain::origin::Origin;
use crate::protocol::secret::Secret;

/// What the provider is told.
#[derive(Debug)]
pub struct Settings {
    /// Where browsers and the proxy reach it: part of every issuer and endpoint.
    pub origin: Origin,
    /// The apps that may ask.
    pub registrations: Vec<Registration>,
    /// How long the token endpoint takes when asked to be slow.
    pub slow_answer: Duration,
    /// `expires_in` of access tokens, and how long ID tokens hold.
    pub token_lifetime: Duration,
    /// Whether tokens of work accounts carry the optional `acct` claim.
    pub issues_acct: bool,
    /// What `_claim_sources` names as the place where a list of groups is that a token has no room for. The platform's names
    /// an old service; whoever follows it sends an access token wherever it says.
    pub claim_source: String,
}

impl Settings {
    /// The defaults: 10 s of slowness, tokens for an hour, with `acct`.
    #[must_use]
    pub fn new(origin: Origin, registrations: Vec<Registration>) -> Self {
        Self {
            origin,
            registrations,
            slow_answer: Duration::from_secs(10),
            token_lifetime: Duration::from_secs(3600),
            issues_acct: true,
            claim_source: "https://graph.windows.net.attacker.example/me/getMemberObjects".into(),
        }
    }
}

/// One app.
#[derive(Debug)]
pub struct Registration {
    /// `client_id`
    pub client_id: String,
    /// For `client_secret_post` and `client_secret_basic`.
    pub client_secret: Option<Secret<String>>,
    /// For `private_key_jwt` (RFC 7523 §2.2).
    pub public_key: Option<Jwk>,
    /// Where its people may be sent back to.
    pub redirect_uris: RedirectUris,
    /// How it hears that they have signed out.
    pub logout: Logout,
}

/// How an app hears that its people have signed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logout {
    /// By both channels, at addresses beside the redirect URI: `…/callback/NAME` has `…/logout/back-channel/NAME` and
    /// `…/logout/front-channel/NAME`. So one registration does for every authority that an app knows, where platforms have
    /// one address each.
    BesideRedirectUri,
    /// Not at all.
    Untold,
}

/// Where an app's people may be sent back to.
#[derive(Debug, Clone)]
pub enum RedirectUris {
    /// Anywhere on this machine.
    AnyLoopback,
    /// These, character for character (RFC 9700 §2.1).
    Exactly(Vec<String>),
}

impl RedirectUris {
    fn admit(&self, asked: &str) -> bool {
        match self {
            Self::AnyLoopback => origin_of(asked).is_some_and(|origin| origin.is_loopback()),
            Self::Exactly(list) => list.iter().any(|registered| registered == asked),
        }
    }

    /// After signing out, the origin suffices: apps seldom register that page.
    fn admit_origin_of(&self, asked: &str) -> bool {
        let asked = origin_of(asked);
        match self {
            Self::AnyLoopback => asked.is_some_and(|origin| origin.is_loopback()),
            Self::Exactly(list) => asked.is_some() && list.iter().any(|registered| origin_of(registered) == asked),
        }
    }
}

/// The http(s) origin of a URL that has no fragment.
fn origin_of(url: &str) -> Option<Origin> {
    let url = url::Url::parse(url).ok().filter(|url| url.fragment().is_none())?;
    Origin::parse(&url.origin().ascii_serialization()).ok()
}

#[derive(Debug)]
struct Provider {
    settings: Settings,
    keys: Keys,
    grants: Mutex<Grants>,
    changes: Mutex<Changes>,
}

impl Provider {
    fn origin(&self) -> &str {
        self.settings.origin.as_str()
    }

    fn registration(&self, client_id: &str) -> Option<&Registration> {
        self.settings.registrations.iter().find(|registration| registration.client_id == client_id)
    }

    fn grants(&self) -> MutexGuard<'_, Grants> {
        // Every change under the lock is whole by itself: a panic elsewhere leaves nothing half done.
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// No request of ours is larger; the largest has a client assertion in it.
const MAX_BODY: usize = 64 * 1024;

/// The provider as a service. Its keys are made in the background from here on; what needs one waits for it.
pub fn router(settings: Settings) -> Router {
    router_with(settings, Keys::generate())
}

fn router_with(settings: Settings, keys: Keys) -> Router {
    let provider = Arc::new(Provider { settings, keys, grants: Mutex::default(), changes: Mutex::default() });
    Router::new()
        .route("/", get(pages::front))
        .route("/style.css", get(pages::style))
        .route("/people/{key}", post(changes::change))
        .route("/refreshes", get(changes::counted))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(metadata::document))
        .route("/{tenant}/discovery/v2.0/keys", get(metadata::keys))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::asked).post(authorize::answered))
        .route("/{tenant}/oauth2/v2.0/token", post(token::exchange))
        .route("/graph/v1.0/me/checkMemberObjects", post(graph::check_member_objects))
        .route("/{tenant}/oauth2/v2.0/logout", get(logout::by_link).post(logout::by_form))
        .fallback(pages::not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(map_response(pages::guard))
        .with_state(provider)
}

/// Serves until `shutdown` completes, then finishes what is under way.
///
/// # Errors
/// What the listener reports.
pub async fn serve(listener: TcpListener, settings: Settings, shutdown: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    axum::serve(listener, router(settings)).with_graceful_shutdown(shutdown).await
}

#[cfg(test)]
mod tests;
