//! Which sessions are asked for, and the names by which organisations and people are asked for.

use url::form_urlencoded::Serializer;

use crate::admin::control::sessions::Wanted;
use crate::admin::question::Question;
use crate::admin::select::{Select, named};
use crate::domain::account::{AccountKind, TenantId};
use crate::domain::authority::AuthorityName;
use crate::domain::named_user::NamedUser;
use crate::domain::rules::Rules;

/// What is left out fits everything.
pub(super) struct Filter {
    pub(super) wanted: Wanted,
}

impl Filter {
    /// # Errors
    /// A sentence about the parameter that nothing can fit.
    pub(super) fn of(question: &Question, rules: &Rules) -> Result<Self, String> {
        let kind = question.value("kind").map(|word| named(word, "kind", AccountKind::ALL, AccountKind::as_str)).transpose()?;
        let authority = question.value("authority").map(|name| authority(name, rules)).transpose()?;
        let tenant = question.value("tenant").map(|name| tenant(name, rules)).transpose()?;
        // As the audit log calls people, or in the spelling of sessions.
        let user = question.value("user").map(|name| if name.contains('@') { user(name, rules) } else { Ok(name.to_owned()) });
        Ok(Self { wanted: Wanted { kind, authority, tenant, user: user.transpose()? } })
    }

    pub(super) fn is_narrow(&self) -> bool {
        self.wanted != Wanted::default()
    }

    pub(super) fn tenant(&self) -> String {
        self.wanted.tenant.map(|id| id.to_string()).unwrap_or_default()
    }

    pub(super) fn user(&self) -> &str {
        self.wanted.user.as_deref().unwrap_or_default()
    }

    /// The same question again, or its continuation, for an address.
    pub(super) fn as_query(&self, from: Option<&str>) -> String {
        let Wanted { kind, authority, tenant, user } = &self.wanted;
        let tenant = tenant.map(|id| id.to_string());
        let words = [
            ("kind", kind.map(AccountKind::as_str)),
            ("authority", authority.as_ref().map(AuthorityName::as_str)),
            ("tenant", tenant.as_deref()),
            ("user", user.as_deref()),
            ("from", from),
        ];
        let mut query = Serializer::new(String::new());
        query.extend_pairs(words.into_iter().filter_map(|(name, word)| Some((name, word?)))).finish()
    }

    /// The words to choose from in the form in which this question was asked.
    pub(super) fn selects<'r>(&self, rules: &'r Rules) -> [Select<'r>; 2] {
        let authorities = rules.directory.authorities.iter().map(|authority| authority.name.as_str());
        let authority = self.wanted.authority.as_ref().map(AuthorityName::as_str);
        [
            Select::of("kind", "Account", AccountKind::ALL.into_iter().map(AccountKind::as_str), self.wanted.kind.map(AccountKind::as_str)),
            Select::of("authority", "Signed in by", authorities, authority),
        ]
    }
}

/// The authority of this name.
///
/// # Errors
/// A sentence that lists the names.
fn authority(name: &str, rules: &Rules) -> Result<AuthorityName, String> {
    let names = || rules.directory.authorities.iter().map(|authority| &authority.name);
    names().find(|known| known.as_str() == name).cloned().ok_or_else(|| {
        let names: Vec<_> = names().map(AuthorityName::as_str).collect();
        format!("There is no authority {name:?}: one of {}.", names.join(", "))
    })
}

/// Somebody, in the spelling of sessions.
///
/// # Errors
/// A sentence. What was typed may be somebody's address: it is not repeated.
pub(super) fn user(name: &str, rules: &Rules) -> Result<String, String> {
    let issuers = rules.directory.authorities.iter().map(|authority| &authority.issuer);
    let user = NamedUser::parse(name).ok().filter(|user| user.may_be_of(issuers)).map(|user| user.to_string());
    user.ok_or_else(|| {
        "user is oid@tid with GUIDs for both, or sub@host with the host of an authority's issuer. Addresses name nobody here: \
         sessions do not go by them."
            .into()
    })
}

/// The organisation of this id, or of this name in `[tenants]`.
///
/// # Errors
/// A sentence that lists the names.
pub(super) fn tenant(name: &str, rules: &Rules) -> Result<TenantId, String> {
    let known = || rules.tenants.iter().find(|tenant| tenant.key == name).map(|tenant| tenant.id);
    TenantId::parse(name).ok().or_else(known).ok_or_else(|| {
        let names: Vec<_> = rules.tenants.iter().map(|tenant| tenant.key.as_str()).collect();
        let names = if names.is_empty() { String::new() } else { format!(", or one of {}", names.join(", ")) };
        format!("There is no organisation {name:?}: write its id, a GUID{names}.")
    })
}
