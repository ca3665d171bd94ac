//! How lists of groups are written: an object id in the one spelling it is printed in takes 17 bytes instead of 37, so that
//! a session with two hundred of them fits into cookies. Any other text stays what it is.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::guid::Guid;

#[derive(Serialize, Deserialize)]
enum Written<'a> {
    Id(Guid),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

pub(super) fn serialize<S: Serializer>(groups: &[Arc<str>], serializer: S) -> Result<S::Ok, S::Error> {
    let written = |group| Guid::parse_canonical(group).map_or(Written::Text(Cow::Borrowed(group)), Written::Id);
    serializer.collect_seq(groups.iter().map(|group| written(group)))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Arc<str>>, D::Error> {
    let written = Vec::<Written<'de>>::deserialize(deserializer)?.into_iter();
    Ok(written
        .map(|group| match group {
            Written::Id(id) => id.with_text(|text| Arc::from(text)),
            Written::Text(text) => Arc::from(text),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::domain::principal::Groups;

    fn length(groups: &[&str]) -> usize {
        postcard::to_allocvec(&Groups::Listed(groups.iter().map(|&group| group.into()).collect())).expect("written").len()
    }

    #[test]
    fn an_object_id_takes_seventeen_bytes_and_any_other_text_its_own() {
        let (empty, id) = (length(&[]), "3a0c0000-0000-4000-8000-0000000000aa");
        for (group, bytes) in [(id, 17), (&*id.to_uppercase(), 38), ("staff", 7), (&id[1..], 37), ("", 2)] {
            assert_eq!(length(&[group]) - empty, bytes, "{group}");
        }
    }

    fn some_groups() -> impl Strategy<Value = Vec<std::sync::Arc<str>>> {
        let id = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
        let mixed = "[0-9a-fA-F]{8}-[0-9a-f]{4}-[0-9A-F]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
        proptest::collection::vec(prop_oneof![id, mixed, ".*"].prop_map(Into::into), 0..20)
    }

    proptest! {
        #[test]
        fn every_list_comes_back_exactly(listed in some_groups(), about in some_groups(), member_of in some_groups()) {
            for groups in [Groups::Listed(listed), Groups::Asked { about, member_of }, Groups::Overage, Groups::NOT_ASKED] {
                let bytes = postcard::to_allocvec(&groups).expect("written");
                let (read, rest) = postcard::take_from_bytes::<Groups>(&bytes).expect("read");
                prop_assert!(read == groups && rest.is_empty());
            }
        }

        #[test]
        fn bytes_that_are_no_list_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _either = postcard::from_bytes::<Groups>(&bytes);
        }
    }
}
