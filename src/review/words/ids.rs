//! Ids of 36 characters, and how much of them is shown.

use std::collections::BTreeMap;

use crate::domain::guid::Guid;
use crate::domain::rules::Rules;

/// As much of an id as is shown.
const SHOWN: usize = 8;

/// The ids of groups and tenants that can be told by how they start.
pub(in crate::review) struct ShortIds(BTreeMap<String, String>);

impl ShortIds {
    /// Of all ids that these rules name.
    pub(in crate::review) fn of<'a>(rules: impl IntoIterator<Item = &'a Rules>) -> Self {
        let routes = rules.into_iter().flat_map(|rules| rules.routes.routes());
        let mut starts: BTreeMap<String, Option<String>> = BTreeMap::new();
        for wanted in routes.filter_map(|route| route.access.stated()) {
            let ids = wanted.groups.iter().map(ToString::to_string).chain(wanted.tenants.iter().map(ToString::to_string));
            for id in ids.filter(|id| Guid::parse(id).is_ok()) {
                let start = id.chars().take(SHOWN).collect();
                // Of two ids with one start, neither can be told by it.
                starts.entry(start).and_modify(|known| *known = known.take().filter(|known| *known == id)).or_insert(Some(id));
            }
        }
        Self(starts.into_iter().filter_map(|(start, id)| Some((id?, format!("{start}…")))).collect())
    }

    /// As much of an id as tells it from the others.
    pub(in crate::review) fn shown<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }
}
