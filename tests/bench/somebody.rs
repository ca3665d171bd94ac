//! Who is signed in while something is measured.

use homerealm::adapters::clock::SystemClock;
use homerealm::domain::account::AccountKind;
use homerealm::domain::authority::AuthorityName;
use homerealm::domain::made_up::MadeUp;
use homerealm::domain::session::{Session, SessionId};
use homerealm::flow::ports::Clock as _;

/// Somebody at work, with what Entra ID says of people, who has signed in just now.
pub(crate) fn session(id: SessionId) -> Session {
    let mut principal =
        MadeUp { email: Some("ada.lovelace@contoso.example".into()), ..MadeUp::of(AccountKind::Work) }.principal(AuthorityName::work());
    principal.issuer = "https://login.microsoftonline.com/5ca1ab1e-0000-4000-8000-000000000000/v2.0".into();
    principal.subject = "x".repeat(43).into();
    principal.object = Some("6f0c2a4e-0000-4000-8000-000000000001".into());
    principal.name = Some("Ada Lovelace".into());
    let now = SystemClock.now();
    Session {
        id,
        principal,
        signed_in_at: now,
        last_seen: now,
        sign_out_hint: Some("x".repeat(120)),
        provider_session: Some("6f0c2a4e-0000-4000-8000-000000000002".into()),
    }
}
