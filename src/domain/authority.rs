//! Authorities: who can vouch for people, and which issuer may speak for which tenant.
//!
//! The address of a Microsoft authority is not the issuer of its tokens: `…/organizations/v2.0` announces the template
//! `…/{tenantid}/v2.0`, `…/consumers/v2.0` the consumer tenant, `…/contoso.com/v2.0` Contoso's GUID. So there are two
//! types: what the configuration expects ([`ExpectedIssuer`]) and what tokens are held against once the metadata
//! document has been read ([`IssuerInForce`]).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::account::{AccountKind, Pinning, TenantId};
use super::text;

mod in_force;

pub use in_force::{IssuerInForce, IssuerMismatch};

/// The name of an authority in TOML, URLs, cookie names, logs and metrics: lower-case letters, digits and hyphens.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AuthorityName(#[serde(deserialize_with = "text::shared")] Arc<str>);

/// The name has other characters than `a-z`, `0-9` and `-`, starts or ends with a hyphen, is not 1 to 32 long, or is
/// [`RESERVED`](AuthorityName::RESERVED).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "an authority's name has 1 to 32 characters from a-z, 0-9 and inner hyphens, and is not `everywhere`: it becomes part of URLs and cookie names"
)]
pub struct InvalidAuthorityName;

impl AuthorityName {
    /// The longest name, in bytes: it is part of a cookie's name.
    pub const MAX_LENGTH: usize = 32;

    /// What looks like a name and is none: on the sign-out page it means every browser.
    pub const RESERVED: &'static str = "everywhere";

    /// Reads a name.
    ///
    /// # Errors
    /// [`InvalidAuthorityName`].
    pub fn parse(text: &str) -> Result<Self, InvalidAuthorityName> {
        let plain = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        let edges = text.starts_with('-') || text.ends_with('-');
        let fits = plain && !edges && (1..=Self::MAX_LENGTH).contains(&text.len());
        if fits && text != Self::RESERVED { Ok(Self(text.into())) } else { Err(InvalidAuthorityName) }
    }

    /// The built-in authority for work and school accounts.
    #[must_use]
    pub fn work() -> Self {
        Self("work".into())
    }

    /// The built-in authority for personal accounts.
    #[must_use]
    pub fn personal() -> Self {
        Self("personal".into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AuthorityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// What the configuration says about the issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedIssuer {
    /// `{origin}/consumers/v2.0`: personal Microsoft accounts.
    Consumers {
        /// Scheme, host and port of the issuer.
        origin: String,
    },
    /// `{origin}/organizations/v2.0`: every tenant but the consumers'.
    Organizations {
        /// Scheme, host and port of the issuer.
        origin: String,
    },
    /// `{origin}/{tenant}/v2.0`: one tenant, named by its id.
    Tenant {
        /// Scheme, host and port of the issuer.
        origin: String,
        /// The only tenant believed.
        tenant: TenantId,
    },
    /// `{origin}/contoso.com/v2.0`: one tenant, whose id the metadata document tells.
    TenantOfDomain {
        /// Scheme, host and port of the issuer.
        origin: String,
        /// The domain, in lower case.
        domain: String,
    },
    /// A template of the operator's own, with one `{tenantid}`.
    Template {
        /// What stands before the tenant id.
        prefix: String,
        /// What stands behind it.
        suffix: String,
    },
    /// Any other OpenID provider: this text and no other (OpenID Connect Core §3.1.3.7, step 2).
    Exact(String),
}

/// Why an issuer in the configuration cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableIssuer {
    /// `common` mixes the two kinds that this proxy keeps apart.
    #[error("`common` mixes personal and work accounts: use the authorities `personal` and `work`, which are there already")]
    Common,
    /// Not an absolute http(s) URL without query and fragment.
    #[error("an issuer is an absolute https URL without query or fragment, like https://login.example.com/tenant/v2.0")]
    NotAUrl,
    /// `{tenantid}` more than once, or in the host.
    #[error("a template has `{{tenantid}}` once, in its path")]
    Template,
}

const PLACEHOLDER: &str = "{tenantid}";

impl ExpectedIssuer {
    /// Reads the `issuer` key. The text decides the shape: a path of `/organizations/v2.0`, `/consumers/v2.0`,
    /// `/GUID/v2.0` or `/a.domain/v2.0` is Microsoft's, `{tenantid}` makes a template, all else is exact.
    ///
    /// # Errors
    /// [`UnusableIssuer`].
    pub fn parse(text: &str) -> Result<Self, UnusableIssuer> {
        if let Some((prefix, suffix)) = text.split_once(PLACEHOLDER) {
            let in_path = matches!(split_origin(prefix), Some((_, path)) if path.starts_with('/'));
            return if in_path && !suffix.contains(PLACEHOLDER) && !has_query_or_fragment(text) {
                Ok(Self::Template { prefix: prefix.into(), suffix: suffix.into() })
            } else {
                Err(UnusableIssuer::Template)
            };
        }
        let (origin, path) = split_origin(text).filter(|_| !has_query_or_fragment(text)).ok_or(UnusableIssuer::NotAUrl)?;
        let Some(tenant) = path.strip_prefix('/').and_then(|path| path.strip_suffix("/v2.0")).filter(|tenant| !tenant.contains('/')) else {
            return Ok(Self::Exact(text.into()));
        };
        let origin = issuer_origin(origin);
        match tenant {
            "common" => Err(UnusableIssuer::Common),
            "consumers" => Ok(Self::Consumers { origin }),
            "organizations" => Ok(Self::Organizations { origin }),
            tenant => match TenantId::parse(tenant) {
                Ok(TenantId::CONSUMERS) => Ok(Self::Consumers { origin }),
                Ok(tenant) => Ok(Self::Tenant { origin, tenant }),
                Err(_) if tenant.contains('.') => Ok(Self::TenantOfDomain { origin, domain: tenant.to_ascii_lowercase() }),
                Err(_) => Ok(Self::Exact(text.into())),
            },
        }
    }

    /// The kind of account it issues, where the issuer alone tells. The hosts of Azure AD B2C and External ID tell:
    /// their issuers have the shape of an organisation's, and hold its customers.
    #[must_use]
    pub fn implied_kind(&self) -> Option<AccountKind> {
        match self {
            Self::Consumers { .. } => Some(AccountKind::Personal),
            Self::Organizations { origin } | Self::Tenant { origin, .. } | Self::TenantOfDomain { origin, .. } => {
                Some(if is_for_customers(origin) { AccountKind::Customer } else { AccountKind::Work })
            }
            Self::Template { prefix: issuer, .. } | Self::Exact(issuer) => is_for_customers(issuer).then_some(AccountKind::Customer),
        }
    }

    /// Whether this is shaped like Microsoft's own v2.0 endpoint, whose habits differ from other providers'
    /// (`client_info`, no `login_hint` beside `prompt=select_account`).
    #[must_use]
    pub const fn is_microsoft_shaped(&self) -> bool {
        self.microsoft_origin().is_some()
    }

    /// Scheme, host and port of an issuer that is shaped like Microsoft's.
    #[must_use]
    pub const fn microsoft_origin(&self) -> Option<&str> {
        match self {
            Self::Consumers { origin }
            | Self::Organizations { origin }
            | Self::Tenant { origin, .. }
            | Self::TenantOfDomain { origin, .. } => Some(origin.as_str()),
            Self::Template { .. } | Self::Exact(_) => None,
        }
    }

    /// Whether the authority can speak for one issuer only.
    #[must_use]
    pub const fn pinning(&self) -> Pinning {
        match self {
            Self::Organizations { .. } | Self::Template { .. } => Pinning::ManyTenants,
            Self::Consumers { .. } | Self::Tenant { .. } | Self::TenantOfDomain { .. } | Self::Exact(_) => Pinning::OneIssuer,
        }
    }

    /// Whether a principal of this `iss` and `tid` can be this authority's, as far as the configuration alone tells: what a
    /// session is held against, which was judged under the configuration of its day. A name may since have gone to
    /// another provider.
    #[must_use]
    pub fn may_have_issued(&self, issuer: &str, tenant: Option<TenantId>) -> bool {
        let of_origin = |origin: &str, tenant: TenantId| {
            let rest = issuer.strip_prefix(origin).and_then(|rest| rest.strip_prefix('/'));
            rest.and_then(|rest| rest.strip_suffix("/v2.0")).is_some_and(|named| TenantId::parse(named) == Ok(tenant))
        };
        match (self, tenant) {
            (Self::Exact(ours), _) => ours == issuer,
            (Self::Consumers { origin }, Some(TenantId::CONSUMERS)) => of_origin(origin, TenantId::CONSUMERS),
            (Self::Tenant { origin, tenant: ours }, Some(tenant)) => *ours == tenant && of_origin(origin, tenant),
            (Self::Organizations { origin } | Self::TenantOfDomain { origin, .. }, Some(tenant)) => {
                tenant != TenantId::CONSUMERS && of_origin(origin, tenant)
            }
            (Self::Template { prefix, suffix }, Some(tenant)) => template_fills_to(prefix, suffix, tenant, issuer),
            (
                Self::Consumers { .. }
                | Self::Organizations { .. }
                | Self::Template { .. }
                | Self::Tenant { .. }
                | Self::TenantOfDomain { .. },
                _,
            ) => false,
        }
    }

    /// Whether an issuer can be this authority's where nothing tells the tenant beside it: as
    /// [`may_have_issued`](Self::may_have_issued), for any tenant that the issuer itself names.
    #[must_use]
    pub fn may_be(&self, issuer: &str) -> bool {
        let named = issuer.split('/').find_map(|segment| TenantId::parse(segment).ok());
        self.may_have_issued(issuer, named)
    }

    /// Whether both are doors of one house: Microsoft's authorities of one cloud. An app that is registered at one of them
    /// is the same app at the others.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        self.house().is_some_and(|house| other.house() == Some(house))
    }

    fn house(&self) -> Option<&str> {
        match self {
            Self::Consumers { origin }
            | Self::Organizations { origin }
            | Self::Tenant { origin, .. }
            | Self::TenantOfDomain { origin, .. } => Some(origin),
            Self::Template { .. } | Self::Exact(_) => None,
        }
    }

    /// Holds the `issuer` of a metadata document against the expectation, and yields what tokens are held against
    /// (OpenID Connect Discovery §4.3, with Microsoft's template as the one exception it needs).
    ///
    /// # Errors
    /// [`ForeignIssuer`] if the document speaks for somebody else.
    pub fn adopt(&self, document_issuer: &str) -> Result<IssuerInForce, ForeignIssuer> {
        let in_force = match self {
            Self::Consumers { origin } => IssuerInForce::of_tenant(origin, TenantId::CONSUMERS),
            Self::Organizations { origin } => IssuerInForce::PerTenant { prefix: format!("{origin}/"), suffix: "/v2.0".into() },
            Self::Tenant { origin, tenant } => IssuerInForce::of_tenant(origin, *tenant),
            Self::TenantOfDomain { origin, .. } => {
                let told = document_issuer.strip_prefix(origin.as_str()).and_then(|rest| rest.strip_prefix('/'));
                let told = told.and_then(|rest| rest.strip_suffix("/v2.0")).and_then(|tenant| TenantId::parse(tenant).ok());
                let tenant = told.filter(|tenant| *tenant != TenantId::CONSUMERS).ok_or(ForeignIssuer)?;
                IssuerInForce::of_tenant(origin, tenant)
            }
            Self::Template { prefix, suffix } => IssuerInForce::PerTenant { prefix: prefix.clone(), suffix: suffix.clone() },
            Self::Exact(issuer) => IssuerInForce::One { issuer: issuer.clone(), tenant: None },
        };
        if in_force.announced() == document_issuer { Ok(in_force) } else { Err(ForeignIssuer) }
    }
}

/// A metadata document names another issuer than the authority's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the metadata document names another issuer than the one configured (OpenID Connect Discovery §4.3)")]
pub struct ForeignIssuer;

/// Whether `template` (an issuer, perhaps with `{tenantid}`) filled with `tenant` is exactly `issuer`. Microsoft's
/// signing keys carry such a template each, and a key may sign for no other issuer.
#[must_use]
pub fn issuer_template_admits(template: &str, tenant: Option<TenantId>, issuer: &str) -> bool {
    match (template.split_once(PLACEHOLDER), tenant) {
        (None, _) => template == issuer,
        (Some((prefix, suffix)), Some(tenant)) => template_fills_to(prefix, suffix, tenant, issuer),
        (Some(_), None) => false,
    }
}

fn template_fills_to(prefix: &str, suffix: &str, tenant: TenantId, issuer: &str) -> bool {
    let gap = issuer.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix));
    // The lower-case spelling only: an issuer is compared as a string (RFC 9207 §2.4), and that is how it is issued.
    gap.is_some_and(|gap| gap == tenant.to_string())
}

fn split_origin(url: &str) -> Option<(&str, &str)> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| url.starts_with(scheme))?;
    let rest = &url[scheme.len()..];
    let host_length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = &rest[..host_length];
    let plain =
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
    plain.then(|| url.split_at(scheme.len() + host_length))
}

fn is_for_customers(url: &str) -> bool {
    let host = split_origin(url).and_then(|(origin, _)| origin.split(':').nth(1)).unwrap_or_default().to_ascii_lowercase();
    [".ciamlogin.com", ".b2clogin.com"].iter().any(|domain| host.ends_with(domain))
}

fn has_query_or_fragment(url: &str) -> bool {
    url.contains(['?', '#'])
}

/// The origin that stands in tokens, which for some of Microsoft's host names is another one.
fn issuer_origin(origin: &str) -> String {
    match origin {
        "https://login.windows.net" | "https://login.microsoft.com" | "https://sts.windows.net" => {
            "https://login.microsoftonline.com".into()
        }
        "https://login.chinacloudapi.cn" => "https://login.partner.microsoftonline.cn".into(),
        "https://login.usgovcloudapi.net" => "https://login.microsoftonline.us".into(),
        origin => origin.into(),
    }
}

#[cfg(test)]
mod tests;
