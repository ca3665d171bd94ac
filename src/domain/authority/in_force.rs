//! Which issuers tokens are held against, once the metadata document has been read.

use super::{PLACEHOLDER, template_fills_to};
use crate::domain::account::{AccountKind, TenantId};

/// Which issuers an authority's tokens may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssuerInForce {
    /// One issuer; for Microsoft's authorities also the one tenant.
    One {
        /// `iss`, character for character.
        issuer: String,
        /// `tid`, where the provider has tenants.
        tenant: Option<TenantId>,
    },
    /// A template to be filled with the token's own `tid`.
    PerTenant {
        /// What stands before the tenant id.
        prefix: String,
        /// What stands behind it.
        suffix: String,
    },
}

/// Why a token's issuer is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerMismatch {
    /// `iss` is not the authority's, or not the template filled with `tid`.
    #[error("the token's issuer is not this authority's")]
    Issuer,
    /// `tid` is missing, not the one tenant of this authority, or claimed by an issuer that has no tenants.
    #[error("the token's tenant is not this authority's")]
    Tenant,
    /// The consumer tenant at an authority for work accounts, or any other tenant at one for personal accounts.
    #[error("the token's tenant issues another kind of account than this authority does")]
    Kind,
}

impl IssuerInForce {
    pub(super) fn of_tenant(origin: &str, tenant: TenantId) -> Self {
        Self::One { issuer: format!("{origin}/{tenant}/v2.0"), tenant: Some(tenant) }
    }

    /// The tenant that an issuer of this authority's speaks for. Not yet that it is one.
    #[must_use]
    pub fn tenant_of(&self, issuer: &str) -> Option<TenantId> {
        match self {
            Self::One { tenant, .. } => *tenant,
            Self::PerTenant { prefix, suffix } => {
                let gap = issuer.strip_prefix(prefix.as_str()).and_then(|rest| rest.strip_suffix(suffix.as_str()));
                gap.and_then(|gap| TenantId::parse(gap).ok())
            }
        }
    }

    /// What the metadata document must say.
    #[must_use]
    pub fn announced(&self) -> String {
        match self {
            Self::One { issuer, .. } => issuer.clone(),
            Self::PerTenant { prefix, suffix } => format!("{prefix}{PLACEHOLDER}{suffix}"),
        }
    }

    /// Whether a token of this `iss` and `tid` is this authority's to issue.
    ///
    /// # Errors
    /// [`IssuerMismatch`] says which of the two does not fit.
    pub fn accepts(&self, kind: AccountKind, issuer: &str, tenant: Option<TenantId>) -> Result<(), IssuerMismatch> {
        match self {
            Self::One { issuer: ours, tenant: pinned } => {
                if issuer != ours {
                    return Err(IssuerMismatch::Issuer);
                }
                if pinned.is_some() && tenant != *pinned {
                    return Err(IssuerMismatch::Tenant);
                }
            }
            Self::PerTenant { .. } => {
                let tenant = tenant.ok_or(IssuerMismatch::Tenant)?;
                if !self.fills_to(tenant, issuer) {
                    return Err(IssuerMismatch::Issuer);
                }
            }
        }
        match (kind, tenant) {
            (AccountKind::Work | AccountKind::Customer, Some(TenantId::CONSUMERS)) => Err(IssuerMismatch::Kind),
            (AccountKind::Personal, Some(tenant)) if tenant != TenantId::CONSUMERS => Err(IssuerMismatch::Kind),
            (AccountKind::Customer | AccountKind::Personal | AccountKind::Work, Some(tenant)) if !self.speaks_for(tenant) => {
                Err(IssuerMismatch::Tenant)
            }
            (AccountKind::Customer | AccountKind::Personal | AccountKind::Work, _) => Ok(()),
        }
    }

    /// An exact issuer speaks for no tenant but one it names itself. Else any other provider could put a `tid` into its
    /// tokens, and so have its people taken for somebody of that tenant.
    fn speaks_for(&self, tenant: TenantId) -> bool {
        match self {
            Self::One { issuer, tenant: None } => issuer.split('/').any(|segment| TenantId::parse(segment) == Ok(tenant)),
            Self::One { tenant: Some(pinned), .. } => *pinned == tenant,
            Self::PerTenant { .. } => true,
        }
    }

    /// Compared piece by piece: no issuer is built per token, and nothing but the tenant may stand in the gap.
    fn fills_to(&self, tenant: TenantId, issuer: &str) -> bool {
        match self {
            Self::One { issuer: ours, .. } => ours == issuer,
            Self::PerTenant { prefix, suffix } => template_fills_to(prefix, suffix, tenant, issuer),
        }
    }
}
