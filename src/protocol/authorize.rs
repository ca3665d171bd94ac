//! The authorization request (RFC 6749 §4.1.1) with PKCE (RFC 7636 §4.3) and OpenID Connect's parameters (Core
//! §3.1.2.1), as the URL a browser is sent to.

use std::fmt;

use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use url::Url;

use super::secret::Secret;

/// How the authorization response comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResponseMode {
    /// By POST to the callback, from another site (OAuth 2.0 Form Post Response Mode).
    FormPost,
    /// By GET to the callback, the default of `response_type=code`.
    #[default]
    Query,
}

/// What the provider is to ask the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prompt {
    /// What it sees fit.
    #[default]
    Default,
    /// Which account, even if it knows one: after a refusal, a sign-out, or "use a different account".
    SelectAccount,
}

/// Whose habits the provider has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habits {
    /// Microsoft's v2.0 endpoint: knows `client_info`, and forbids `login_hint` beside `prompt=select_account`.
    Microsoft,
    /// Those of the specifications.
    Standard,
}

/// An authorization request.
#[derive(Clone, Copy)]
pub struct AuthorizationRequest<'a> {
    /// From the metadata document; its own query stays.
    pub endpoint: &'a Url,
    /// Our registration there.
    pub client_id: &'a str,
    /// The callback for this authority, character for character as registered.
    pub redirect_uri: &'a str,
    /// `openid` among them.
    pub scopes: &'a [String],
    /// The sealed state.
    pub state: &'a str,
    /// Of the attempt.
    pub nonce: &'a Secret<String>,
    /// Of the attempt; only its SHA-256 is sent.
    pub verifier: &'a Secret<String>,
    /// How the response comes back.
    pub response_mode: ResponseMode,
    /// What the person typed.
    pub login_hint: Option<&'a str>,
    /// Microsoft's `domain_hint`: `consumers`, `organizations` or a domain.
    pub domain_hint: Option<&'a str>,
    /// What the provider is to ask.
    pub prompt: Prompt,
    /// Whose habits it has.
    pub habits: Habits,
    /// `extra_params`; what would override one of ours is left out.
    pub extra: &'a [(String, String)],
}

/// Parameters that `extra_params` may not have: they carry the protocol's safety (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID
/// Connect Core §3.1.2.1), name other ones (`request`, RFC 9101 §5), or belong to the token request and not into a
/// browser's address bar.
pub const RESERVED: &[&str] = &[
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_info",
    "client_secret",
    "code",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "grant_type",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

impl AuthorizationRequest<'_> {
    /// The URL.
    ///
    /// # Panics
    /// If the verifier is not one (43 to 128 characters): an attempt makes none other.
    #[must_use]
    pub fn to_url(&self) -> Url {
        let mut url = self.endpoint.clone();
        let kept: Vec<(String, String)> = url.query_pairs().filter(|(name, _)| !is_reserved(name)).map(own).collect();
        let ours = self.parameters();
        let taken = |name: &str| is_reserved(name) || ours.iter().any(|(ours, _)| *ours == name);
        let extra = self.extra.iter().filter(|(name, _)| !taken(name) && !kept.iter().any(|(kept, _)| kept == name));
        url.query_pairs_mut().clear().extend_pairs(&kept).extend_pairs(&ours).extend_pairs(extra);
        url
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(self.verifier.expose().clone()));
        let mut parameters = vec![
            ("client_id", self.client_id.to_owned()),
            ("response_type", "code".to_owned()),
            ("redirect_uri", self.redirect_uri.to_owned()),
            ("scope", self.scopes.join(" ")),
            ("state", self.state.to_owned()),
            ("nonce", self.nonce.expose().clone()),
            ("code_challenge", challenge.as_str().to_owned()),
            ("code_challenge_method", challenge.method().as_str().to_owned()),
        ];
        match self.response_mode {
            ResponseMode::FormPost => parameters.push(("response_mode", "form_post".to_owned())),
            ResponseMode::Query => {}
        }
        match self.prompt {
            Prompt::Default => {}
            Prompt::SelectAccount => parameters.push(("prompt", "select_account".to_owned())),
        }
        match self.habits {
            Habits::Microsoft => parameters.push(("client_info", "1".to_owned())),
            Habits::Standard => {}
        }
        if let Some(hint) = self.login_hint.filter(|_| self.takes_login_hint()) {
            parameters.push(("login_hint", hint.to_owned()));
        }
        if let Some(hint) = self.domain_hint {
            parameters.push(("domain_hint", hint.to_owned()));
        }
        parameters
    }

    fn takes_login_hint(&self) -> bool {
        let statically_selects = || self.extra.iter().any(|(name, value)| name == "prompt" && value.contains("select_account"));
        match self.habits {
            Habits::Microsoft => self.prompt == Prompt::Default && !statically_selects(),
            Habits::Standard => true,
        }
    }
}

/// Says whose it is: the rest is secrets and what somebody typed.
impl fmt::Debug for AuthorizationRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest").field("client_id", &self.client_id).field("prompt", &self.prompt).finish_non_exhaustive()
    }
}

/// Whether `extra_params` may not have a parameter of this name.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

fn own((name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)) -> (String, String) {
    (name.into_owned(), value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    /// The request with `change` made to it, as name=value pairs.
    fn pairs(endpoint: &str, extra: &[(&str, &str)], change: impl FnOnce(&mut AuthorizationRequest<'_>)) -> Vec<String> {
        let extra: Vec<_> = extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let endpoint = Url::parse(endpoint).expect("a URL");
        let mut request = AuthorizationRequest {
            endpoint: &endpoint,
            client_id: "client-1",
            redirect_uri: "https://orders.example.com/.auth/callback/work",
            scopes: &["openid".into(), "profile".into()],
            state: "sealed",
            nonce: &Secret::new("nonce-1".into()),
            verifier: &Secret::new(VERIFIER.into()),
            response_mode: ResponseMode::Query,
            login_hint: None,
            domain_hint: None,
            prompt: Prompt::Default,
            habits: Habits::Standard,
            extra: &extra,
        };
        change(&mut request);
        request.to_url().query_pairs().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn a_plain_request_has_these_parameters_and_no_others() {
        assert_eq!(
            pairs("https://idp.example/authorize", &[], |_| {}),
            [
                "client_id=client-1",
                "response_type=code",
                "redirect_uri=https://orders.example.com/.auth/callback/work",
                "scope=openid profile",
                "state=sealed",
                "nonce=nonce-1",
                &format!("code_challenge={CHALLENGE}"),
                "code_challenge_method=S256",
            ]
        );
    }

    #[test]
    fn the_verifier_stays_here() {
        assert!(!pairs("https://idp.example/authorize", &[], |_| {}).iter().any(|pair| pair.contains(VERIFIER)));
    }

    #[test]
    fn the_endpoints_own_query_stays_but_cannot_speak_for_us() {
        let pairs = pairs("https://idp.example/authorize?p=b2c_1_sign_in&client_id=other&state=x", &[], |_| {});
        assert_eq!(pairs[0], "p=b2c_1_sign_in");
        assert_eq!(pairs.iter().filter(|pair| pair.starts_with("client_id=")).count(), 1);
        assert!(pairs.contains(&"client_id=client-1".to_owned()) && pairs.contains(&"state=sealed".to_owned()));
    }

    #[test]
    fn static_parameters_are_added_and_override_nothing() {
        let extra = [("acr_values", "mfa"), ("redirect_uri", "https://evil.example"), ("prompt", "login"), ("request", "x"), ("p", "2")];
        let plain = pairs("https://idp.example/authorize?p=1", &extra, |_| {});
        assert!(plain.contains(&"acr_values=mfa".to_owned()) && plain.contains(&"prompt=login".to_owned()));
        assert!(!plain.iter().any(|pair| pair.contains("evil") || pair.starts_with("request=") || pair == "p=2"));
        let selecting = pairs("https://idp.example/authorize", &extra, |request| request.prompt = Prompt::SelectAccount);
        assert!(selecting.contains(&"prompt=select_account".to_owned()) && !selecting.contains(&"prompt=login".to_owned()));
    }

    #[test]
    fn microsoft_gets_no_login_hint_beside_select_account() {
        let select = [("prompt", "select_account")];
        for (habits, prompt, extra, hinted) in [
            (Habits::Microsoft, Prompt::Default, &[][..], true),
            (Habits::Microsoft, Prompt::SelectAccount, &[], false),
            (Habits::Microsoft, Prompt::Default, &select, false),
            (Habits::Standard, Prompt::Default, &[], true),
            (Habits::Standard, Prompt::SelectAccount, &[], true),
        ] {
            let pairs = pairs("https://idp.example/authorize", extra, |request| {
                (request.habits, request.prompt) = (habits, prompt);
                request.login_hint = Some("ada@contoso.example");
            });
            assert_eq!(pairs.contains(&"login_hint=ada@contoso.example".to_owned()), hinted, "{habits:?} {prompt:?}");
            assert_eq!(pairs.contains(&"client_info=1".to_owned()), habits == Habits::Microsoft);
        }
    }

    #[test]
    fn response_mode_is_named_only_when_it_is_not_the_default() {
        let by_form = pairs("https://idp.example/authorize", &[], |request| request.response_mode = ResponseMode::FormPost);
        assert!(by_form.contains(&"response_mode=form_post".to_owned()));
        let hinted = pairs("https://idp.example/authorize", &[], |request| request.domain_hint = Some("organizations"));
        assert!(hinted.contains(&"domain_hint=organizations".to_owned()));
        assert!(!hinted.iter().any(|pair| pair.starts_with("response_mode")));
    }
}
