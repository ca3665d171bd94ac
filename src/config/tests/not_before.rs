//! What the entries of `not_before` come to.

use std::collections::BTreeSet;

use super::{directory, expand, parse};

#[test]
fn entries_are_resolved_to_whom_and_when() {
    let text = r#"@head
not_before = [
    { at = 2026-11-22T10:00:00+01:00, user = "0B1E0000-0000-4000-8000-00000000000A@3A0C0000-0000-4000-8000-0000000000AA" },
    { at = 2026-11-22T09:00:00Z, user = "Sub@LOGIN.microsoftonline.com", why = "they left" },
    { at = 2026-11-22T08:00:00-01:00, tenant = "contoso" },
    { at = 2026-11-22T09:00:00Z, session = "00112233445566778899AABBCCDDEEFF" },
    { at = 2026-11-22T09:00:00Z },
    { at = 2026-11-21T09:00:00Z },
]
[tenants]
contoso = { id = "3a0c0000-0000-4000-8000-0000000000aa" }
[[routes]]
upstream = "http://127.0.0.1:3000"
accounts = "work"
tenants = ["contoso"]
"#;
    let config = parse(&expand(text), directory().path()).unwrap_or_else(|report| panic!("{report}"));
    let entries: BTreeSet<_> = config.session.not_before.iter().map(|entry| format!("{:?} {}", entry.whom, entry.why)).collect();
    let expected = [
        "Everybody the configuration says so",
        "Session(SessionId(0011…)) the configuration says so",
        "Tenant(TenantId(3a0c0000-0000-4000-8000-0000000000aa)) the configuration says so",
        "User(\"0b1e0000-0000-4000-8000-00000000000a@3a0c0000-0000-4000-8000-0000000000aa\") the configuration says so",
        "User(\"Sub@login.microsoftonline.com\") they left",
    ];
    assert_eq!(entries, expected.map(str::to_owned).into());
    let ten_oclock_in_berlin = 1_795_338_000;
    assert!(config.session.not_before.iter().all(|entry| entry.at.unix_seconds() == ten_oclock_in_berlin));
}
