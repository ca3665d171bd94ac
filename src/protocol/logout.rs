//! The way to a provider's own sign-out (OpenID Connect RP-Initiated Logout 1.0 §2). Ending our session comes before
//! that and does not wait for it.

use url::Url;

/// A logout request.
#[derive(Clone, Copy)]
pub struct LogoutRequest<'a> {
    /// `end_session_endpoint`; its own query stays.
    pub endpoint: &'a Url,
    /// Our registration there: there is no `id_token_hint` to tell, as no token is kept.
    pub client_id: &'a str,
    /// Where the browser comes back to, as registered. Without `state`: nothing is waiting for it.
    pub post_logout_redirect_uri: &'a str,
    /// The session's opaque hint, which spares the person the question which account.
    pub logout_hint: Option<&'a str>,
}

impl LogoutRequest<'_> {
    /// The URL.
    #[must_use]
    pub fn to_url(&self) -> Url {
        let mut url = self.endpoint.clone();
        let ours = |name: &str| matches!(name, "client_id" | "post_logout_redirect_uri" | "logout_hint" | "id_token_hint" | "state");
        let kept: Vec<(String, String)> =
            url.query_pairs().filter(|(name, _)| !ours(name)).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(kept)
            .append_pair("client_id", self.client_id)
            .append_pair("post_logout_redirect_uri", self.post_logout_redirect_uri)
            .extend_pairs(self.logout_hint.map(|hint| ("logout_hint", hint)));
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_us_the_way_back_and_the_account() {
        for (endpoint, hint, expected) in [
            (
                "https://idp.example/logout",
                None,
                "https://idp.example/logout?client_id=c-1&post_logout_redirect_uri=https%3A%2F%2Fa.example%2F",
            ),
            (
                "https://idp.example/logout?p=b2c&state=x",
                Some("O.1&2"),
                "https://idp.example/logout?p=b2c&client_id=c-1&post_logout_redirect_uri=https%3A%2F%2Fa.example%2F&logout_hint=O.1%262",
            ),
        ] {
            let endpoint = Url::parse(endpoint).expect("a URL");
            let request =
                LogoutRequest { endpoint: &endpoint, client_id: "c-1", post_logout_redirect_uri: "https://a.example/", logout_hint: hint };
            assert_eq!(request.to_url().as_str(), expected);
        }
    }
}
