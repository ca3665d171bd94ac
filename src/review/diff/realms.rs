//! Who can vouch for whom, in two files at once. A name says nothing here: two authorities know the same people if they
//! have the same issuer, and people whose only provider one file lacks cannot sign in there.
//!
//! A realm is a body of accounts: all personal accounts of a cloud, all its organisations', one other provider's. Within
//! one, an authority may speak for everybody, or for one organisation.

use std::sync::Arc;

use crate::domain::account::{AccountKind, TenantId};
use crate::domain::authority::{AuthorityName, ExpectedIssuer};
use crate::domain::rules::Rules;

/// A body of accounts of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Realm {
    pub(super) kind: AccountKind,
    /// What all its issuers have in common.
    issuer: String,
    /// The tenant that the issuer of a realm with a single organisation names, if it names one.
    pub(super) only: Option<Only>,
}

/// The one organisation of a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Only {
    pub(super) tenant: Option<TenantId>,
}

/// An authority of one file.
#[derive(Debug)]
pub(super) struct Voucher {
    pub(super) name: AuthorityName,
    /// Its place among the realms.
    pub(super) realm: usize,
    pub(super) voice: Voice,
}

/// For whom an authority speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Voice {
    /// The organisation that has this domain, whichever it is.
    Domain(Arc<str>),
    /// Everybody in the realm.
    Everybody,
    /// One organisation.
    Tenant(TenantId),
}

/// The realms of both files, and who speaks for them in each.
pub(super) struct Realms {
    pub(super) all: Vec<Realm>,
    /// In the old file and in the new one.
    pub(super) vouchers: [Vec<Voucher>; 2],
}

impl Realms {
    pub(super) fn of(old: &Rules, new: &Rules) -> Self {
        let mut all = Vec::new();
        let vouchers = [old, new].map(|rules| {
            let voucher = |authority: &crate::domain::realm::KnownAuthority| {
                let realm = Realm::of(authority.kind, &authority.issuer);
                let at = all.iter().position(|known| *known == realm).unwrap_or_else(|| {
                    all.push(realm);
                    all.len() - 1
                });
                Voucher { name: authority.name.clone(), realm: at, voice: Voice::of(&authority.issuer, [new, old]) }
            };
            rules.directory.authorities.iter().map(voucher).collect()
        });
        Self { all, vouchers }
    }

    /// The organisations of a realm that some authority of either file is there for alone.
    pub(super) fn pinned(&self, realm: usize) -> impl Iterator<Item = TenantId> {
        self.voices(realm).filter_map(|voice| if let Voice::Tenant(tenant) = voice { Some(*tenant) } else { None })
    }

    /// The domains of organisations whose ids neither file tells, and that some authority is there for alone.
    pub(super) fn domains(&self, realm: usize) -> Vec<Arc<str>> {
        let mut domains: Vec<_> =
            self.voices(realm).filter_map(|voice| if let Voice::Domain(domain) = voice { Some(domain.clone()) } else { None }).collect();
        domains.sort_unstable();
        domains.dedup();
        domains
    }

    fn voices(&self, realm: usize) -> impl Iterator<Item = &Voice> {
        self.vouchers.iter().flatten().filter(move |voucher| voucher.realm == realm).map(|voucher| &voucher.voice)
    }

    /// What to call a realm, where its kind alone does not tell: the host of its issuers, or more if that is another's too.
    pub(super) fn name(&self, realm: usize) -> &str {
        let this = &self.all[realm];
        let is_shared = |other: &Realm| other.kind == this.kind && other.issuer != this.issuer && other.host() == this.host();
        if self.all.iter().any(is_shared) { this.bare() } else { this.host() }
    }
}

impl Realm {
    fn of(kind: AccountKind, issuer: &ExpectedIssuer) -> Self {
        let (issuer, only) = match issuer {
            ExpectedIssuer::Consumers { origin }
            | ExpectedIssuer::Organizations { origin }
            | ExpectedIssuer::Tenant { origin, .. }
            | ExpectedIssuer::TenantOfDomain { origin, .. } => (format!("{origin}/{{tenantid}}/v2.0"), None),
            ExpectedIssuer::Template { prefix, suffix } => (format!("{prefix}{{tenantid}}{suffix}"), None),
            ExpectedIssuer::Exact(issuer) => {
                let tenant = issuer.split('/').find_map(|segment| TenantId::parse(segment).ok());
                (issuer.clone(), Some(Only { tenant }))
            }
        };
        // Personal accounts have no organisation to be told apart by.
        let only = match kind {
            AccountKind::Personal => Some(Only { tenant: None }),
            AccountKind::Customer | AccountKind::Work => only,
        };
        Self { kind, issuer, only }
    }

    fn bare(&self) -> &str {
        self.issuer.split_once("://").map_or(&*self.issuer, |(_, bare)| bare)
    }

    fn host(&self) -> &str {
        self.bare().split('/').next().unwrap_or_default()
    }
}

impl Voice {
    fn of(issuer: &ExpectedIssuer, files: [&Rules; 2]) -> Self {
        match issuer {
            ExpectedIssuer::Consumers { .. }
            | ExpectedIssuer::Exact(_)
            | ExpectedIssuer::Organizations { .. }
            | ExpectedIssuer::Template { .. } => Self::Everybody,
            ExpectedIssuer::Tenant { tenant, .. } => Self::Tenant(*tenant),
            // `[tenants]` tells whose a domain is.
            ExpectedIssuer::TenantOfDomain { domain, .. } => {
                let mut tenants = files.into_iter().flat_map(|rules| &rules.directory.tenants);
                let owner = tenants.find(|tenant| tenant.domains.iter().any(|known| known.as_str() == domain));
                owner.map_or_else(|| Self::Domain(domain.as_str().into()), |tenant| Self::Tenant(tenant.id))
            }
        }
    }
}
