//! Tests of reading authorization responses.

use proptest::prelude::*;

use super::provider_error::{HelpText, ProviderSays};
use super::*;
use crate::domain::reason::Reason;

fn code(query: &str) -> Result<String, Unreadable> {
    AuthorizationResponse::parse(query.as_bytes()).map(|response| match response.outcome {
        Outcome::Code(code) => code.expose().clone(),
        Outcome::Error(error) => panic!("an error: {error:?}"),
    })
}

fn error(query: &str) -> ProviderError {
    match AuthorizationResponse::parse(query.as_bytes()).expect("readable").outcome {
        Outcome::Code(_) => panic!("a code"),
        Outcome::Error(error) => error,
    }
}

#[test]
fn a_response_is_read_one_way_or_not_at_all() {
    let filler = |count: usize| "&x=1".repeat(count);
    let long = |length: usize| format!("code=c&state=s&x={}", "y".repeat(length - "code=c&state=s&x=".len()));
    let cases = [
        ("plain", "code=c&state=s".to_owned(), Ok("c")),
        ("order", "state=s&code=c".into(), Ok("c")),
        ("decoded", "code=a%2Bb+c%3d&state=s".into(), Ok("a+b c=")),
        ("encoded name", "c%6Fde=c&state=s".into(), Ok("c")),
        ("unknown ones", "code=c&state=s&x=1&x=2&session_state=z&empty&&".into(), Ok("c")),
        ("value with =", "code=c=d&state=s".into(), Ok("c=d")),
        ("32 parameters", format!("code=c&state=s{}", filler(30)), Ok("c")),
        ("33 parameters", format!("code=c&state=s{}", filler(31)), Err(Unreadable::TooLarge)),
        ("16 KiB", long(MAX_LENGTH), Ok("c")),
        ("16 KiB and one", long(MAX_LENGTH + 1), Err(Unreadable::TooLarge)),
        ("empty", String::new(), Err(Unreadable::NoState)),
        ("no state", "code=c".into(), Err(Unreadable::NoState)),
        ("empty state", "code=c&state=".into(), Err(Unreadable::NoState)),
        ("neither", "state=s".into(), Err(Unreadable::Neither)),
        ("empty code", "state=s&code=".into(), Err(Unreadable::Neither)),
        ("no value", "state=s&code".into(), Err(Unreadable::Neither)),
        ("both", "code=c&state=s&error=access_denied".into(), Err(Unreadable::CodeAndError)),
        ("two codes", "code=c&state=s&code=d".into(), Err(Unreadable::Duplicate)),
        ("the same code twice", "code=c&state=s&code=c".into(), Err(Unreadable::Duplicate)),
        ("a code and an empty one", "code=c&state=s&code=".into(), Err(Unreadable::Duplicate)),
        ("an empty code and one", "code=&state=s&code=c".into(), Err(Unreadable::Duplicate)),
        ("two spellings", "code=c&state=s&%63ode=d".into(), Err(Unreadable::Duplicate)),
        ("two states", "code=c&state=s&state=t".into(), Err(Unreadable::Duplicate)),
        ("two issuers", "code=c&state=s&iss=a&iss=b".into(), Err(Unreadable::Duplicate)),
        ("two session states", "code=c&state=s&session_state=a&session_state=b".into(), Err(Unreadable::Duplicate)),
        ("two descriptions", "error=e&state=s&error_description=a&error_description=b".into(), Err(Unreadable::Duplicate)),
        ("two error pages", "error=e&state=s&error_uri=a&error_uri=b".into(), Err(Unreadable::Duplicate)),
        ("lone %", "code=c%&state=s".into(), Err(Unreadable::Encoding)),
        ("bad hex", "code=%zz&state=s".into(), Err(Unreadable::Encoding)),
        ("half an escape", "state=s&code=c%2".into(), Err(Unreadable::Encoding)),
        ("bad escape in a stranger's value", "code=c&state=s&x=%".into(), Err(Unreadable::Encoding)),
        ("not UTF-8", "code=%ff&state=s".into(), Err(Unreadable::Encoding)),
        ("NUL", "code=c%00&state=s".into(), Err(Unreadable::Encoding)),
        ("line break", "code=c%0d%0a&state=s".into(), Err(Unreadable::Encoding)),
        ("beyond ASCII", "code=%c3%a9&state=s".into(), Err(Unreadable::Encoding)),
        ("raw NUL", "code=c\0&state=s".into(), Err(Unreadable::Encoding)),
    ];
    for (what, query, expected) in cases {
        assert_eq!(code(&query), expected.map(str::to_owned), "{what}");
    }
}

#[test]
fn state_and_issuer_are_handed_on_decoded() {
    let response = AuthorizationResponse::parse(b"code=c&state=a-b_c&iss=https%3A%2F%2Fidp.example").expect("readable");
    assert_eq!((response.state(), response.issuer()), ("a-b_c", Some("https://idp.example")));
}

#[test]
fn error_values_become_reasons() {
    for (query, says, reason) in [
        ("error=access_denied&error_subcode=cancel", ProviderSays::Cancelled, Reason::Cancelled),
        ("error=access_denied&error_subcode=cancel&error_description=AADSTS50105", ProviderSays::Cancelled, Reason::Cancelled),
        ("error=access_denied", ProviderSays::Cancelled, Reason::Cancelled),
        ("error=access_denied&error_description=AADSTS65004%3a+declined", ProviderSays::Cancelled, Reason::Cancelled),
        ("error=access_denied&error_description=AADSTS50105%3a+x", ProviderSays::Cancelled, Reason::Cancelled),
        ("error=access_denied&error_description=AADSTS90094%3a+x", ProviderSays::Cancelled, Reason::Cancelled),
        ("error=access_denied&error_description=AADSTS65001%3a+x", ProviderSays::Cancelled, Reason::Cancelled),
        ("error=access_denied&error_description=AADSTS53003%3a+x", ProviderSays::Cancelled, Reason::Cancelled),
        ("error=consent_required", ProviderSays::ConsentRequired, Reason::ConsentRequired),
        ("error=temporarily_unavailable", ProviderSays::Unavailable, Reason::IdpUnavailable),
        ("error=server_error&error_description=AADSTS65001", ProviderSays::Unavailable, Reason::IdpUnavailable),
        ("error=invalid_client", ProviderSays::Configuration, Reason::Configuration),
        ("error=unauthorized_client", ProviderSays::Configuration, Reason::Configuration),
        ("error=invalid_scope", ProviderSays::Configuration, Reason::Configuration),
        ("error=invalid_request", ProviderSays::Configuration, Reason::Configuration),
        ("error=unsupported_response_type", ProviderSays::Configuration, Reason::Configuration),
        ("error=request_not_supported", ProviderSays::Configuration, Reason::Configuration),
        ("error=login_required", ProviderSays::Refused, Reason::IdpError),
        ("error=interaction_required&error_description=AADSTS50076", ProviderSays::Refused, Reason::IdpError),
        ("error=Access_Denied", ProviderSays::Refused, Reason::IdpError),
        ("error=made_up", ProviderSays::Refused, Reason::IdpError),
    ] {
        let error = error(&format!("{query}&state=s"));
        assert_eq!((error.says, error.says.reason()), (says, reason), "{query}");
    }
}

#[test]
fn the_number_chooses_the_help_and_nothing_else() {
    for (number, help) in [
        ("50020", HelpText::AnotherAccount),
        ("50020%3a+from+identity+provider+'live.com'", HelpText::PersonalAccount),
        ("90072", HelpText::AnotherAccount),
        ("50105", HelpText::AskAdministrator),
        ("700016", HelpText::AskAdministrator),
        ("53003", HelpText::DevicePolicy),
        ("50076", HelpText::MoreProof),
        ("500212", HelpText::OrganisationPolicy),
        ("9002332", HelpText::PersonalAccount),
        ("500202", HelpText::PersonalAccount),
        ("9002331", HelpText::TellOperator),
        ("50194", HelpText::TellOperator),
        ("1", HelpText::TellOperator),
        ("9999999999", HelpText::TellOperator),
        ("", HelpText::TellOperator),
    ] {
        let error = error(&format!("state=s&error=invalid_request&error_description=AADSTS{number}%3a+text"));
        assert_eq!((error.help, error.says), (help, ProviderSays::Configuration), "{number}");
    }
}

#[test]
fn of_a_description_only_harmless_pieces_are_kept() {
    let text = "AADSTS50020: User account 'marked@contoso.example' does not exist.\r\n\
        Trace ID: 3a0c0000-0000-4000-8000-0000000000aa\r\nCorrelation ID: 3a0c0000-0000-4000-8000-0000000000bb\r\n\
        Timestamp: 2026-11-22 18:01:00Z";
    let encoded = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let error = error(&format!("error=interaction_required&state=s&error_description={encoded}"));
    assert_eq!((error.aadsts, error.error), (Some(50020), Some("interaction_required")));
    assert_eq!(error.trace.map(|id| id.to_string()).as_deref(), Some("3a0c0000-0000-4000-8000-0000000000aa"));
    assert_eq!(error.correlation.map(|id| id.to_string()).as_deref(), Some("3a0c0000-0000-4000-8000-0000000000bb"));
    assert_eq!(error.timestamp.map(|time| time.to_string()).as_deref(), Some("2026-11-22 18:01:00Z"));
    assert!(!format!("{error:?}").contains("marked"));
}

#[test]
fn made_up_pieces_are_dropped() {
    let error = error(
        "error=%3Cscript%3E&state=s&error_description=Trace+ID:+%3Cb%3E+Correlation+ID:+3a0c0000-0000-4000-8000-0000000000\u{e9}\u{e9}x\
         +Timestamp:+2026-11-22+18:01:00%0A+",
    );
    assert_eq!((error.error, error.aadsts, error.trace, error.correlation), (None, None, None, None));
    assert!(error.timestamp.is_none());
}

#[test]
fn nothing_a_stranger_sent_is_printed() {
    for query in ["code=marked&state=marked&iss=marked", "error=marked&state=marked&error_description=marked"] {
        let response = AuthorizationResponse::parse(query.as_bytes()).expect("readable");
        assert!(!format!("{response:?}").contains("marked"), "{response:?}");
    }
}

#[test]
fn people_are_not_shown_jargon() {
    for help in [
        HelpText::AnotherAccount,
        HelpText::AskAdministrator,
        HelpText::DevicePolicy,
        HelpText::MoreProof,
        HelpText::OrganisationPolicy,
        HelpText::PersonalAccount,
        HelpText::TellOperator,
        HelpText::TryAgain,
    ] {
        let sentence = help.sentence().to_lowercase();
        for word in ["tenant", "mfa", "aadsts", "conditional", "azure", "idp", "corporate"] {
            assert!(!sentence.contains(word), "{help:?}: {word}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_can_be_parsed(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        text in "(code|state|error|error_description|iss|=|&|%|[0-9a-f]|AADSTS|Trace ID: ){0,40}",
    ) {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(response) = AuthorizationResponse::parse(bytes) {
                prop_assert!(!response.state().is_empty());
            }
        }
    }
}
