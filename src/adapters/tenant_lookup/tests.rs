//! Tests of the tenant look-up against a stand-in for the provider that counts.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::Notify;

use super::*;
use crate::domain::account::TenantId;

const TENANT: &str = "3a0c0000-0000-4000-8000-0000000000aa";
const INVALID_TENANT: &str = r#"{"error":"invalid_tenant","error_description":"AADSTS90002: …","error_codes":[90002]}"#;

/// What the stand-in does.
enum Provider {
    Answers(u16, String),
    Fails(FetchFailed),
    /// Answers with a tenant, but only once it is told to; until then every request hangs.
    Waits(Notify),
}

struct Counting {
    provider: Provider,
    asked: AtomicUsize,
    urls: Mutex<Vec<String>>,
    /// Told of every request.
    arrived: Notify,
}

impl Counting {
    fn new(provider: Provider) -> Arc<Self> {
        Arc::new(Self { provider, asked: AtomicUsize::new(0), urls: Mutex::default(), arrived: Notify::new() })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn release(&self) {
        match &self.provider {
            Provider::Waits(gate) => gate.notify_waiters(),
            Provider::Answers(..) | Provider::Fails(_) => {}
        }
    }
}

#[async_trait]
impl Fetch for Counting {
    async fn get(&self, url: &Url) -> Result<Fetched, FetchFailed> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.urls.lock().expect("no test panics in here").push(url.to_string());
        match &self.provider {
            Provider::Answers(status, body) => Ok(Fetched { status: *status, body: Bytes::from(body.clone()) }),
            Provider::Fails(error) => Err(error.clone()),
            Provider::Waits(gate) => {
                let open = gate.notified();
                self.arrived.notify_one();
                open.await;
                Ok(Fetched { status: 200, body: document("https://login.microsoftonline.com", TENANT).into() })
            }
        }
    }
}

fn document(origin: &str, tenant: &str) -> String {
    format!(r#"{{"token_endpoint":"{origin}/{tenant}/oauth2/v2.0/token","issuer":"{origin}/{tenant}/v2.0","tenant_region_scope":"EU"}}"#)
}

fn domain(name: &str) -> Domain {
    Domain::parse(name).expect("a domain")
}

fn tenant() -> TenantOfDomain {
    TenantOfDomain::Tenant(TenantId::parse(TENANT).expect("a GUID"))
}

fn lookup_at(origin: &str, provider: &Arc<Counting>) -> MetadataLookup {
    // Long enough not to be met in a test; the one about the limit sets its own.
    MetadataLookup::with_time_limit(Origin::parse(origin).expect("an origin"), provider.clone(), Duration::from_secs(3600))
}

fn lookup(provider: &Arc<Counting>) -> MetadataLookup {
    lookup_at("https://login.microsoftonline.com", provider)
}

#[track_caller]
fn check_at(origin: &str, provider: Provider, expected: TenantOfDomain) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let provider = Counting::new(provider);
    let answer = runtime.block_on(lookup_at(origin, &provider).tenant_of(&domain("contoso.com")));
    assert_eq!((answer, provider.asked()), (expected, 1));
}

#[track_caller]
fn check(status: u16, body: &str, expected: TenantOfDomain) {
    check_at("https://login.microsoftonline.com", Provider::Answers(status, body.into()), expected);
}

#[test]
fn a_document_of_this_authority_names_the_tenant() {
    let here = "https://login.microsoftonline.com";
    check(200, &document(here, TENANT), tenant());
    check_at("https://login.windows.net", Provider::Answers(200, document(here, TENANT)), tenant());
    check_at("http://localhost:8081", Provider::Answers(200, document("http://localhost:8081", TENANT)), tenant());
}

#[test]
fn a_document_of_anybody_else_says_nothing() {
    let here = "https://login.microsoftonline.com";
    for body in [
        document("https://login.evil.example", TENANT),
        document("https://login.microsoftonline.com.evil.example", TENANT),
        document("http://login.microsoftonline.com", TENANT),
        document(here, "{tenantid}"),
        document(here, "contoso.com"),
        document(here, &format!("x/{TENANT}")),
        format!(r#"{{"issuer":"{here}/{TENANT}/"}}"#),
        format!(r#"{{"issuer":["{here}/{TENANT}/v2.0"]}}"#),
        format!(r#"{{"issuer":"{here}/{TENANT}/v2.0""#),
        "{}".into(),
        "<html>".into(),
        String::new(),
    ] {
        check(200, &body, TenantOfDomain::Unknown);
    }
    check(200, &document(here, TENANT), tenant());
}

#[test]
fn the_tenant_of_all_personal_accounts_is_no_organisation() {
    check(200, &document("https://login.microsoftonline.com", &TenantId::CONSUMERS.to_string()), TenantOfDomain::NoTenant);
}

#[test]
fn only_the_providers_clear_no_is_a_no() {
    check(400, INVALID_TENANT, TenantOfDomain::NoTenant);
    check(400, r#"{"error":"invalid_request"}"#, TenantOfDomain::Unknown);
    check(400, r#"{"error":{"code":"invalid_tenant"}}"#, TenantOfDomain::Unknown);
    check(400, "invalid_tenant", TenantOfDomain::Unknown);
    for status in [301, 302, 404, 429, 500, 503] {
        check(status, INVALID_TENANT, TenantOfDomain::Unknown);
        check(status, &document("https://login.microsoftonline.com", TENANT), TenantOfDomain::Unknown);
    }
}

#[test]
fn no_answer_is_not_a_no() {
    for error in [FetchFailed::Timeout, FetchFailed::TooLarge, FetchFailed::Connect("refused".into()), FetchFailed::Broken("reset".into())]
    {
        check_at("https://login.microsoftonline.com", Provider::Fails(error), TenantOfDomain::Unknown);
    }
}

#[test]
fn a_document_is_read_up_to_its_bound() {
    let padded = |size: usize| {
        let document = document("https://login.microsoftonline.com", TENANT);
        format!("{}{document}", " ".repeat(size - document.len()))
    };
    check(200, &padded(MAX_BODY), tenant());
    check(200, &padded(MAX_BODY + 1), TenantOfDomain::Unknown);
}

#[tokio::test]
async fn a_provider_that_hangs_is_left_after_the_limit() {
    let provider = Counting::new(Provider::Waits(Notify::new()));
    let origin = Origin::parse("https://login.microsoftonline.com").expect("an origin");
    let lookup = MetadataLookup::with_time_limit(origin, provider.clone(), Duration::ZERO);
    assert_eq!(lookup.tenant_of(&domain("contoso.com")).await, TenantOfDomain::Unknown);
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn the_domain_is_one_path_segment_at_a_fixed_origin() {
    let provider = Counting::new(Provider::Answers(400, INVALID_TENANT.into()));
    let lookup = lookup_at("https://login.microsoftonline.com:8443", &provider);
    lookup.tenant_of(&domain("Bücher.example")).await;
    let expected = "https://login.microsoftonline.com:8443/xn--bcher-kva.example/v2.0/.well-known/openid-configuration";
    assert_eq!(*provider.urls.lock().expect("no test panics in here"), [expected]);
}

#[tokio::test]
async fn an_answer_is_remembered_for_the_domain() {
    let provider = Counting::new(Provider::Answers(400, INVALID_TENANT.into()));
    let lookup = lookup(&provider);
    for name in ["contoso.com", "Contoso.COM", "contoso.com"] {
        assert_eq!(lookup.tenant_of(&domain(name)).await, TenantOfDomain::NoTenant);
    }
    assert_eq!(provider.asked(), 1);
    lookup.tenant_of(&domain("fabrikam.com")).await;
    assert_eq!(provider.asked(), 2);
}

#[test]
fn a_yes_is_remembered_for_a_day_a_no_for_an_hour_a_failure_for_half_a_minute() {
    let now = Instant::now();
    for (answer, seconds) in [(tenant(), 86_400), (TenantOfDomain::NoTenant, 3_600), (TenantOfDomain::Unknown, 30)] {
        let expected = Some(Duration::from_secs(seconds));
        let domain = domain("contoso.com");
        assert_eq!(Remembered.expire_after_create(&domain, &answer, now), expected);
        assert_eq!(Remembered.expire_after_update(&domain, &answer, now, Some(Duration::from_secs(1))), expected);
    }
}

#[tokio::test]
async fn fifty_who_ask_at_once_are_one_request() {
    let provider = Counting::new(Provider::Waits(Notify::new()));
    let lookup = Arc::new(lookup(&provider));
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let lookup = lookup.clone();
            tokio::spawn(async move { lookup.tenant_of(&domain("contoso.com")).await })
        })
        .collect();
    provider.arrived.notified().await;
    // Everybody has had a turn before the answer comes: one thread runs all of them in order.
    tokio::task::yield_now().await;
    provider.release();
    for one in waiting {
        assert_eq!(one.await.expect("no panic"), tenant());
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn one_who_goes_away_spoils_nothing_for_those_who_wait() {
    let provider = Counting::new(Provider::Waits(Notify::new()));
    let lookup = Arc::new(lookup(&provider));
    let ask = || {
        let lookup = lookup.clone();
        tokio::spawn(async move { lookup.tenant_of(&domain("contoso.com")).await })
    };
    let first = ask();
    provider.arrived.notified().await;
    let second = ask();
    tokio::task::yield_now().await;
    first.abort();
    provider.arrived.notified().await;
    provider.release();
    assert_eq!(second.await.expect("no panic"), tenant());
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn more_domains_at_a_time_than_the_bound_are_unknown() {
    let provider = Counting::new(Provider::Waits(Notify::new()));
    let lookup = Arc::new(lookup(&provider));
    let waiting: Vec<_> = (0..MAX_IN_FLIGHT)
        .map(|number| {
            let lookup = lookup.clone();
            tokio::spawn(async move { lookup.tenant_of(&domain(&format!("d{number}.example"))).await })
        })
        .collect();
    while provider.asked() < MAX_IN_FLIGHT {
        tokio::task::yield_now().await;
    }
    assert_eq!(lookup.tenant_of(&domain("one-more.example")).await, TenantOfDomain::Unknown);
    assert_eq!(provider.asked(), MAX_IN_FLIGHT);
    provider.release();
    for one in waiting {
        assert_eq!(one.await.expect("no panic"), tenant());
    }
}
