//! The authorities this provider answers for: the first segment of every path.

use super::directory::{Account, TENANTS};
use crate::domain::account::TenantId;

/// Who may sign in, and who is named as issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// Everybody, at their homes.
    Common,
    /// Personal accounts.
    Consumers,
    /// Work accounts, at their homes.
    Organizations,
    /// One tenant's members and guests.
    Tenant(TenantId),
}

impl Authority {
    /// Reads a path segment: `common`, `organizations`, `consumers`, a tenant's id or its domain. `None` for a tenant
    /// that does not exist.
    #[must_use]
    pub fn parse(segment: &str) -> Option<Self> {
        match segment {
            "common" => return Some(Self::Common),
            "consumers" => return Some(Self::Consumers),
            "organizations" => return Some(Self::Organizations),
            _ => {}
        }
        let asked = TenantId::parse(segment).ok();
        let known = |domain: Option<&str>| domain.is_some_and(|domain| domain.eq_ignore_ascii_case(segment));
        let tenant = TENANTS.iter().find(|tenant| asked == Some(tenant.id) || known(tenant.domain))?;
        Some(if tenant.id == TenantId::CONSUMERS { Self::Consumers } else { Self::Tenant(tenant.id) })
    }

    /// The segment under which its endpoints are announced: a tenant's id even where its domain was asked for.
    #[must_use]
    pub fn segment(self) -> String {
        match self {
            Self::Common => "common".into(),
            Self::Consumers => "consumers".into(),
            Self::Organizations => "organizations".into(),
            Self::Tenant(tenant) => tenant.to_string(),
        }
    }

    /// `issuer` of its metadata document: literal braces where several tenants issue.
    #[must_use]
    pub fn announced_issuer(self, origin: &str) -> String {
        match self {
            Self::Common | Self::Organizations => format!("{origin}/{{tenantid}}/v2.0"),
            Self::Consumers => issuer(origin, TenantId::CONSUMERS),
            Self::Tenant(tenant) => issuer(origin, tenant),
        }
    }

    /// Whether the account can sign in here. Guests sign in where they are guests and nowhere else.
    #[must_use]
    pub fn admits(self, account: &Account) -> bool {
        let personal = account.tenant.id == TenantId::CONSUMERS;
        match self {
            Self::Common => account.is_home(),
            Self::Consumers => personal,
            Self::Organizations => account.is_home() && !personal,
            Self::Tenant(tenant) => account.tenant.id == tenant,
        }
    }

    /// For pages.
    pub(super) fn description(self) -> String {
        match self {
            Self::Common => "work or school accounts and personal accounts".into(),
            Self::Consumers => "personal accounts".into(),
            Self::Organizations => "work or school accounts of any organisation".into(),
            Self::Tenant(id) => {
                let name = TENANTS.iter().find(|tenant| tenant.id == id).map_or("a tenant", |tenant| tenant.name);
                format!("members and guests of {name}")
            }
        }
    }
}

/// `iss` of the tokens of a tenant.
pub(super) fn issuer(origin: &str, tenant: TenantId) -> String {
    format!("{origin}/{tenant}/v2.0")
}
