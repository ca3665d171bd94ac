//! Sessions and revocations as they are told, to programs and on pages.

use serde::Serialize;

use crate::admin::control::sessions::{Known, Source};
use crate::admin::times;
use crate::domain::account::TenantId;
use crate::domain::revocation::{Reach, Revocation, Whom};
use crate::domain::rules::Rules;
use crate::domain::time::Timestamp;

/// A session.
#[derive(Serialize)]
pub(super) struct SessionTold<'a> {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) authority: &'a str,
    pub(super) user: &'a str,
    /// By which lines of the audit log are found, where that is another name.
    pub(super) user_in_audit_log: Option<&'a str>,
    pub(super) tenant: Option<String>,
    pub(super) tenant_name: Option<&'a str>,
    pub(super) signed_in_at: Moment,
    pub(super) last_seen: Moment,
    pub(super) ends_at: Moment,
}

impl<'a> SessionTold<'a> {
    pub(super) fn of(known: &'a Known, rules: &'a Rules) -> Self {
        let summary = &known.summary;
        Self {
            id: summary.id.to_string(),
            kind: summary.kind.as_str(),
            authority: summary.authority.as_str(),
            user: &summary.user,
            user_in_audit_log: known.pseudonym.as_deref(),
            tenant: summary.tenant.map(|id| id.to_string()),
            tenant_name: name_of(summary.tenant, rules),
            signed_in_at: Moment(summary.signed_in_at),
            last_seen: Moment(summary.last_seen),
            ends_at: Moment(known.ends_at),
        }
    }
}

/// A revocation.
#[derive(Serialize)]
pub(super) struct RevocationTold<'a> {
    pub(super) scope: &'static str,
    /// What it means, where that is not everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) authority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) session: Option<String>,
    /// Sessions that began up to this moment are over.
    pub(super) not_before: Moment,
    pub(super) why: String,
    pub(super) from: &'static str,
}

impl<'a> RevocationTold<'a> {
    pub(super) fn of(source: Source, entry: Revocation, rules: &'a Rules) -> Self {
        let mut told = Self {
            scope: entry.whom.scope(),
            user: None,
            tenant: None,
            tenant_name: None,
            authority: None,
            session: None,
            not_before: Moment(entry.at),
            why: entry.why.to_string(),
            from: source.as_str(),
        };
        match entry.whom {
            Whom::Everybody => {}
            Whom::Tenant(id) => {
                told.tenant = Some(id.to_string());
                told.tenant_name = name_of(Some(id), rules);
            }
            Whom::User(user) => told.user = Some(user.to_string()),
            // The authority's own names stay with us: whoever knows them can have sessions ended from outside.
            Whom::AtProvider(authority, _) | Whom::Subject(authority, ..) => told.authority = Some(authority.to_string()),
            Whom::Session(id) => told.session = Some(id.to_string()),
        }
        told
    }

    /// Whom it means, for people.
    pub(super) fn whom(&self) -> String {
        let named = [&self.user, &self.tenant, &self.authority, &self.session].into_iter().flatten().next();
        let name = self.tenant_name.map(|name| format!(" ({name})")).unwrap_or_default();
        match named {
            None => "everybody".into(),
            Some(named) if self.authority.is_some() => format!("somebody whom {named} signed out"),
            Some(named) => format!("{named}{name}"),
        }
    }
}

/// A moment, which programs are told in RFC 3339.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(pub(super) Timestamp);

impl Moment {
    pub(super) fn precise(self) -> String {
        times::precise(self.0)
    }

    pub(super) fn readable(self) -> String {
        times::readable(self.0)
    }

    pub(super) fn shortly(self) -> String {
        times::shortly(self.0)
    }
}

impl Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.precise())
    }
}

fn name_of(tenant: Option<TenantId>, rules: &Rules) -> Option<&str> {
    rules.tenant(tenant?).map(|tenant| tenant.name.as_str())
}

/// In which order scopes are told: those that mean many first, so that the sign-outs of single people hide none of them.
pub(super) const fn breadth(whom: &Whom) -> u8 {
    match whom {
        Whom::Everybody => 0,
        Whom::Tenant(_) => 1,
        Whom::User(_) => 2,
        Whom::Subject(..) => 3,
        Whom::AtProvider(..) => 4,
        Whom::Session(_) => 5,
    }
}

/// What an order means for whoever gave it.
pub(super) const fn sentence(reach: Reach) -> &'static str {
    match reach {
        Reach::Nowhere => "Nothing was ended.",
        Reach::Process => {
            "They are over at this process, until it is started again. Sessions are kept in cookies, so other replicas go on \
             with them."
        }
        Reach::ProcessStoreFailed => {
            "They are over at this process, until it is started again. The session store failed: other replicas were not told, \
             or nobody knows whether they were. Order it again when the store answers."
        }
        Reach::Store => "They are over at every process that keeps its sessions in this store.",
    }
}

/// The table of the configuration that says the same as an order, for as long as it stands there, to every replica. It can
/// stand beside others of its kind, at the end of the file.
pub(super) fn as_configuration(revocation: &Revocation) -> Option<String> {
    // JSON escapes what TOML's basic strings want escaped, and none of these has a control character that JSON would leave.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let whom = match &revocation.whom {
        // An entry that names nobody means everybody.
        Whom::Everybody => String::new(),
        Whom::Tenant(id) => format!("tenant = \"{id}\"\n"),
        Whom::User(user) => format!("user = {}\n", quoted(user)),
        Whom::AtProvider(..) | Whom::Subject(..) => return None,
        Whom::Session(id) => format!("session = \"{id}\"\n"),
    };
    let at = times::precise(revocation.at);
    Some(format!("[[session.not_before]]\nat = {at}\n{whom}why = {}", quoted(&revocation.why)))
}
