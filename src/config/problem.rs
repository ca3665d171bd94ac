//! What can be wrong with a configuration: one enum of codes and one type that carries a finding while the file is read.
//! What becomes of the findings is `report`'s business.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use super::mask::looks_like_a_secret;
use super::report::RedirectUris;

/// A stretch of the file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    /// First byte.
    pub(crate) start: usize,
    /// Behind the last byte.
    pub(crate) end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing starts.
    Error,
    /// Said at start-up.
    Warning,
}

impl Severity {
    /// `error`, `warning`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($name:ident $code:literal $meaning:literal)+) => {
        /// What is wrong. Codes are stable: they stand in documentation and in people's scripts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $name,)+ }

        impl Code {
            /// Every code, errors first.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// `E003`, `W001`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What it means, as one sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),+ }
            }
        }
    };
}

codes! {
    Syntax "E001" "The file is not TOML."
    File "E002" "The configuration file cannot be read, is larger than 1 MiB or is not UTF-8."
    UnknownKey "E003" "The key does not exist here."
    WrongType "E004" "The value has another type than the key wants."
    UnknownValue "E005" "The value is not one of those that the key knows."
    Malformed "E006" "The value does not have the form that the key wants."
    Missing "E007" "A key that has no default is missing."
    NotAvailable "E008" "The feature is not available in this version."
    Version "E009" "The file is written for another version of the format."
    Empty "E010" "Something that must have a content is empty."
    Conflict "E011" "Two keys exclude each other."
    SecretInFile "E012" "A secret stands in the configuration file itself."
    Unreadable "E013" "A file that the configuration names, or an environment variable, cannot be read."
    Unusable "E014" "A file that the configuration names, or an environment variable, has a content that cannot be used."
    ShortKey "E015" "A session key has fewer than 32 bytes."
    Duplicate "E016" "The same thing is said twice."
    TooMany "E017" "There is more of something than is sensible."
    ClearText "E018" "Clear-text http off loopback."
    KindMissing "E019" "The authority must say which kind of account it issues."
    KindContradiction "E020" "The authority's kind contradicts its issuer or its name."
    NoEffect "E021" "The key has no effect beside the others of its table."
    ClientMissing "E022" "A route needs an authority that we have no registration for."
    ProtocolParameter "E023" "A static authorization parameter would override one of the protocol's own."
    UnknownName "E024" "A tenant, an authority or a route of this name is not configured."
    AuthorityNotAdmitted "E025" "The authority issues a kind of account that the route does not admit."
    NoAuthority "E026" "Nobody can sign in: no authority issues what the route admits."
    GuestsNeedTenant "E027" "Guests can only sign in at a tenant's own authority."
    AccountsMissing "E028" "A route that requires a sign-in does not say for which accounts."
    UpstreamMissing "E029" "Somebody whom the route admits has no upstream."
    UpstreamUnreached "E030" "An upstream is given for a kind of account that the route does not admit."
    IdleAboveMax "E031" "A session would end before its idle time is over."
    OwnedHeader "E032" "The header is one of Homerealm's own."
    ConnectionHeader "E033" "The header belongs to one connection or to the message's framing."
    PrefixOverlap "E034" "The route's path is taken by Homerealm's own endpoints."
    ForeignHost "E035" "No public URL has this host."
    Unwritable "E036" "A file that is to be written cannot be."
    Unreachable "E040" "Earlier routes take everything that this one matches."
    TestFailed "E041" "A test in the file does not hold."
    AdminExposed "E042" "The admin listener could be reached from other machines."
    OtherCase "E045" "An earlier route that asks who somebody is has the route's paths in other letter case."
    OwnUpstream "E046" "The upstream is Homerealm itself."
    StillToCome "E048" "A moment that has to be past is still to come."
    NobodyTrusted "E050" "Only trusted proxies may connect, and there are none."
    KeyMismatch "E051" "The private key is not that of the certificate."
    RandomKey "W001" "Sessions are sealed with a random key and end with the process."
    SecretExpires "W002" "The client secret expires soon."
    SecretExpired "W003" "The client secret has expired by the date given."
    UnusedAuthority "W004" "No route uses the authority."
    TrustsEverybody "W005" "Everybody, or a good part of the internet, may say where a request comes from."
    UnservedHost "W006" "No route matches the host of a public URL."
    FaintAccent "W007" "An accent colour is too faint for text."
    PerhapsDevelopment "W008" "An authority on this machine would be refused if it is a development provider."
    UnusedTenant "W009" "No route admits anybody of the tenant."
    NoEffectHere "W010" "The key has no effect beside the rest of the file."
    Placeholder "W011" "An id of nothing but zeros is nobody's."
    ClearTextStore "W012" "Connections to the session store are not encrypted."
    CertificateExpires "W015" "The certificate of our own expires soon."
    CertificateInvalid "W016" "The certificate of our own has expired, or is not valid yet."
    KeyExposed "W017" "Every user of the machine can read a private key."
    TlsUnderHttp "W018" "A public URL says http, and its port speaks TLS."
}

impl Code {
    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        if self.as_str().as_bytes()[0] == b'W' { Severity::Warning } else { Severity::Error }
    }
}

/// One finding.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) title: String,
    pub(crate) at: Span,
    pub(crate) label: String,
    pub(crate) context: Vec<(Span, String)>,
    pub(crate) notes: Vec<String>,
}

impl Problem {
    /// A finding at a place of the file.
    pub(crate) fn new(code: Code, at: Span, title: impl Into<String>) -> Self {
        Self { code, title: title.into(), at, label: String::new(), context: Vec::new(), notes: Vec::new() }
    }

    /// What stands behind the caret.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Another place that has to do with it.
    pub(crate) fn context(mut self, at: Span, label: impl Into<String>) -> Self {
        self.context.push((at, label.into()));
        self
    }

    /// A sentence below: what is expected, how to get out of it.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// Where findings are collected: reading goes on after each, so that all are told at once.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    problems: RefCell<Vec<Problem>>,
    hidden: RefCell<Vec<Span>>,
    redirect_uris: RefCell<RedirectUris>,
}

/// What was found, whether the file can be used or not.
#[derive(Debug)]
pub(crate) struct Found {
    /// In the order of the file.
    pub(crate) problems: Vec<Problem>,
    /// What must not be shown of it.
    pub(crate) hidden: Vec<Span>,
    /// What to register.
    pub(crate) redirect_uris: RedirectUris,
}

impl Findings {
    /// Adds one.
    pub(crate) fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Whether something was found with which nothing may start.
    pub(crate) fn has_errors(&self) -> bool {
        self.problems.borrow().iter().any(|problem| problem.code.severity() == Severity::Error)
    }

    /// Hides a stretch of the file from every rendering: it is, or may be, a secret.
    pub(crate) fn hide(&self, secret: Span) {
        self.hidden.borrow_mut().push(secret);
    }

    /// Keeps what to register at the providers: it is told whatever else is wrong.
    pub(crate) fn register(&self, redirect_uris: RedirectUris) {
        *self.redirect_uris.borrow_mut() = redirect_uris;
    }

    /// Everything. What is wrong with `[defaults]` was found once for every route and is told once.
    pub(crate) fn into_found(self) -> Found {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.at.start);
        let mut told = HashSet::new();
        problems.retain(|problem| told.insert((problem.code, problem.at.start, problem.title.clone())));
        Found { problems, hidden: self.hidden.into_inner(), redirect_uris: self.redirect_uris.into_inner() }
    }
}

/// Text of the user's as it stands in a message: one line, printable, not endless, and never what may be a secret.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 80;
        if looks_like_a_secret(self.0) {
            return f.write_str("`…`");
        }
        let mut shown: String = self.0.chars().take(LONGEST).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        if self.0.chars().nth(LONGEST).is_some() {
            shown.push('…');
        }
        write!(f, "`{shown}`")
    }
}

/// The one of `known` that was probably meant.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if written.len() > LONGEST {
        return None;
    }
    let scored = known.into_iter().map(|name| (strsim::damerau_levenshtein(written, name), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + name.len() / 4).then_some(name)
}

/// `did you mean …?` if there is something to mean, else `otherwise`.
pub(crate) fn did_you_mean<'a>(written: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    nearest(written, known).map_or_else(|| otherwise.to_owned(), |name| format!("did you mean `{name}`?"))
}
