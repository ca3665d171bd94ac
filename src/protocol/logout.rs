//! The way to a provider's own sign-out (OpenID Connect RP-Initiated Logout 1.0 §2), and the word of a provider, by way of
//! a browser, that a session of its own has ended (OpenID Connect Front-Channel Logout 1.0 §3). Ending our session comes
//! before the one and does not wait for it.

use url::Url;

use super::jwt::person;
use super::secret::Secret;

/// The longest ID token that goes into an address, in bytes: servers take some 8,000 for all of it, and one that lists many
/// groups would keep its person from signing out at all.
const LONGEST_ID_TOKEN: usize = 4096;

/// A logout request.
#[derive(Clone, Copy)]
pub struct LogoutRequest<'a> {
    /// `end_session_endpoint`; its own query stays.
    pub endpoint: &'a Url,
    /// Our registration there: what tells who asks where there is no ID token.
    pub client_id: &'a str,
    /// Where the browser comes back to, as registered. Without `state`: nothing is waiting for it.
    pub post_logout_redirect_uri: &'a str,
    /// The session's opaque hint, which spares the person the question which account.
    pub logout_hint: Option<&'a str>,
    /// The session's ID token, if it was kept: whom to sign out, and that we may ask. Left out if it is too long.
    pub id_token: Option<&'a Secret<String>>,
}

impl LogoutRequest<'_> {
    /// The URL. It may hold the ID token: not for logs.
    #[must_use]
    pub fn to_url(&self) -> Url {
        let id_token = self.id_token.map(Secret::expose).filter(|token| token.len() <= LONGEST_ID_TOKEN);
        let mut url = self.endpoint.clone();
        let ours = |name: &str| matches!(name, "client_id" | "post_logout_redirect_uri" | "logout_hint" | "id_token_hint" | "state");
        let kept: Vec<(String, String)> =
            url.query_pairs().filter(|(name, _)| !ours(name)).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(kept)
            .append_pair("client_id", self.client_id)
            .append_pair("post_logout_redirect_uri", self.post_logout_redirect_uri)
            .extend_pairs(self.logout_hint.map(|hint| ("logout_hint", hint)))
            .extend_pairs(id_token.map(|token| ("id_token_hint", token)));
        url
    }
}

/// What a provider says when it has a browser load our logout address. Microsoft leaves `iss` out, though the specification
/// has both or none: the address itself tells whose word it is.
#[derive(Clone, Copy)]
pub struct FrontChannelLogout<'a> {
    /// `sid`; without it nobody is named.
    pub session: Option<&'a str>,
    /// `iss`
    pub issuer: Option<&'a str>,
}

/// `sid` is too long, or has control characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the `sid` parameter cannot be a session's")]
pub struct NoSession;

impl<'a> FrontChannelLogout<'a> {
    /// From the parameters.
    ///
    /// # Errors
    /// [`NoSession`]
    pub fn new(session: Option<&'a str>, issuer: Option<&'a str>) -> Result<Self, NoSession> {
        if session.is_none_or(person::is_provider_session) { Ok(Self { session, issuer }) } else { Err(NoSession) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(endpoint: &str, logout_hint: Option<&str>, id_token: Option<&str>) -> String {
        let id_token = id_token.map(|token| Secret::new(token.to_owned()));
        let request = LogoutRequest {
            endpoint: &Url::parse(endpoint).expect("a URL"),
            client_id: "c-1",
            post_logout_redirect_uri: "https://a.example/",
            logout_hint,
            id_token: id_token.as_ref(),
        };
        request.to_url().to_string()
    }

    #[test]
    fn a_request_names_us_the_way_back_and_the_account() {
        let ours = "client_id=c-1&post_logout_redirect_uri=https%3A%2F%2Fa.example%2F";
        for (endpoint, hint, id_token, expected) in [
            ("https://idp.example/logout", None, None, format!("https://idp.example/logout?{ours}")),
            (
                "https://idp.example/logout?p=b2c&state=x&id_token_hint=y",
                Some("O.1&2"),
                None,
                format!("https://idp.example/logout?p=b2c&{ours}&logout_hint=O.1%262"),
            ),
            ("https://idp.example/logout", None, Some("e.y.J"), format!("https://idp.example/logout?{ours}&id_token_hint=e.y.J")),
            (
                "https://idp.example/logout",
                Some("h"),
                Some("e"),
                format!("https://idp.example/logout?{ours}&logout_hint=h&id_token_hint=e"),
            ),
        ] {
            assert_eq!(url(endpoint, hint, id_token), expected);
        }
    }

    #[test]
    fn an_id_token_that_is_too_long_for_an_address_is_left_out() {
        let longest = "x".repeat(LONGEST_ID_TOKEN);
        assert!(url("https://idp.example/logout", None, Some(&longest)).contains(&longest));
        assert!(!url("https://idp.example/logout", None, Some(&format!("{longest}x"))).contains("id_token_hint"));
    }

    #[test]
    fn a_provider_may_name_a_session_and_nothing_that_cannot_be_one() {
        for (sid, readable) in
            [(None, true), (Some("s-1"), true), (Some(&*"s".repeat(256)), true), (Some(&*"s".repeat(257)), false), (Some("s\n"), false)]
        {
            assert_eq!(FrontChannelLogout::new(sid, None).is_ok(), readable, "{sid:?}");
        }
    }
}
