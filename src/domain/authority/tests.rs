//! Tests of the authority rules.

use proptest::prelude::*;

use super::*;

const TENANT: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const OTHER: &str = "3a0c0000-0000-4000-8000-0000000000bb";
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const PUBLIC: &str = "https://login.microsoftonline.com";

fn tenant(text: &str) -> TenantId {
    TenantId::parse(text).expect("a GUID literal")
}

fn expected(text: &str) -> ExpectedIssuer {
    ExpectedIssuer::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn organizations() -> IssuerInForce {
    let document = format!("{PUBLIC}/{{tenantid}}/v2.0");
    expected(&format!("{PUBLIC}/organizations/v2.0")).adopt(&document).expect("the template is announced")
}

/// Issuer of the configuration, issuer of the document, kind it implies, whether it has the shape of Microsoft's, and
/// whether it speaks for one issuer only.
#[test]
fn an_issuer_is_known_by_its_shape_and_adopts_its_own_document() {
    use AccountKind::{Customer, Personal, Work};
    use Pinning::{ManyTenants, OneIssuer};
    let path = |host: &str, path: &str| format!("https://{host}/{path}");
    for (configured, document, kind, shaped, pinning) in [
        (path("login.microsoftonline.com", "organizations/v2.0"), format!("{PUBLIC}/{{tenantid}}/v2.0"), Some(Work), true, ManyTenants),
        (path("login.microsoftonline.com", "consumers/v2.0"), format!("{PUBLIC}/{CONSUMERS}/v2.0"), Some(Personal), true, OneIssuer),
        (
            path("login.microsoftonline.com", &format!("{CONSUMERS}/v2.0")),
            format!("{PUBLIC}/{CONSUMERS}/v2.0"),
            Some(Personal),
            true,
            OneIssuer,
        ),
        (path("login.microsoftonline.com", &format!("{TENANT}/v2.0")), format!("{PUBLIC}/{TENANT}/v2.0"), Some(Work), true, OneIssuer),
        (
            path("login.microsoftonline.com", &format!("{}/v2.0", TENANT.to_uppercase())),
            format!("{PUBLIC}/{TENANT}/v2.0"),
            Some(Work),
            true,
            OneIssuer,
        ),
        (path("login.microsoftonline.com", "contoso.com/v2.0"), format!("{PUBLIC}/{TENANT}/v2.0"), Some(Work), true, OneIssuer),
        // Other hosts of the same clouds.
        (path("login.windows.net", "organizations/v2.0"), format!("{PUBLIC}/{{tenantid}}/v2.0"), Some(Work), true, ManyTenants),
        (path("sts.windows.net", &format!("{TENANT}/v2.0")), format!("{PUBLIC}/{TENANT}/v2.0"), Some(Work), true, OneIssuer),
        (
            path("login.microsoftonline.us", &format!("{TENANT}/v2.0")),
            format!("https://login.microsoftonline.us/{TENANT}/v2.0"),
            Some(Work),
            true,
            OneIssuer,
        ),
        (
            path("login.usgovcloudapi.net", "organizations/v2.0"),
            "https://login.microsoftonline.us/{tenantid}/v2.0".into(),
            Some(Work),
            true,
            ManyTenants,
        ),
        (
            path("login.chinacloudapi.cn", &format!("{TENANT}/v2.0")),
            format!("https://login.partner.microsoftonline.cn/{TENANT}/v2.0"),
            Some(Work),
            true,
            OneIssuer,
        ),
        (
            path("login.partner.microsoftonline.cn", "contoso.cn/v2.0"),
            format!("https://login.partner.microsoftonline.cn/{TENANT}/v2.0"),
            Some(Work),
            true,
            OneIssuer,
        ),
        // Azure AD B2C and External ID hold customers, whatever the shape.
        (
            path("x.b2clogin.com", &format!("{TENANT}/v2.0/")),
            format!("https://x.b2clogin.com/{TENANT}/v2.0/"),
            Some(Customer),
            false,
            OneIssuer,
        ),
        (
            path("x.b2clogin.com", &format!("tfp/{TENANT}/p/v2.0/")),
            format!("https://x.b2clogin.com/tfp/{TENANT}/p/v2.0/"),
            Some(Customer),
            false,
            OneIssuer,
        ),
        (
            path(&format!("{TENANT}.ciamlogin.com"), &format!("{TENANT}/v2.0")),
            format!("https://{TENANT}.ciamlogin.com/{TENANT}/v2.0"),
            Some(Customer),
            true,
            OneIssuer,
        ),
        (
            path("X.CIAMLOGIN.com:443", &format!("{TENANT}/v2.0/")),
            format!("https://X.CIAMLOGIN.com:443/{TENANT}/v2.0/"),
            Some(Customer),
            false,
            OneIssuer,
        ),
        (
            path("evilciamlogin.com", &format!("{TENANT}/v2.0")),
            format!("https://evilciamlogin.com/{TENANT}/v2.0"),
            Some(Work),
            true,
            OneIssuer,
        ),
        // Everybody else.
        (path("accounts.google.com", ""), "https://accounts.google.com/".into(), None, false, OneIssuer),
        (path("idp.example", "realms/a"), "https://idp.example/realms/a".into(), None, false, OneIssuer),
        (path("idp.example", "tenant/v2.0"), "https://idp.example/tenant/v2.0".into(), None, false, OneIssuer),
        ("http://127.0.0.1:8081/organizations/v2.0".into(), "http://127.0.0.1:8081/{tenantid}/v2.0".into(), Some(Work), true, ManyTenants),
        (path("idp.example", "{tenantid}/x"), "https://idp.example/{tenantid}/x".into(), None, false, ManyTenants),
    ] {
        let issuer = expected(&configured);
        assert_eq!((issuer.implied_kind(), issuer.is_microsoft_shaped(), issuer.pinning()), (kind, shaped, pinning), "{configured}");
        let in_force = issuer.adopt(&document).unwrap_or_else(|error| panic!("{configured}: {error}"));
        assert_eq!(in_force.announced(), document);
        for foreign in [
            "",
            "https://evil.example",
            &format!("{document}x"),
            &format!("{document}/"),
            &document.replace("https", "HTTPS").replace("http:", "HTTP:"),
        ] {
            assert_eq!(issuer.adopt(foreign), Err(ForeignIssuer), "{configured} {foreign}");
        }
    }
}

#[test]
fn a_document_of_another_tenant_is_foreign() {
    for (configured, document) in [
        (format!("{PUBLIC}/{TENANT}/v2.0"), format!("{PUBLIC}/{OTHER}/v2.0")),
        (format!("{PUBLIC}/{TENANT}/v2.0"), format!("{PUBLIC}/{{tenantid}}/v2.0")),
        (format!("{PUBLIC}/{TENANT}/v2.0"), format!("https://sts.windows.net/{TENANT}/")),
        (format!("{PUBLIC}/organizations/v2.0"), format!("{PUBLIC}/{TENANT}/v2.0")),
        (format!("{PUBLIC}/consumers/v2.0"), format!("{PUBLIC}/{{tenantid}}/v2.0")),
        (format!("{PUBLIC}/contoso.com/v2.0"), format!("{PUBLIC}/{CONSUMERS}/v2.0")),
        (format!("{PUBLIC}/contoso.com/v2.0"), format!("{PUBLIC}/contoso.com/v2.0")),
        (format!("{PUBLIC}/contoso.com/v2.0"), format!("{PUBLIC}/{{tenantid}}/v2.0")),
        (format!("{PUBLIC}/contoso.com/v2.0"), format!("{PUBLIC}/{}/v2.0", TENANT.to_uppercase())),
        (format!("{PUBLIC}/contoso.com/v2.0"), format!("https://login.microsoftonline.us/{TENANT}/v2.0")),
    ] {
        assert_eq!(expected(&configured).adopt(&document), Err(ForeignIssuer), "{configured} {document}");
    }
}

#[test]
fn an_issuer_that_cannot_be_used_says_why() {
    use UnusableIssuer as U;
    for (text, mistake) in [
        (format!("{PUBLIC}/common/v2.0"), U::Common),
        ("https://login.microsoftonline.us/common/v2.0".into(), U::Common),
        (String::new(), U::NotAUrl),
        ("login.microsoftonline.com/organizations/v2.0".into(), U::NotAUrl),
        ("ftp://idp.example".into(), U::NotAUrl),
        ("https://".into(), U::NotAUrl),
        ("https://user@idp.example".into(), U::NotAUrl),
        ("https://idp.example/?p=x".into(), U::NotAUrl),
        ("https://idp.example/#x".into(), U::NotAUrl),
        ("https://{tenantid}.example/v2.0".into(), U::Template),
        ("https://idp.example/{tenantid}/{tenantid}".into(), U::Template),
        ("https://idp.example/{tenantid}?x".into(), U::Template),
        ("{tenantid}".into(), U::Template),
    ] {
        assert_eq!(ExpectedIssuer::parse(&text), Err(mistake), "{text}");
    }
}

#[test]
fn organizations_admits_every_tenant_under_its_own_issuer_but_the_consumers() {
    let issuer = |id: &str| format!("{PUBLIC}/{id}/v2.0");
    for (tid, iss, verdict) in [
        (Some(TENANT), issuer(TENANT), Ok(())),
        (Some(OTHER), issuer(OTHER), Ok(())),
        (Some(TENANT), issuer(OTHER), Err(IssuerMismatch::Issuer)),
        (Some(TENANT), issuer(&TENANT.to_uppercase()), Err(IssuerMismatch::Issuer)),
        (Some(TENANT), format!("{}/", issuer(TENANT)), Err(IssuerMismatch::Issuer)),
        (Some(TENANT), format!("https://sts.windows.net/{TENANT}/"), Err(IssuerMismatch::Issuer)),
        (Some(TENANT), format!("https://evil.example/{TENANT}/v2.0"), Err(IssuerMismatch::Issuer)),
        (Some(TENANT), issuer("{tenantid}"), Err(IssuerMismatch::Issuer)),
        (None, issuer(TENANT), Err(IssuerMismatch::Tenant)),
        (Some(CONSUMERS), issuer(CONSUMERS), Err(IssuerMismatch::Kind)),
    ] {
        assert_eq!(organizations().accepts(AccountKind::Work, &iss, tid.map(tenant)), verdict, "{tid:?} {iss}");
    }
}

#[test]
fn one_tenants_authority_admits_that_tenant_only() {
    let one = expected(&format!("{PUBLIC}/{TENANT}/v2.0")).adopt(&format!("{PUBLIC}/{TENANT}/v2.0")).expect("its own document");
    let consumers = expected(&format!("{PUBLIC}/consumers/v2.0")).adopt(&format!("{PUBLIC}/{CONSUMERS}/v2.0")).expect("its own document");
    use AccountKind::{Personal, Work};
    for (authority, kind, id, tid, verdict) in [
        (&one, Work, TENANT, Some(TENANT), Ok(())),
        (&one, Work, TENANT, None, Err(IssuerMismatch::Tenant)),
        (&one, Work, TENANT, Some(OTHER), Err(IssuerMismatch::Tenant)),
        (&one, Work, OTHER, Some(OTHER), Err(IssuerMismatch::Issuer)),
        (&one, Personal, TENANT, Some(TENANT), Err(IssuerMismatch::Kind)),
        (&consumers, Personal, CONSUMERS, Some(CONSUMERS), Ok(())),
        (&consumers, Personal, TENANT, Some(TENANT), Err(IssuerMismatch::Issuer)),
        (&consumers, Work, CONSUMERS, Some(CONSUMERS), Err(IssuerMismatch::Kind)),
    ] {
        assert_eq!(authority.accepts(kind, &format!("{PUBLIC}/{id}/v2.0"), tid.map(tenant)), verdict, "{kind:?} {id} {tid:?}");
    }
}

#[test]
fn an_exact_issuer_speaks_for_no_tenant_but_one_it_names() {
    let b2c = format!("https://x.b2clogin.com/{TENANT}/v2.0/");
    for (issuer, kind, tid, verdict) in [
        ("https://idp.example", AccountKind::Work, None, Ok(())),
        ("https://idp.example", AccountKind::Work, Some(TENANT), Err(IssuerMismatch::Tenant)),
        ("https://idp.example", AccountKind::Customer, Some(TENANT), Err(IssuerMismatch::Tenant)),
        ("https://idp.example", AccountKind::Work, Some(CONSUMERS), Err(IssuerMismatch::Kind)),
        (&b2c, AccountKind::Customer, None, Ok(())),
        (&b2c, AccountKind::Customer, Some(TENANT), Ok(())),
        (&b2c, AccountKind::Customer, Some(OTHER), Err(IssuerMismatch::Tenant)),
    ] {
        let in_force = expected(issuer).adopt(issuer).expect("its own document");
        assert_eq!(in_force.accepts(kind, issuer, tid.map(tenant)), verdict, "{issuer} {tid:?}");
        assert_eq!(in_force.accepts(kind, "https://evil.example", None), Err(IssuerMismatch::Issuer));
    }
}

#[test]
fn a_key_signs_for_the_issuer_it_names() {
    let of = |id: &str| format!("{PUBLIC}/{id}/v2.0");
    for (template, tid, issuer, admitted) in [
        (of("{tenantid}"), Some(TENANT), of(TENANT), true),
        (of("{tenantid}"), Some(TENANT), of(OTHER), false),
        (of("{tenantid}"), None, of(TENANT), false),
        (of(TENANT), Some(TENANT), of(TENANT), true),
        (of(TENANT), None, of(TENANT), true),
        (of(TENANT), Some(OTHER), of(OTHER), false),
        (of(CONSUMERS), Some(TENANT), of(TENANT), false),
        (String::new(), Some(TENANT), of(TENANT), false),
    ] {
        assert_eq!(issuer_template_admits(&template, tid.map(tenant), &issuer), admitted, "{template} {tid:?} {issuer}");
    }
}

#[test]
fn a_name_fits_into_urls_and_cookie_names() {
    let longest = "a".repeat(AuthorityName::MAX_LENGTH);
    for text in ["work", "a", "0", "contoso-2", &longest] {
        assert_eq!(AuthorityName::parse(text).map(|name| name.to_string()).as_deref(), Ok(text));
    }
    for text in ["", "-a", "a-", "Work", "a_b", "a.b", "a b", "\u{e9}", "a/b", &format!("{longest}a")] {
        assert_eq!(AuthorityName::parse(text), Err(InvalidAuthorityName), "{text}");
    }
}

/// Tenant ids as anybody may make them up, the consumers' among them.
fn some_tenant() -> impl Strategy<Value = TenantId> {
    let made_up = any::<u128>().prop_map(|bits| {
        let hex = format!("{bits:032x}");
        tenant(&[&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
    });
    prop_oneof![4 => made_up, 1 => Just(TenantId::CONSUMERS), 1 => Just(tenant(TENANT))]
}

proptest! {
    #[test]
    fn work_never_admits_the_consumer_tenant(id in some_tenant(), issuer in "[ -~]{0,80}") {
        let own = format!("{PUBLIC}/{id}/v2.0");
        for issuer in [issuer.as_str(), own.as_str()] {
            for in_force in [organizations(), IssuerInForce::One { issuer: issuer.into(), tenant: None }] {
                for kind in [AccountKind::Work, AccountKind::Customer] {
                    prop_assert!(in_force.accepts(kind, issuer, Some(TenantId::CONSUMERS)).is_err());
                }
            }
        }
        prop_assert_eq!(organizations().accepts(AccountKind::Work, &own, Some(id)).is_ok(), id != TenantId::CONSUMERS);
    }

    #[test]
    fn one_tenants_key_never_signs_for_another(one in some_tenant(), other in some_tenant()) {
        let (key, issuer) = (format!("{PUBLIC}/{one}/v2.0"), format!("{PUBLIC}/{other}/v2.0"));
        prop_assert_eq!(issuer_template_admits(&key, Some(other), &issuer), one == other);
        prop_assert_eq!(issuer_template_admits(&format!("{PUBLIC}/{{tenantid}}/v2.0"), Some(one), &issuer), one == other);
    }

    #[test]
    fn no_text_panics(text in any::<String>(), document in any::<String>()) {
        if let Ok(issuer) = ExpectedIssuer::parse(&text) {
            prop_assert!(issuer.adopt(&document).is_err() || issuer.adopt(&document).is_ok_and(|in_force| in_force.announced() == document));
        }
    }

    /// Otherwise somebody who has just signed in would be asked to sign in.
    #[test]
    fn what_a_token_may_name_a_session_may_name(id in some_tenant(), other in some_tenant(), shape in 0_usize..7) {
        let origin = "https://idp.example";
        let issuer = format!("{origin}/{id}/v2.0");
        let text = [
            format!("{origin}/consumers/v2.0"),
            format!("{origin}/organizations/v2.0"),
            issuer.clone(),
            format!("{origin}/contoso.com/v2.0"),
            format!("{origin}/{{tenantid}}/v2.0"),
            format!("{origin}/realm/{id}/"),
            origin.to_owned(),
        ];
        let expected = ExpectedIssuer::parse(&text[shape]).expect("an issuer");
        let announced = [issuer.clone(), format!("{origin}/{{tenantid}}/v2.0"), text[shape].clone(), format!("{origin}/{}/v2.0", TenantId::CONSUMERS)];
        for in_force in announced.iter().filter_map(|announced| expected.adopt(announced).ok()) {
            for tenant in [None, Some(id), Some(other), Some(TenantId::CONSUMERS)] {
                let filled = tenant.map(|tenant| format!("{origin}/{tenant}/v2.0"));
                for named in [Some(text[shape].clone()), filled, Some(issuer.clone())].into_iter().flatten() {
                    // The configuration refuses a kind that the issuer's shape contradicts.
                    for kind in AccountKind::ALL.into_iter().filter(|kind| expected.implied_kind().is_none_or(|implied| implied == *kind)) {
                        if in_force.accepts(kind, &named, tenant).is_ok() {
                            prop_assert!(expected.may_have_issued(&named, tenant), "{expected:?} {named} {tenant:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_session_of_another_provider_is_not_this_authoritys() {
    let (contoso, fabrikam) = ("3a0c0000-0000-4000-8000-0000000000aa", "3a0c0000-0000-4000-8000-0000000000bb");
    let id = |text: &str| Some(TenantId::parse(text).expect("a GUID literal"));
    let of = |tenant: &str| format!("https://idp.example/{tenant}/v2.0");
    for (expected, issuer, tenant, fits) in [
        ("https://idp.example/organizations/v2.0", of(contoso), id(contoso), true),
        ("https://idp.example/organizations/v2.0", of(contoso), id(fabrikam), false),
        ("https://idp.example/organizations/v2.0", of(contoso), None, false),
        ("https://other.example/organizations/v2.0", of(contoso), id(contoso), false),
        (
            "https://idp.example/organizations/v2.0",
            format!("https://idp.example/{}/v2.0", TenantId::CONSUMERS),
            Some(TenantId::CONSUMERS),
            false,
        ),
        (
            "https://idp.example/consumers/v2.0",
            format!("https://idp.example/{}/v2.0", TenantId::CONSUMERS),
            Some(TenantId::CONSUMERS),
            true,
        ),
        ("https://idp.example/consumers/v2.0", of(contoso), id(contoso), false),
        ("https://idp.example/3a0c0000-0000-4000-8000-0000000000aa/v2.0", of(contoso), id(contoso), true),
        ("https://idp.example/3a0c0000-0000-4000-8000-0000000000aa/v2.0", of(fabrikam), id(fabrikam), false),
        ("https://idp.example", "https://idp.example".into(), None, true),
        ("https://idp.example", "https://idp.example/".into(), None, false),
    ] {
        let expected = ExpectedIssuer::parse(expected).expect("an issuer");
        assert_eq!(expected.may_have_issued(&issuer, tenant), fits, "{expected:?} {issuer} {tenant:?}");
    }
}
