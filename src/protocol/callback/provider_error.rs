//! What a provider's error means to us. The `error` value decides (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6);
//! the AADSTS number in Microsoft's description is a diagnostic that may change, and only chooses a help text. The
//! description itself is a stranger's text: it is neither shown nor logged.

use std::fmt;

use crate::domain::guid::Guid;
use crate::domain::reason::Reason;

/// An error response, reduced to what may be shown and logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError {
    /// What became of the sign-in.
    pub says: ProviderSays,
    /// What the person or the operator can do about it.
    pub help: HelpText,
    /// The `error` value, if it is one that a specification names; a stranger's word otherwise, and left out.
    pub error: Option<&'static str>,
    /// The number behind `AADSTS`.
    pub aadsts: Option<u32>,
    /// What Microsoft's support asks for.
    pub correlation: Option<Guid>,
    /// Likewise.
    pub trace: Option<Guid>,
    /// When it happened, by the provider's clock.
    pub timestamp: Option<ProviderTime>,
}

/// What a provider says in an error response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderSays {
    /// The person changed their mind.
    Cancelled,
    /// Something is wrong with our registration or our request.
    Configuration,
    /// Somebody has to approve the app, or assign the person to it.
    ConsentRequired,
    /// No, for any other reason.
    Refused,
    /// Not now.
    Unavailable,
}

impl ProviderSays {
    /// The reason that a page shows.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Cancelled => Reason::Cancelled,
            Self::Configuration => Reason::Configuration,
            Self::ConsentRequired => Reason::ConsentRequired,
            Self::Refused => Reason::IdpError,
            Self::Unavailable => Reason::IdpUnavailable,
        }
    }
}

/// The sentence of help below the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelpText {
    /// The account is not known there, or not invited.
    AnotherAccount,
    /// An administrator of the organisation has to approve the app or assign the person.
    AskAdministrator,
    /// The device, the place or the risk is what is refused.
    DevicePolicy,
    /// One more proof of identity is wanted.
    MoreProof,
    /// The organisations do not let their people in at each other's.
    OrganisationPolicy,
    /// A personal account where only work and school accounts are taken.
    PersonalAccount,
    /// Only the operator can mend it.
    TellOperator,
    /// Nothing better is known.
    TryAgain,
}

impl HelpText {
    /// What the person reads, free of jargon.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AnotherAccount => "This account isn't known there. Use a different account, or ask for an invitation.",
            Self::AskAdministrator => "Ask your organisation's IT support to give you access to this app.",
            Self::DevicePolicy => "Your organisation doesn't allow this device or place. Ask its IT support.",
            Self::MoreProof => "Your organisation wants more proof that it's you. Sign in again and follow its steps.",
            Self::OrganisationPolicy => "Your organisation doesn't allow signing in here. Ask its IT support.",
            Self::PersonalAccount => "Personal accounts aren't taken there. Use your work or school account instead.",
            Self::TellOperator => "Tell the people who run this app.",
            Self::TryAgain => "Try again in a moment.",
        }
    }

    fn of(aadsts: Option<u32>, says: ProviderSays, description: &str) -> Self {
        match aadsts {
            // "User account '…' from identity provider 'live.com' does not exist in tenant '…'"
            Some(50020) if description.contains("'live.com'") => Self::PersonalAccount,
            Some(16000 | 16003 | 50014 | 50020 | 50034 | 51004 | 90072 | 90002 | 500_207 | 500_208) => Self::AnotherAccount,
            Some(50105 | 65001 | 90094 | 90095 | 70001 | 700_011 | 700_016 | 7_000_112) => Self::AskAdministrator,
            Some(53000..=53004 | 53011 | 530_032 | 530_035 | 50097 | 50131) => Self::DevicePolicy,
            Some(50072 | 50074 | 50076 | 50078 | 50079) => Self::MoreProof,
            Some(50002 | 500_021 | 500_022 | 500_212 | 500_213) => Self::OrganisationPolicy,
            Some(500_202 | 9_002_332) => Self::PersonalAccount,
            Some(50011 | 50194 | 90014 | 90015 | 90038 | 90124 | 90130 | 900_144 | 900_439 | 900_971) => Self::TellOperator,
            Some(9_001_023 | 9_002_313 | 9_002_331) => Self::TellOperator,
            Some(_) | None => match says {
                ProviderSays::Cancelled | ProviderSays::Refused | ProviderSays::Unavailable => Self::TryAgain,
                ProviderSays::Configuration => Self::TellOperator,
                ProviderSays::ConsentRequired => Self::AskAdministrator,
            },
        }
    }
}

/// `2026-11-22 18:01:00Z`, as Microsoft writes it: digits and nothing else that could do harm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProviderTime([u8; 20]);

impl ProviderTime {
    fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 20] = *text.as_bytes().first_chunk()?;
        let fits = bytes.iter().zip(b"0000-00-00 00:00:00Z").all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            separator => byte == separator,
        });
        fits.then_some(Self(bytes))
    }
}

impl fmt::Display for ProviderTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

impl fmt::Debug for ProviderTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The values that the two specifications name.
const ERRORS: &[&str] = &[
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

impl ProviderError {
    pub(super) fn read(error: &str, description: &str) -> Self {
        let aadsts = aadsts(description);
        let says = says(error);
        let guid = |label| after(description, label).and_then(|text| text.get(..36)).and_then(|text| Guid::parse(text).ok());
        Self {
            says,
            help: HelpText::of(aadsts, says, description),
            error: ERRORS.iter().copied().find(|known| *known == error),
            aadsts,
            correlation: guid("Correlation ID:"),
            trace: guid("Trace ID:"),
            timestamp: after(description, "Timestamp:").and_then(ProviderTime::parse),
        }
    }
}

fn says(error: &str) -> ProviderSays {
    match error {
        // Somebody said no: the person by the Cancel button, or the provider for them. Which of the two is a matter for
        // the help text.
        "access_denied" => ProviderSays::Cancelled,
        "consent_required" => ProviderSays::ConsentRequired,
        "server_error" | "temporarily_unavailable" => ProviderSays::Unavailable,
        "invalid_client"
        | "invalid_request"
        | "invalid_request_object"
        | "invalid_request_uri"
        | "invalid_scope"
        | "registration_not_supported"
        | "request_not_supported"
        | "request_uri_not_supported"
        | "unauthorized_client"
        | "unsupported_response_type" => ProviderSays::Configuration,
        _ => ProviderSays::Refused,
    }
}

/// The first number behind `AADSTS`; none has more than nine digits.
fn aadsts(description: &str) -> Option<u32> {
    let (_, rest) = description.split_once("AADSTS")?;
    let digits = rest.len() - rest.trim_start_matches(|character: char| character.is_ascii_digit()).len();
    if digits > 9 { None } else { rest[..digits].parse().ok() }
}

fn after<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    text.split_once(label).map(|(_, rest)| rest.trim_start_matches(' '))
}
