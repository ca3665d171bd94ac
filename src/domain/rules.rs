//! Everything that decides, as one configuration says it: what is asked of people, where, and who may vouch for them.
//! Nothing secret is in it and nothing in it does I/O, so the proxy, `[[tests]]`, `explain` and `diff` all judge by it.

use super::account::TenantId;
use super::authority::AuthorityName;
use super::origin::Origins;
use super::realm::{Directory, KnownAuthority};
use super::route::RouteTable;
use super::sign_in_page::SignInPage;

/// The rules of one configuration.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The configuration file, as it was named: every [`super::written::Position`] is in it.
    pub file_name: String,
    /// `public_url` and `public_urls`
    pub origins: Origins,
    /// `prefix`: starts with `/`, does not end with one.
    pub prefix: String,
    /// `[tenants]`
    pub tenants: Vec<Tenant>,
    /// What home realm discovery knows, every authority that some route can use among it.
    pub directory: Directory,
    /// `sign_in.page`
    pub page: SignInPage,
    /// `[[routes]]`
    pub routes: RouteTable,
}

/// One `[tenants]` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The key in the table: the name for routes and logs.
    pub key: String,
    /// What is enforced.
    pub id: TenantId,
    /// What pages show.
    pub name: String,
}

impl Rules {
    /// Whether a path is one of our own: the prefix itself or below it.
    #[must_use]
    pub fn is_own(&self, path: &str) -> bool {
        path.strip_prefix(self.prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The configured tenant with this id.
    #[must_use]
    pub fn tenant(&self, id: TenantId) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.id == id)
    }

    /// The authority of this name.
    #[must_use]
    pub fn authority(&self, name: &AuthorityName) -> Option<&KnownAuthority> {
        self.directory.authorities.iter().find(|authority| authority.name == *name)
    }
}
