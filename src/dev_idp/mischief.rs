//! The "Break it" menu: what can go wrong with a provider, on request. Where each takes effect is told by
//! `Mischief::refusal` (the authorization response), `claims` (the ID token), `token` (the token endpoint) and `graph`.

use super::fault::Fault;

/// One thing to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mischief {
    /// Another account signs in than the one chosen.
    AnotherAccount,
    /// The person goes back.
    Cancel,
    /// Nobody consented.
    ConsentRequired,
    /// The ID token ended an hour ago.
    ExpiredToken,
    /// Microsoft Graph does not answer the first question.
    GraphFailsOnce,
    /// Microsoft Graph may not tell.
    GraphRefuses,
    /// None of it.
    Nothing,
    /// The token endpoint takes long.
    SlowToken,
    /// The provider asks to try again.
    TemporarilyUnavailable,
    /// The token endpoint answers 500.
    TokenError,
    /// The ID token is signed by a key that is not published.
    UnknownKey,
    /// The ID token is for another app.
    WrongAudience,
    /// The ID token names an issuer that does not fit its tenant.
    WrongIssuer,
    /// The ID token has another attempt's nonce.
    WrongNonce,
}

impl Mischief {
    /// The menu, in its order.
    pub const MENU: [Self; 14] = [
        Self::Nothing,
        Self::Cancel,
        Self::AnotherAccount,
        Self::ExpiredToken,
        Self::WrongAudience,
        Self::WrongIssuer,
        Self::WrongNonce,
        Self::UnknownKey,
        Self::TokenError,
        Self::SlowToken,
        Self::ConsentRequired,
        Self::TemporarilyUnavailable,
        Self::GraphFailsOnce,
        Self::GraphRefuses,
    ];

    /// Its value in the form.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::AnotherAccount => "another-account",
            Self::Cancel => "cancel",
            Self::ConsentRequired => "consent-required",
            Self::ExpiredToken => "expired-token",
            Self::GraphFailsOnce => "graph-fails-once",
            Self::GraphRefuses => "graph-refuses",
            Self::Nothing => "nothing",
            Self::SlowToken => "slow-token",
            Self::TemporarilyUnavailable => "temporarily-unavailable",
            Self::TokenError => "token-error",
            Self::UnknownKey => "unknown-key",
            Self::WrongAudience => "wrong-audience",
            Self::WrongIssuer => "wrong-issuer",
            Self::WrongNonce => "wrong-nonce",
        }
    }

    /// Its label in the form.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::AnotherAccount => "Another account signs in than the one chosen",
            Self::Cancel => "Cancel instead of signing in",
            Self::ConsentRequired => "Consent is required",
            Self::ExpiredToken => "ID token has expired",
            Self::GraphFailsOnce => "Groups cannot be asked for the first time",
            Self::GraphRefuses => "Groups may not be asked for",
            Self::Nothing => "Nothing: sign in properly",
            Self::SlowToken => "Token endpoint is slow",
            Self::TemporarilyUnavailable => "Temporarily unavailable",
            Self::TokenError => "Token endpoint answers 500",
            Self::UnknownKey => "ID token is signed by an unknown key",
            Self::WrongAudience => "ID token is for another app",
            Self::WrongIssuer => "ID token names another issuer",
            Self::WrongNonce => "ID token has another nonce",
        }
    }

    /// Reads the form's value; what is not on the menu does no harm.
    #[must_use]
    pub fn parse(key: Option<&str>) -> Self {
        Self::MENU.into_iter().find(|item| Some(item.key()) == key).unwrap_or(Self::Nothing)
    }

    /// The refusal that takes the place of a code.
    pub(super) const fn refusal(self) -> Option<Fault> {
        match self {
            Self::Cancel => Some(Fault::Cancelled),
            Self::ConsentRequired => Some(Fault::ConsentRequired),
            Self::TemporarilyUnavailable => Some(Fault::TryAgain),
            Self::AnotherAccount
            | Self::ExpiredToken
            | Self::GraphFailsOnce
            | Self::GraphRefuses
            | Self::Nothing
            | Self::SlowToken
            | Self::TokenError
            | Self::UnknownKey
            | Self::WrongAudience
            | Self::WrongIssuer
            | Self::WrongNonce => None,
        }
    }
}
