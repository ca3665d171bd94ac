//! Our registration at a provider: the client id and how we prove it (RFC 6749 §2.3).

use super::secret::Secret;

/// A registration.
#[derive(Debug, Clone)]
pub struct Client {
    /// `client_id`
    pub id: String,
    /// How the token endpoint knows that it is us.
    pub authentication: ClientAuthentication,
}

/// How the token endpoint knows that it is us. Assertions (`private_key_jwt`, federated tokens) are a variant to come:
/// they are matched where the token request is written, and nowhere else.
#[derive(Debug, Clone)]
pub enum ClientAuthentication {
    /// `client_secret_post`, or `client_secret_basic` where that is all the provider announces.
    Secret(Secret<String>),
}
