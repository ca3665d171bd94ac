//! `[sign_in]`.

use std::num::NonZeroU32;

use super::reader::Reader;
use super::setting::{Located, Setting};
use super::{forms, section};
use crate::domain::address::Domain;
use crate::domain::realm::{Ambiguous, Detect};
use crate::domain::sign_in_page::SignInPage;

/// The section.
#[derive(Debug, Default)]
pub(crate) struct SignInSection {
    pub(crate) page: Setting<SignInPage>,
    pub(crate) ambiguous: Setting<Ambiguous>,
    pub(crate) detect: Setting<Detect>,
    pub(crate) personal_domains: Setting<Vec<Located<Domain>>>,
    pub(crate) remember_accounts: Setting<bool>,
    pub(crate) rate_limit: Setting<NonZeroU32>,
}

pub(crate) fn read(reader: &mut Reader<'_, '_>) -> SignInSection {
    section(reader.table("sign_in", "[sign_in]", |reader| SignInSection {
        page: reader.choice("page", &[("always", SignInPage::Always), ("auto", SignInPage::Auto)]),
        ambiguous: reader.choice("ambiguous", &[("ask", Ambiguous::Ask), ("work", Ambiguous::Work), ("personal", Ambiguous::Personal)]),
        detect: reader.choice("detect", &[("domains", Detect::Domains), ("lookup", Detect::Lookup), ("off", Detect::Off)]),
        personal_domains: reader.one_or_more("personal_domains", forms::domain),
        remember_accounts: reader.boolean("remember_accounts"),
        rate_limit: reader.parsed("rate_limit", forms::per_minute),
    }))
}
