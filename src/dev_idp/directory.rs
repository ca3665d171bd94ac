//! The people and tenants of the demo, as data, and the one question asked of them: which account signs in where.
//!
//! A person may have several accounts. An account is what one tenant knows: a member and a guest object are two of
//! them, and a personal account with the same address as a work account is a third. What the proxy would make of an
//! account is [`super::facts`]' business.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::authority::Authority;
use crate::domain::account::{Acct, TenantId};

/// A tenant.
#[derive(Debug)]
pub struct Tenant {
    /// What stands in `tid`.
    pub id: TenantId,
    /// For pages.
    pub name: &'static str,
    /// Its verified domain; personal accounts have none of their own.
    pub domain: Option<&'static str>,
}

/// The tenant most routes of the demo are about.
pub static CONTOSO: Tenant =
    Tenant { id: tenant_id("3a0c0000-0000-4000-8000-0000000000aa"), name: "Contoso", domain: Some("contoso.example") };
/// Another organisation.
pub static FABRIKAM: Tenant =
    Tenant { id: tenant_id("3a0c0000-0000-4000-8000-0000000000bb"), name: "Fabrikam", domain: Some("fabrikam.example") };
/// Where personal accounts live.
pub static CONSUMERS: Tenant = Tenant { id: TenantId::CONSUMERS, name: "Personal accounts", domain: None };

/// All of them.
pub static TENANTS: [&Tenant; 3] = [&CONTOSO, &FABRIKAM, &CONSUMERS];

/// A group of Contoso that Ada and Hal are in.
pub const ADAS_GROUP: &str = "9f0c0000-0000-4000-8000-0000000000a1";

/// All groups of Hal, Ada's among them.
static HALS_GROUPS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let others = (0..249).map(|number| &*format!("9f0c0000-0000-4000-8000-{:012x}", 0xa1_000 + number).leak());
    others.chain([ADAS_GROUP]).collect()
});

/// A token lists no more groups than this.
const MOST_LISTED: usize = 200;

/// Somebody who can sign in.
#[derive(Debug)]
pub struct Person {
    /// Short name for forms and tests.
    pub key: &'static str,
    /// What they type: an address or a phone number.
    pub sign_in_name: &'static str,
    /// `name`
    pub name: &'static str,
    /// Their accounts, homes before guest objects. Never empty.
    pub accounts: Vec<Account>,
    /// The provider answers their every sign-in with an error of its own.
    pub fails_at_provider: bool,
}

/// What one tenant knows about a person.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// Short name for forms and tests: the person's, and the tenant's where they have several.
    pub key: &'static str,
    /// The tenant that issues its tokens.
    pub tenant: &'static Tenant,
    /// `oid` there.
    pub object: &'static str,
    /// The tenant whose password is typed (`utid` of `client_info`).
    pub home: &'static Tenant,
    /// `uid` of `client_info`.
    pub home_object: &'static str,
    /// `idp`, where the token names one.
    pub identity_provider: Option<&'static str>,
    /// `acct`: personal accounts have none.
    pub acct: Acct,
    /// `preferred_username`
    pub user_name: &'static str,
    /// `email`
    pub email: Option<&'static str>,
    /// `groups`, or those that there are too many of to list
    pub groups: &'static [&'static str],
    /// `roles`
    pub roles: &'static [&'static str],
}

impl Account {
    /// Whether this tenant is also the account's home: neither `common` nor `organizations` signs guests in.
    #[must_use]
    pub fn is_home(&self) -> bool {
        self.tenant.id == self.home.id
    }

    /// One password, one provider session: a guest object shares them with its home, the two accounts of somebody who
    /// has both kinds do not.
    #[must_use]
    pub fn shares_identity_with(&self, other: &Self) -> bool {
        self.home.id == other.home.id && self.home_object == other.home_object
    }

    /// The groups, if a token has room for them.
    #[must_use]
    pub const fn listed_groups(&self) -> Option<&'static [&'static str]> {
        if self.groups.len() > MOST_LISTED { None } else { Some(self.groups) }
    }

    /// The opaque `login_hint` claim: names the account to this provider and to nobody else.
    #[must_use]
    pub fn login_hint(&self) -> String {
        format!("O.{}", URL_SAFE_NO_PAD.encode(self.key))
    }

    /// A few words for pages: kind, tenant, membership.
    #[must_use]
    pub fn description(&self) -> String {
        match self.acct {
            Acct::Member if self.listed_groups().is_none() => {
                format!("work account, member of {} and of {} groups", self.tenant.name, self.groups.len())
            }
            Acct::Member => format!("work account, member of {}", self.tenant.name),
            Acct::Guest => format!("guest of {}", self.tenant.name),
            Acct::Absent | Acct::Unreadable => "personal account".into(),
        }
    }
}

/// Everybody, in the order pages show them.
#[must_use]
pub fn people() -> &'static [Person] {
    static PEOPLE: LazyLock<Vec<Person>> = LazyLock::new(directory);
    &PEOPLE
}

/// The account with which a person signs in at an authority; `None` is what the provider refuses. Where two are
/// possible (`common`), the first.
#[must_use]
pub fn account_at(person: &Person, authority: Authority) -> Option<&Account> {
    person.accounts.iter().find(|account| authority.admits(account))
}

/// Everybody's accounts that can sign in at an authority.
pub fn accounts_at(authority: Authority) -> impl Iterator<Item = (&'static Person, &'static Account)> {
    let pairs = people().iter().flat_map(|person| person.accounts.iter().map(move |account| (person, account)));
    pairs.filter(move |(_, account)| authority.admits(account))
}

/// The person who types this: letter case does not matter, nor do spaces and hyphens in a phone number.
#[must_use]
pub fn person_called(typed: &str) -> Option<&'static Person> {
    let squeeze = |text: &str| text.chars().filter(|c| !matches!(c, ' ' | '-')).collect::<String>();
    let typed = typed.trim();
    people().iter().find(|person| {
        let same_number = person.sign_in_name.starts_with('+') && squeeze(person.sign_in_name) == squeeze(typed);
        same_number || person.sign_in_name.eq_ignore_ascii_case(typed)
    })
}

fn directory() -> Vec<Person> {
    let ada = Account {
        groups: &[ADAS_GROUP],
        roles: &["Orders.Read"],
        ..member("ada", &CONTOSO, "ada00000-0000-4000-8000-000000000001", "ada@contoso.example")
    };
    // Some members' tokens do name their own tenant as provider; that does not make them guests.
    let bo = Account {
        identity_provider: Some("https://sts.windows.net/3a0c0000-0000-4000-8000-0000000000bb/"),
        ..member("bo", &FABRIKAM, "b0000000-0000-4000-8000-000000000002", "bo@fabrikam.example")
    };
    let cy = personal("cy", "00000000-0000-0000-00c7-000000000003", "cy@outlook.example");
    let dee = member("dee-work", &CONTOSO, "dee00000-0000-4000-8000-000000000004", "dee@contoso.example");
    let dee_personal = personal("dee-personal", "00000000-0000-0000-0dee-000000000004", "dee@contoso.example");
    let eve = personal("eve-personal", "00000000-0000-0000-0e7e-000000000005", "eve@mail.example");
    let eve_guest = guest("eve-guest", &CONTOSO, "e7e00000-0000-4000-8000-000000000005", "live.com", &eve);
    let fay = member("fay-work", &FABRIKAM, "fa700000-0000-4000-8000-000000000006", "fay@fabrikam.example");
    let fabrikam = "https://sts.windows.net/3a0c0000-0000-4000-8000-0000000000bb/";
    let fay_guest = guest("fay-guest", &CONTOSO, "fa700000-0000-4000-8000-00000000006a", fabrikam, &fay);
    let gil = personal("gil", "00000000-0000-0000-0611-000000000007", "gil@gmail.example");
    let hal = Account { groups: &HALS_GROUPS, ..member("hal", &CONTOSO, "4a100000-0000-4000-8000-000000000009", "hal@contoso.example") };
    let phone = Account { email: None, ..personal("phone", "00000000-0000-0000-0555-000000000100", "+14255550100") };
    let flo = member("flo", &CONTOSO, "f1000000-0000-4000-8000-000000000008", "flo@contoso.example");
    vec![
        person("ada", "Ada", "ada@contoso.example", vec![ada]),
        person("bo", "Bo", "bo@fabrikam.example", vec![bo]),
        person("cy", "Cy", "cy@outlook.example", vec![cy]),
        person("dee", "Dee", "dee@contoso.example", vec![dee, dee_personal]),
        person("eve", "Eve", "eve@mail.example", vec![eve, eve_guest]),
        person("fay", "Fay", "fay@fabrikam.example", vec![fay, fay_guest]),
        person("gil", "Gil", "gil@gmail.example", vec![gil]),
        person("hal", "Hal", "hal@contoso.example", vec![hal]),
        person("phone", "Phone user", "+1 425 555 0100", vec![phone]),
        Person { fails_at_provider: true, ..person("flo", "Flo", "flo@contoso.example", vec![flo]) },
    ]
}

const fn person(key: &'static str, name: &'static str, sign_in_name: &'static str, accounts: Vec<Account>) -> Person {
    Person { key, sign_in_name, name, accounts, fails_at_provider: false }
}

const fn member(key: &'static str, tenant: &'static Tenant, object: &'static str, address: &'static str) -> Account {
    let (home, home_object) = (tenant, object);
    let (user_name, email) = (address, Some(address));
    Account {
        key,
        tenant,
        object,
        home,
        home_object,
        identity_provider: None,
        acct: Acct::Member,
        user_name,
        email,
        groups: &[],
        roles: &[],
    }
}

const fn personal(key: &'static str, object: &'static str, address: &'static str) -> Account {
    Account { acct: Acct::Absent, ..member(key, &CONSUMERS, object, address) }
}

const fn guest(key: &'static str, tenant: &'static Tenant, object: &'static str, provider: &'static str, home: &Account) -> Account {
    Account { key, tenant, object, identity_provider: Some(provider), acct: Acct::Guest, ..*home }
}

const fn tenant_id(text: &str) -> TenantId {
    match TenantId::parse(text) {
        Ok(id) => id,
        Err(_) => panic!("a GUID literal, evaluated at compile time"),
    }
}
