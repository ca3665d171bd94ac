//! Where sessions are kept: what belongs to `session.store` is put together, and what does not is told.

use super::{Surroundings, client, files};
use crate::config::file::client::SecretSource;
use crate::config::file::session::{STORE_PASSWORD, SessionSection};
use crate::config::file::setting::{Located, Setting};
use crate::config::problem::{Code, Problem, Span};
use crate::protocol::store_address::{RedisAddress, StoreAddress, Transport};

/// `None`: something is wrong, and was reported.
pub(crate) fn resolve(section: &SessionSection, around: &Surroundings<'_>) -> Option<StoreAddress> {
    let password = match &section.store_password {
        Setting::Absent => Some(None),
        Setting::Broken => None,
        Setting::Given(source) => client::secret(&source.value, STORE_PASSWORD, around).map(Some),
    };
    let ca_pem = files::certificates(&section.store_ca_file, "store_ca_file", around);
    let store = match &section.store {
        Setting::Absent => None,
        Setting::Broken => return None,
        Setting::Given(store) => Some(store),
    };
    report_without_effect(section, store, around);
    match store.map(|store| (store, &store.value)) {
        None | Some((_, StoreAddress::Cookie)) => Some(StoreAddress::Cookie),
        Some((_, StoreAddress::Memory)) => Some(StoreAddress::Memory),
        Some((_, StoreAddress::File(folder))) => Some(StoreAddress::File(around.directory.join(folder))),
        Some((written, StoreAddress::Redis(address))) => {
            report_redis(section, written, address, around);
            let transport = match address.transport {
                Transport::Plain => Transport::Plain,
                Transport::Tls { .. } => Transport::Tls { ca_pem: ca_pem? },
            };
            Some(StoreAddress::Redis(RedisAddress { transport, password: password?, ..address.clone() }))
        }
    }
}

/// Whether others, or a later run, are to read what this process writes: which takes a key that they have as well.
pub(crate) fn outlasts_the_process(section: &SessionSection) -> Option<Span> {
    let store = section.store.given()?;
    match store.value {
        StoreAddress::Cookie | StoreAddress::Memory => None,
        StoreAddress::File(_) | StoreAddress::Redis(_) => Some(store.at),
    }
}

fn report_redis(section: &SessionSection, written: &Located<StoreAddress>, address: &RedisAddress, around: &Surroundings<'_>) {
    if address.username.is_some() && section.store_password.is_absent() {
        let problem = Problem::new(Code::Missing, written.at, "`store_password_file` is missing in [session]");
        around.findings.report(problem.label("a user name goes with a password: in a file, or in the variable of store_password_env"));
    }
    if address.transport == Transport::Plain && !address.is_on_loopback() {
        let problem = Problem::new(Code::ClearTextStore, written.at, "the connection to the session store is not encrypted");
        around.findings.report(
            problem
                .label("clear text off loopback; \"rediss://…\" is encrypted")
                .note("what sessions hold is sealed, but whoever is on the way can read the password, and end or keep back sessions"),
        );
    }
}

/// Keys about connections where there are none, or none of that sort.
fn report_without_effect(section: &SessionSection, store: Option<&Located<StoreAddress>>, around: &Surroundings<'_>) {
    let transport = store.and_then(|store| match &store.value {
        StoreAddress::Redis(address) => Some(&address.transport),
        StoreAddress::Cookie | StoreAddress::Memory | StoreAddress::File(_) => None,
    });
    let report = |key: &str, at: Span, why: &str| {
        let problem = Problem::new(Code::NoEffect, at, format!("`{key}` in [session] has no effect")).label("remove this key");
        around.findings.report(match store {
            Some(store) => problem.context(store.at, why),
            None => problem.note("sessions are kept in cookies, as `store` does not say otherwise"),
        });
    };
    if let (Some(source), None) = (section.store_password.given(), transport) {
        let [file, variable] = STORE_PASSWORD;
        let key = if matches!(source.value, SecretSource::File(_)) { file } else { variable };
        report(key, source.key, "this store asks for no password");
    }
    match (section.store_ca_file.given(), transport) {
        (None, _) | (Some(_), Some(Transport::Tls { .. })) => {}
        (Some(file), None) => report("store_ca_file", file.key, "nothing is connected to"),
        (Some(file), Some(Transport::Plain)) => report("store_ca_file", file.key, "this connection is not encrypted"),
    }
}
