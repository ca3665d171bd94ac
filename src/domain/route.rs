//! Routes: what each one matches and whom it admits; where it forwards is [`super::destination`]. Everything here is
//! parsed already; which route a request finds is `table`'s business.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, Method};

use super::account::{AccountKind, TenantId};
use super::authority::AuthorityName;
use super::destination::Destination;
use super::identity_headers::{HeaderTemplate, Preset};
use super::pattern::PathPattern;
use super::prefix::Prefix;
use super::target::Target;
pub use super::written::Position;
use super::written::RouteKeys;

#[cfg(test)]
pub(crate) mod made_up;
mod table;

pub use table::{NoMatch, RouteTable};

/// The name of a route in logs, pages and metrics.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteName(Arc<str>);

impl RouteName {
    /// Takes a name that the configuration has checked.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RouteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// One `[[routes]]` table.
#[derive(Debug, Clone)]
pub struct Route {
    /// Unique in the table.
    pub name: RouteName,
    /// Where its `[[routes]]` line stands.
    pub position: Position,
    /// What it matches.
    pub matcher: Matcher,
    /// Whom it admits.
    pub access: Access,
    /// What somebody who is not signed in gets.
    pub unauthenticated: Unauthenticated,
    /// Access tokens accepted here; `None` accepts none.
    pub bearer: Option<BearerRequirements>,
    /// Where it forwards.
    pub destination: Destination,
    /// What the upstream does not get to see of paths; `None` leaves them as they are.
    pub strip_prefix: Option<Prefix>,
    /// What the upstream is told about the person.
    pub headers: HeaderRules,
    /// How long the upstream may take.
    pub timeouts: Timeouts,
    /// The largest request body in bytes; `None` sets no bound.
    pub max_body: Option<u64>,
    /// Whether `Upgrade: websocket` is passed on.
    pub websocket: bool,
    /// Where its keys are written.
    pub written: RouteKeys,
}

/// What a route matches. Each part left out matches everything.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    /// Host name without port, lower case.
    pub host: Option<String>,
    /// The path.
    pub path: Option<PathPattern>,
    /// Methods; empty matches all.
    pub methods: Vec<Method>,
}

impl Matcher {
    /// Whether a request for `target` with `method` is meant. A route for GET takes HEAD as well (RFC 9110 §9.3.2:
    /// HEAD is GET without the content).
    #[must_use]
    pub fn matches(&self, target: &Target, method: &Method) -> bool {
        self.matches_path(target.path()) && self.matches_rest(target, method)
    }

    fn matches_path(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|pattern| pattern.matches(path))
    }

    fn matches_rest(&self, target: &Target, method: &Method) -> bool {
        self.host.as_deref().is_none_or(|host| host == target.host()) && self.takes(method)
    }

    pub(super) fn takes(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.contains(method) || (*method == Method::HEAD && self.methods.contains(&Method::GET))
    }
}

/// `auth` with what belongs to it.
#[derive(Debug, Clone)]
pub enum Access {
    /// `auth = "none"`: no identity is looked for and none is forwarded.
    Public,
    /// `auth = "optional"`: an admitted identity is forwarded if there is one.
    Optional(Requirements),
    /// `auth = "required"`.
    Required(Requirements),
    /// `auth = "required"` and `enforce = false`: everybody who signs in is let in, and what the route states is only tried
    /// on them.
    Shadowed {
        /// Every kind, tenant and guest.
        enforced: Requirements,
        /// What the route states.
        stated: Requirements,
    },
}

impl Access {
    /// The requirements that are enforced, if the route looks at identities at all.
    #[must_use]
    pub const fn requirements(&self) -> Option<&Requirements> {
        match self {
            Self::Public => None,
            Self::Optional(requirements) | Self::Required(requirements) | Self::Shadowed { enforced: requirements, .. } => {
                Some(requirements)
            }
        }
    }

    /// The requirements as the route states them, enforced or not.
    #[must_use]
    pub const fn stated(&self) -> Option<&Requirements> {
        match self {
            Self::Public => None,
            Self::Optional(requirements) | Self::Required(requirements) | Self::Shadowed { stated: requirements, .. } => Some(requirements),
        }
    }
}

/// Whom a route admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// Kinds of account.
    pub kinds: AccountKinds,
    /// Authorities, in the order in which their sessions are tried. Never empty: the configuration fills the default in.
    pub authorities: Vec<AuthorityName>,
    /// Tenants of work accounts; empty admits every tenant.
    pub tenants: Vec<TenantId>,
    /// Guests of those tenants.
    pub guests: Guests,
    /// Object ids of groups. One of groups and roles together suffices; both empty asks for none.
    pub groups: Vec<Arc<str>>,
    /// App roles.
    pub roles: Vec<Arc<str>>,
}

/// A set of account kinds, never empty in a route that looks at identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccountKinds {
    customer: bool,
    personal: bool,
    work: bool,
}

impl AccountKinds {
    /// Every kind.
    pub const ANY: Self = Self { customer: true, personal: true, work: true };

    /// The set with `kind` in it.
    #[must_use]
    pub const fn with(mut self, kind: AccountKind) -> Self {
        match kind {
            AccountKind::Customer => self.customer = true,
            AccountKind::Personal => self.personal = true,
            AccountKind::Work => self.work = true,
        }
        self
    }

    /// Whether `kind` is in the set.
    #[must_use]
    pub const fn contains(self, kind: AccountKind) -> bool {
        match kind {
            AccountKind::Customer => self.customer,
            AccountKind::Personal => self.personal,
            AccountKind::Work => self.work,
        }
    }

    /// The kinds in the set, in the order of [`AccountKind::ALL`].
    pub fn iter(self) -> impl Iterator<Item = AccountKind> {
        AccountKind::ALL.into_iter().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<AccountKind> for AccountKinds {
    fn from_iter<T: IntoIterator<Item = AccountKind>>(kinds: T) -> Self {
        kinds.into_iter().fold(Self::default(), Self::with)
    }
}

/// `guests`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Guests {
    /// Whoever the tenant lets in.
    Allow,
    /// Members only.
    #[default]
    Deny,
    /// Guests whose home is a work account.
    Work,
}

/// `unauthenticated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unauthenticated {
    /// Navigations are sent to sign in, everything else gets 401.
    #[default]
    Auto,
    /// GET and HEAD are sent to sign in, whatever asks.
    Redirect,
    /// 401 for everything.
    Refuse,
}

/// `bearer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BearerRequirements {
    /// One of these must be the token's `aud`. Never empty.
    pub audiences: Vec<Arc<str>>,
    /// All of these must be in `scp`.
    pub scopes: Vec<Arc<str>>,
    /// One of these must be in `roles`; empty asks for none.
    pub roles: Vec<Arc<str>>,
}

/// `headers`.
#[derive(Debug, Clone, Default)]
pub struct HeaderRules {
    /// The set of identity headers.
    pub preset: Preset,
    /// Further headers, made of the person's facts.
    pub set: Vec<(HeaderName, HeaderTemplate)>,
    /// Request headers that are not passed on.
    pub remove: Vec<HeaderName>,
}

/// `timeouts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a new connection to the upstream, TLS included.
    pub connect: Duration,
    /// From the last byte of the request head to the response head.
    pub response: Duration,
    /// Between two pieces of a body, in either direction.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), response: Duration::from_secs(30), idle: Duration::from_secs(60) }
    }
}
