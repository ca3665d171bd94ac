//! `[tenants]`.

use super::server::report_duplicate;
use crate::config::file::tenants::TenantSection;
use crate::config::problem::Findings;
use crate::domain::rules::Tenant;

pub(crate) fn resolve(sections: &[TenantSection], findings: &Findings) -> Option<Vec<Tenant>> {
    for (index, section) in sections.iter().enumerate() {
        let Some(id) = section.id.given() else { continue };
        let earlier = sections[..index].iter().filter_map(|earlier| earlier.id.given());
        if let Some(first) = earlier.into_iter().find(|earlier| earlier.value == id.value) {
            report_duplicate("the tenant", id.at, first.at, findings);
        }
    }
    let settings = |section: &TenantSection| {
        let id = *section.id.value()?;
        let name = section.name.value().unwrap_or(&section.key).clone();
        Some(Tenant { key: section.key.clone(), id, name })
    };
    sections.iter().map(settings).collect()
}
