//! Where in the configuration file something stands, so that a decision can be traced to the line that made it.

use std::fmt;

use super::policy::Check;

/// A place in the file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// Where a key of a route is written, and whether there or for all routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The key.
    pub position: Position,
    /// In which table.
    pub table: Table,
}

/// The tables that hold keys of routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// `[defaults]`
    Defaults,
    /// The route's own.
    Route,
}

/// Where the keys of one route are written; `None` where a key is left out and its default holds.
#[derive(Debug, Clone, Default)]
pub struct RouteKeys {
    /// `match`
    pub matched: Option<Written>,
    /// `auth`
    pub auth: Option<Written>,
    /// `accounts`
    pub accounts: Option<Written>,
    /// `authorities`
    pub authorities: Option<Written>,
    /// `tenants`
    pub tenants: Option<Written>,
    /// `guests`
    pub guests: Option<Written>,
    /// `groups`
    pub groups: Option<Written>,
    /// `roles`
    pub roles: Option<Written>,
    /// `bearer`
    pub bearer: Option<Written>,
    /// `enforce`
    pub enforce: Option<Written>,
}

impl RouteKeys {
    /// The key that a check reads; of `groups` and `roles` the first that is written.
    #[must_use]
    pub const fn of(&self, check: Check) -> Option<Written> {
        match check {
            Check::Kind => self.accounts,
            Check::Authority => self.authorities,
            Check::Tenant => self.tenants,
            Check::Membership => self.guests,
            Check::Groups => match self.groups {
                Some(groups) => Some(groups),
                None => self.roles,
            },
            Check::Bearer => self.bearer,
        }
    }
}

/// Names the text of a configuration file: the start of its SHA-256, shown as twelve hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Fingerprint(pub [u8; 6]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
