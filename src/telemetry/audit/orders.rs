//! What somebody ordered through the admin listener. No request of the public listener stands behind it, so there is no
//! line of the access log: the decision id was given to whoever ordered it.

use std::fmt::Write as _;

use crate::domain::decision::DecisionId;
use crate::domain::revocation::{Reach, Revocation, Whom};
use crate::domain::time::Timestamp;
use crate::domain::written::Fingerprint;
use crate::telemetry::json::quoted;

/// Sessions were to end before their time.
#[derive(Debug, Clone)]
pub struct Ordered {
    /// When.
    pub at: Timestamp,
    /// Its id.
    pub id: DecisionId,
    /// Whose, and why in the words of whoever ordered it. A user is called here as the configuration says: by a keyed hash
    /// or by identifiers.
    pub revocation: Revocation,
    /// What came of it.
    pub reach: Reach,
    /// Names the configuration in force.
    pub fingerprint: Fingerprint,
}

impl Ordered {
    /// Appends the line.
    pub(in crate::telemetry) fn write_line(&self, text: &mut String) {
        super::begin(text, self.at, "revocation_ordered");
        let Revocation { whom, at, why } = &self.revocation;
        let _infallible = write!(text, r#","reach":"{}","decision_id":"{}","scope":"{}""#, self.reach.as_str(), self.id, whom.scope());
        let _infallible = match whom {
            Whom::Everybody => Ok(()),
            Whom::Tenant(tenant) => write!(text, r#","account.tenant":"{tenant}""#),
            Whom::User(user) => write!(text, r#","user":{}"#, quoted(user)),
            Whom::AtProvider(authority, _) | Whom::Subject(authority, ..) => write!(text, r#","authority":"{authority}""#),
            Whom::Session(id) => write!(text, r#","session":"{id}""#),
        };
        let (not_before, why, fingerprint) = (at.unix_seconds(), quoted(why), self.fingerprint);
        let _infallible = write!(text, r#","not_before":{not_before},"why":{why},"config.fingerprint":"{fingerprint}"}}"#);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::TenantId;
    use crate::domain::authority::AuthorityName;
    use crate::domain::session::SessionId;

    fn written(whom: Whom, reach: Reach) -> serde_json::Value {
        let at = Timestamp::from_unix_seconds(43_421);
        let revocation = Revocation { whom, at, why: "lost \"laptop\"\n".into() };
        let ordered = Ordered { at, id: DecisionId::from_random(0), revocation, reach, fingerprint: Fingerprint([0xab; 6]) };
        let mut text = String::new();
        ordered.write_line(&mut text);
        assert!(!text.contains('\n'), "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn an_order_is_one_object_that_says_whom_it_meant_why_and_how_far_it_got() {
        let line = written(Whom::User("o\"d@t".into()), Reach::Store);
        for (key, value) in [
            ("log", "audit"),
            ("event", "revocation_ordered"),
            ("reach", "store"),
            ("decision_id", "0000-0000"),
            ("scope", "user"),
            ("user", "o\"d@t"),
            ("why", "lost \"laptop\"\n"),
            ("config.fingerprint", "abababababab"),
        ] {
            assert_eq!(line[key], value, "{key} in {line}");
        }
        for (key, value) in [("version", 1), ("timestamp", 43_421), ("not_before", 43_421)] {
            assert_eq!(line[key], value, "{key} in {line}");
        }
    }

    #[test]
    fn each_scope_names_what_it_means_and_nothing_else() {
        let cases = [
            (Whom::Everybody, "all", None),
            (Whom::Tenant(TenantId::CONSUMERS), "tenant", Some(("account.tenant", "9188040d-6c67-4c5b-b112-36a304b66dad"))),
            (Whom::User("u@h".into()), "user", Some(("user", "u@h"))),
            (Whom::AtProvider(AuthorityName::work(), "sid-1".into()), "provider_session", Some(("authority", "work"))),
            (Whom::Session(SessionId([7; 16])), "session", Some(("session", "07070707070707070707070707070707"))),
        ];
        for (whom, scope, named) in cases {
            let line = written(whom, Reach::ProcessStoreFailed);
            assert_eq!((line["scope"].as_str(), line["reach"].as_str()), (Some(scope), Some("process_store_failed")), "{line}");
            let told = ["account.tenant", "user", "authority", "session"].map(|key| line[key].as_str().map(|value| (key, value)));
            assert_eq!(told.into_iter().flatten().collect::<Vec<_>>(), named.into_iter().collect::<Vec<_>>(), "{line}");
            assert!(!line.to_string().contains("sid-1"), "{line}");
        }
    }
}
