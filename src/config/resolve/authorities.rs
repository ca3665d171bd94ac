//! Authorities: the two that are always there, those of the file, and which of them some route can use.

use url::Url;

use super::client::{self, Registration};
use super::domains::plain;
use super::routes::ResolvedRoute;
use super::server::report_repeated;
use super::{Surroundings, files};
use crate::config::AuthoritySettings;
use crate::config::file::File;
use crate::config::file::authorities::{AuthoritySection, Issuer, KINDS};
use crate::config::file::reader::listed;
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Problem, Shown, Span};
use crate::domain::account::AccountKind;
use crate::domain::address::Domain;
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::realm::KnownAuthority;
use crate::protocol::authorize::{self, ResponseMode};

/// One authority as far as it could be resolved. What is `None` was reported.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) name: AuthorityName,
    /// Its table header; `None` for a built-in one that the file does not mention.
    pub(crate) at: Option<Span>,
    pub(crate) kind: Option<AccountKind>,
    pub(crate) issuer: Option<ExpectedIssuer>,
    pub(crate) domains: Vec<Located<Domain>>,
    pub(crate) registration: Registration,
    /// Whether the registration is its own and not the file's `[client]`.
    pub(crate) has_own_client: bool,
    rest: Option<Rest>,
}

/// What only the running proxy needs.
#[derive(Debug)]
struct Rest {
    discovery: Url,
    scopes: Vec<String>,
    ca_pem: Option<Vec<u8>>,
    response_mode: ResponseMode,
    extra_params: Vec<(String, String)>,
}

const BUILT_IN: [(&str, &str); 2] =
    [("work", "https://login.microsoftonline.com/organizations/v2.0"), ("personal", "https://login.microsoftonline.com/consumers/v2.0")];

/// Built-in ones first, the others in the order of the file.
pub(crate) fn resolve(file: &File, around: &Surroundings<'_>) -> Vec<Authority> {
    let default = client::resolve(&file.client, around);
    let built_in = BUILT_IN.iter().map(|(name, issuer)| {
        let section = file.authorities.iter().find(|section| section.name.as_str() == *name);
        section.map_or_else(|| untouched(name, issuer, &default), |section| configured(section, Some(issuer), &default, around))
    });
    let others = file.authorities.iter().filter(|section| BUILT_IN.iter().all(|(name, _)| section.name.as_str() != *name));
    built_in.chain(others.map(|section| configured(section, None, &default, around))).collect()
}

fn untouched(name: &str, issuer: &str, default: &Registration) -> Authority {
    let expected = ExpectedIssuer::parse(issuer).ok();
    Authority {
        name: AuthorityName::parse(name).unwrap_or_else(|_| AuthorityName::work()),
        at: None,
        kind: expected.as_ref().and_then(ExpectedIssuer::implied_kind),
        issuer: expected,
        domains: Vec::new(),
        registration: default.clone(),
        has_own_client: false,
        rest: default_discovery(issuer).map(|discovery| Rest {
            discovery,
            scopes: default_scopes(),
            ca_pem: None,
            response_mode: ResponseMode::default(),
            extra_params: Vec::new(),
        }),
    }
}

fn configured(section: &AuthoritySection, built_in: Option<&str>, default: &Registration, around: &Surroundings<'_>) -> Authority {
    let own = client::resolve(&section.client, around);
    let default_issuer = built_in.filter(|_| section.issuer.is_absent()).and_then(|text| {
        let expected = ExpectedIssuer::parse(text).ok()?;
        Some(Issuer { text: text.to_owned(), expected })
    });
    let issuer = section.issuer.value().or(default_issuer.as_ref());
    let domains = section.domains.value().cloned().unwrap_or_default();
    report_repeated(&domains, "the domain", around.findings);
    Authority {
        name: section.name.clone(),
        at: Some(section.at),
        kind: issuer.and_then(|issuer| kind(section, issuer, around)),
        issuer: issuer.map(|issuer| issuer.expected.clone()),
        domains,
        has_own_client: !section.client.is_absent(),
        registration: match own {
            Registration::Missing => default.clone(),
            Registration::Broken | Registration::Ready(_) => own,
        },
        rest: rest(section, issuer, around),
    }
}

/// What an authority issues: as declared, as its issuer implies, or as its name does.
fn kind(section: &AuthoritySection, issuer: &Issuer, around: &Surroundings<'_>) -> Option<AccountKind> {
    let named = KINDS.iter().find(|(word, _)| *word != "customer" && *word == section.name.as_str()).map(|(_, kind)| *kind);
    let implied = issuer.expected.implied_kind();
    let declared = match &section.kind {
        Setting::Absent => named,
        Setting::Broken => return None,
        Setting::Given(kind) => Some(kind.value),
    };
    let Some(kind) = declared.or(implied) else {
        let problem =
            Problem::new(Code::KindMissing, section.at, format!("which kind of account does the authority `{}` issue?", section.name));
        let words = listed(KINDS.iter().map(|(word, _)| *word));
        around.findings.report(problem.label("its issuer does not tell").note(format!("add: kind = …, one of {words}")));
        return None;
    };
    let contradiction = if named.is_some_and(|named| named != kind) {
        Some(format!("an authority named `{}` cannot issue {} accounts", section.name, kind.as_str()))
    } else if !can_issue(&issuer.expected, kind) {
        Some(format!("this issuer cannot issue {} accounts", kind.as_str()))
    } else {
        None
    };
    let Some(title) = contradiction else { return Some(kind) };
    let at = section.kind.given().map(|kind| kind.at).or_else(|| section.issuer.given().map(|issuer| issuer.at)).unwrap_or(section.at);
    let mut problem = Problem::new(Code::KindContradiction, at, title);
    if let Some(implied) = implied {
        problem = problem.label(format!("the issuer issues {} accounts", implied.as_str()));
    }
    if let Some(issuer) = section.issuer.given().filter(|issuer| issuer.at != at) {
        problem = problem.context(issuer.at, "the issuer");
    }
    around.findings.report(problem);
    None
}

fn can_issue(issuer: &ExpectedIssuer, kind: AccountKind) -> bool {
    match (issuer, kind) {
        // Whoever signs up may be taken for a customer.
        (ExpectedIssuer::Tenant { .. } | ExpectedIssuer::TenantOfDomain { .. }, AccountKind::Customer) => true,
        (
            ExpectedIssuer::Consumers { .. }
            | ExpectedIssuer::Exact(_)
            | ExpectedIssuer::Organizations { .. }
            | ExpectedIssuer::Template { .. }
            | ExpectedIssuer::Tenant { .. }
            | ExpectedIssuer::TenantOfDomain { .. },
            kind,
        ) => issuer.implied_kind().is_none_or(|implied| implied == kind),
    }
}

fn default_scopes() -> Vec<String> {
    ["openid", "profile", "email"].map(str::to_owned).into()
}

fn default_discovery(issuer: &str) -> Option<Url> {
    Url::parse(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))).ok()
}

fn rest(section: &AuthoritySection, issuer: Option<&Issuer>, around: &Surroundings<'_>) -> Option<Rest> {
    let scopes = scopes(section, around);
    let ca_pem = files::certificates(&section.ca_file, "ca_file", around);
    let extra_params = extra_params(section, around);
    let discovery = discovery(section, issuer?, around);
    let response_mode = section.response_mode.value().copied().unwrap_or_default();
    Some(Rest { discovery: discovery?, scopes, ca_pem: ca_pem?, response_mode, extra_params })
}

fn discovery(section: &AuthoritySection, issuer: &Issuer, around: &Surroundings<'_>) -> Option<Url> {
    match (&section.discovery, &issuer.expected) {
        (Setting::Given(url), _) => Some(url.value.clone()),
        (Setting::Broken, _) => None,
        (Setting::Absent, ExpectedIssuer::Template { .. }) => {
            let title = format!("`discovery` is missing in [authorities.{}]", section.name);
            let at = section.issuer.given().map_or(section.at, |issuer| issuer.at);
            around.findings.report(Problem::new(Code::Missing, at, title).label("a template does not tell where the metadata document is"));
            None
        }
        (Setting::Absent, _) => default_discovery(&issuer.text),
    }
}

/// `openid` first: without it there is no ID token (OpenID Connect Core §3.1.2.1).
fn scopes(section: &AuthoritySection, around: &Surroundings<'_>) -> Vec<String> {
    let Some(given) = section.scopes.value() else { return default_scopes() };
    report_repeated(given, "the scope", around.findings);
    let others = given.iter().map(|scope| scope.value.clone()).filter(|scope| scope != "openid");
    std::iter::once("openid".to_owned()).chain(others).collect()
}

fn extra_params(section: &AuthoritySection, around: &Surroundings<'_>) -> Vec<(String, String)> {
    let Some(given) = section.extra_params.value() else { return Vec::new() };
    for (name, value) in given {
        let (code, label) = if authorize::is_reserved(&name.value) {
            (Code::ProtocolParameter, "Homerealm sets this one itself, or must not have it")
        } else if name.value.is_empty() || name.value.len() + value.len() > 512 || name.value.contains(char::is_control) {
            (Code::Malformed, "expected a short name and a short value")
        } else {
            continue;
        };
        let title = format!("{} cannot be an extra parameter of the authority `{}`", Shown(&name.value), section.name);
        let mut problem = Problem::new(code, name.key, title).label(label);
        if code == Code::ProtocolParameter {
            problem = problem.note(format!("not allowed here: {}", authorize::RESERVED.join(", ")));
        }
        around.findings.report(problem);
    }
    given.iter().map(|(name, value)| (name.value.clone(), value.clone())).collect()
}

/// What home realm discovery needs of the authorities that some route uses: nothing secret, and nothing from other files.
/// `None` if one of them is broken.
pub(crate) fn known(authorities: &[Authority], routes: &[ResolvedRoute]) -> Option<Vec<KnownAuthority>> {
    let known = |authority: &Authority| {
        let Authority { name, kind, issuer, domains, .. } = authority;
        Some(KnownAuthority { name: name.clone(), kind: (*kind)?, issuer: issuer.clone()?, domains: plain(domains) })
    };
    let used = |authority: &&Authority| routes.iter().any(|route| route.authorities.contains(&authority.name));
    authorities.iter().filter(used).map(known).collect()
}

/// The authorities that some route uses. `None` if one of them cannot be used.
pub(crate) fn used(authorities: Vec<Authority>, routes: &[ResolvedRoute], around: &Surroundings<'_>) -> Option<Vec<AuthoritySettings>> {
    let mut settings = Vec::new();
    // Nobody knows whom a broken route would have used.
    let is_known = !routes.is_empty() && routes.iter().all(|route| route.route.is_some() || !route.authorities.is_empty());
    for authority in authorities {
        let user = routes.iter().find(|route| route.authorities.contains(&authority.name));
        let Some(user) = user else {
            if is_known && authority.kind.is_some() {
                warn_of_unused(&authority, around);
            }
            continue;
        };
        settings.push(settings_of(authority, user, around));
    }
    settings.into_iter().collect()
}

fn warn_of_unused(authority: &Authority, around: &Surroundings<'_>) {
    let Some(at) = authority.at else { return };
    let title = format!("no route uses the authority `{}`", authority.name);
    around.findings.report(Problem::new(Code::UnusedAuthority, at, title).label("nobody can sign in here"));
}

fn settings_of(authority: Authority, user: &ResolvedRoute, around: &Surroundings<'_>) -> Option<AuthoritySettings> {
    let client = match authority.registration {
        Registration::Ready(client) => Some(client),
        Registration::Broken => None,
        Registration::Missing => {
            let title = format!("no registration for the authority `{}`", authority.name);
            let problem = Problem::new(Code::ClientMissing, authority.at.unwrap_or(user.at), title);
            let problem = match authority.at {
                Some(_) => problem.label("has no `client`").context(user.at, "this route uses it"),
                None => problem.label("this route uses it"),
            };
            let way_out = format!(
                "add [client] with `id` and `secret_file`, or client = {{ id = …, secret_file = … }} to [authorities.{}]",
                authority.name
            );
            around.findings.report(problem.note(way_out));
            None
        }
    };
    let rest = authority.rest?;
    Some(AuthoritySettings {
        name: authority.name,
        kind: authority.kind?,
        issuer: authority.issuer?,
        discovery: rest.discovery,
        client: client?,
        scopes: rest.scopes,
        ca_pem: rest.ca_pem,
        response_mode: rest.response_mode,
        extra_params: rest.extra_params,
    })
}
