//! The one enum of reasons. Pages, problem codes, log and metric labels, `explain` and the table in the README are
//! all made from it, so they cannot drift apart.

/// Whose turn it is to do something about it. Log level and metrics follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The browser or client sent something we cannot use.
    Browser,
    /// Nobody's: the wished-for outcome.
    Nobody,
    /// Our own configuration.
    Ours,
    /// The person can act: sign in, use another account, ask for access.
    Person,
    /// The OpenID provider.
    Provider,
    /// The app behind us.
    Upstream,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $status:literal, $fault:ident, $title:literal;)+) => {
        /// Why a request was let in, challenged, refused or failed. In alphabetical order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[doc = $doc])+ $name,)+ }

        impl Reason {
            /// Every reason, in alphabetical order of its code.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The stable word for it: problem `code`, log field, metric label, TOML value.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// The reason of this code.
            #[must_use]
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.code() == code)
            }

            /// Whose fault it is.
            #[must_use]
            pub const fn fault(self) -> Fault {
                match self { $(Self::$name => Fault::$fault,)+ }
            }

            /// The sentence a person reads, free of jargon.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means to an operator, one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

reasons! {
    /// The account is genuine, but came from an authority that this route does not list.
    AuthorityNotAllowed = "authority_not_allowed", 403, Person, "You can't use this way of signing in here.";
    /// The request cannot be read one way only: target, host, parameters or form.
    BadRequest = "bad_request", 400, Browser, "We couldn't read that request.";
    /// The request body is larger than the route's `max_body`.
    BodyTooLarge = "body_too_large", 413, Browser, "What you sent is too large.";
    /// The person pressed Cancel at the provider.
    Cancelled = "cancelled", 200, Person, "Sign-in was cancelled.";
    /// The provider, a secret or a setting is wrong in a way that only the operator can mend.
    Configuration = "configuration", 500, Ours, "Sign-in isn't set up correctly.";
    /// The organisation has not approved the app, or has not assigned this person to it.
    ConsentRequired = "consent_required", 403, Person, "Your organisation hasn't approved this app yet.";
    /// A customer account (Azure AD B2C, External ID) on a route that does not take them.
    CustomerAccountNotAllowed = "customer_account_not_allowed", 403, Person, "You can't sign in here with a customer account.";
    /// The sign-in took too long, was used before, or began in another browser.
    FlowExpired = "flow_expired", 400, Person, "This sign-in link has expired.";
    /// The route wants one of its groups or app roles, and the account has none of them.
    GroupRequired = "group_required", 403, Person, "You're signed in, but you don't have access.";
    /// The account is in too many groups for a token to list, so the route's groups could not be checked.
    GroupsOverage = "groups_overage", 403, Person, "We couldn't check your groups.";
    /// The account is in too many groups for a token to list, and the authority did not tell in time about the route's groups.
    GroupsUnavailable = "groups_unavailable", 503, Provider, "We couldn't check your groups right now.";
    /// A guest of the organisation, on a route without guests.
    GuestNotAllowed = "guest_not_allowed", 403, Person, "Guest accounts can't be used here.";
    /// The request head or the cookies in it are too large.
    HeadersTooLarge = "headers_too_large", 431, Browser, "Your browser sent too much sign-in data.";
    /// What was typed is not an e-mail address, phone number or Skype name.
    IdentifierInvalid = "identifier_invalid", 422, Person, "Enter an email address or phone number, like name@example.com";
    /// The provider answered with an error, or with a token that does not hold.
    IdpError = "idp_error", 502, Provider, "Sign-in didn't work.";
    /// The provider did not answer.
    IdpUnavailable = "idp_unavailable", 503, Provider, "Sign-in isn't answering right now.";
    /// The access token's audience, scopes or roles are not those the route wants.
    InsufficientScope = "insufficient_scope", 403, Browser, "This access token isn't meant for this.";
    /// The access token is not genuine, not valid any more, or not accepted on this route.
    InvalidToken = "invalid_token", 401, Browser, "This access token can't be used.";
    /// Neither the token nor the provider says whether the account is a member or a guest; add the claim `acct`.
    MembershipUnknown = "membership_unknown", 403, Ours, "We couldn't tell whether you are a guest.";
    /// No route matches; nothing is forwarded by default.
    NoRoute = "no_route", 404, Browser, "There is nothing here.";
    /// A personal account, on a route that does not take them.
    PersonalAccountNotAllowed = "personal_account_not_allowed", 403, Person, "You can't sign in here with a personal account. Use your work or school account instead.";
    /// A personal account that is a guest (or an owner without proof of membership) inside an organisation, on a route without such guests.
    PersonalGuestNotAllowed = "personal_guest_not_allowed", 403, Person, "You can't sign in here with a personal account that is a guest of an organisation.";
    /// The route is open to everybody.
    Public = "public", 200, Nobody, "Open to everybody.";
    /// Too many sign-in attempts from one address.
    RateLimited = "rate_limited", 429, Browser, "That was too many tries. Wait a moment, then try again.";
    /// There was a session, but it has ended.
    SessionExpired = "session_expired", 401, Person, "Your session has ended. Sign in again.";
    /// Where sessions are kept cannot be reached; nobody is signed out by that.
    SessionStoreUnavailable = "session_store_unavailable", 503, Ours, "We can't check your sign-in right now.";
    /// Nobody is signed in.
    SignInRequired = "sign_in_required", 401, Person, "Sign in to continue.";
    /// Somebody is signed in and the route admits them.
    SignedIn = "signed_in", 200, Nobody, "Signed in.";
    /// A work or school account of another organisation.
    TenantNotAllowed = "tenant_not_allowed", 403, Person, "This account belongs to another organisation.";
    /// The app behind the proxy took too long.
    UpstreamTimeout = "upstream_timeout", 504, Upstream, "The app is taking too long to answer.";
    /// The app behind the proxy cannot be reached or broke off.
    UpstreamUnavailable = "upstream_unavailable", 502, Upstream, "The app isn't answering.";
    /// A work or school account, on a route that does not take them.
    WorkAccountNotAllowed = "work_account_not_allowed", 403, Person, "You can't sign in here with a work or school account. Use your personal account instead.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_alphabetical_order() {
        assert!(Reason::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
    }

    #[test]
    fn the_sentence_the_product_exists_for_is_exact() {
        assert_eq!(
            Reason::PersonalAccountNotAllowed.title(),
            "You can't sign in here with a personal account. Use your work or school account instead."
        );
    }

    #[test]
    fn people_are_not_shown_jargon() {
        for reason in Reason::ALL {
            let title = reason.title().to_lowercase();
            for word in ["tenant", "csrf", "401", "azure", "idp", "enterprise", "corporate"] {
                assert!(!title.contains(word), "{}: {word}", reason.code());
            }
        }
    }

    #[test]
    fn every_reason_has_a_one_line_meaning() {
        for reason in Reason::ALL {
            assert!(reason.meaning().ends_with('.') && !reason.meaning().contains('\n'), "{}", reason.code());
        }
    }
}
