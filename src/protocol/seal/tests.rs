//! Tests of sealing and opening.

use proptest::prelude::*;

use super::*;
use crate::domain::account::TenantId;

const HERE: &[&str] = &["https://orders.example.com"];

fn ring(keys: &[u8]) -> KeyRing {
    KeyRing::new(keys.iter().map(|byte| Secret::new([*byte; 32])).collect()).expect("at least one key")
}

/// Bytes that never repeat: each call goes on counting.
fn counter() -> impl FnMut(&mut [u8]) {
    let mut next = 0_u64;
    move |buffer: &mut [u8]| {
        for byte in buffer {
            next += 1;
            *byte = (next.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
        }
    }
}

fn sealed(keys: &KeyRing, purpose: Purpose, context: &[&str]) -> String {
    keys.seal(purpose, context, b"plain text", &mut counter())
}

#[test]
fn a_ring_without_keys_cannot_be_made() {
    assert_eq!(KeyRing::new(Vec::new()).err(), Some(NoKeys));
}

#[test]
fn purpose_indexes_follow_the_list() {
    for (at, purpose) in Purpose::ALL.into_iter().enumerate() {
        assert_eq!(purpose.index(), at);
    }
}

#[test]
fn one_flipped_bit_anywhere_is_refused() {
    let keys = ring(&[1]);
    let text = sealed(&keys, Purpose::Session, HERE);
    assert_eq!(keys.open(Purpose::Session, HERE, &text).expect("untouched").as_slice(), b"plain text");
    let bytes = URL_SAFE_NO_PAD.decode(&text).expect("base64url");
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(keys.open(Purpose::Session, HERE, &URL_SAFE_NO_PAD.encode(changed)), Err(NotOurs), "bit {bit}");
    }
    for at in 0..text.len() {
        for bit in 0..7 {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1 << bit;
            let changed = String::from_utf8(changed).expect("still ASCII");
            assert_eq!(keys.open(Purpose::Session, HERE, &changed), Err(NotOurs), "bit {bit} of character {at}");
        }
    }
}

#[test]
fn a_value_opens_for_its_own_purpose_and_context_only() {
    let keys = ring(&[1]);
    let contexts: [&[&str]; 6] = [&["https://a"], &["https://b"], &["https://a", ""], &["https://a", "b"], &["https://ab"], &[]];
    for made_for in Purpose::ALL {
        for made_at in contexts {
            let text = sealed(&keys, made_for, made_at);
            for purpose in Purpose::ALL {
                for context in contexts {
                    let fits = purpose == made_for && context == made_at;
                    assert_eq!(keys.open(purpose, context, &text).is_ok(), fits, "{made_for:?}{made_at:?} as {purpose:?}{context:?}");
                }
            }
        }
    }
}

#[test]
fn an_old_key_still_opens_and_an_unknown_one_does_not() {
    let text = sealed(&ring(&[1]), Purpose::State, HERE);
    assert!(ring(&[2, 1]).open(Purpose::State, HERE, &text).is_ok());
    assert!(ring(&[2]).open(Purpose::State, HERE, &text).is_err());
}

#[test]
fn only_the_first_key_seals() {
    let text = sealed(&ring(&[2, 1]), Purpose::State, HERE);
    assert!(ring(&[2]).open(Purpose::State, HERE, &text).is_ok());
    assert!(ring(&[1]).open(Purpose::State, HERE, &text).is_err());
}

#[test]
fn the_same_text_twice_is_sealed_differently() {
    let (keys, mut random) = (ring(&[1]), counter());
    let mut seal = || keys.seal(Purpose::Session, HERE, b"same", &mut random);
    assert_ne!(seal(), seal());
}

#[test]
fn other_texts_are_refused() {
    let keys = ring(&[1]);
    let text = sealed(&keys, Purpose::State, HERE);
    let standard = text.replace('-', "+").replace('_', "/");
    assert_ne!(standard, text, "the sample has a character of the other alphabet");
    let (padded, spaced, beyond_ascii) = (format!("{text}="), format!(" {text}"), format!("{text}é"));
    let long = "A".repeat(MAX_SEALED_LENGTH + 1);
    for (what, other) in [
        ("another alphabet", &*standard),
        ("beyond ASCII", &beyond_ascii),
        ("empty", ""),
        ("long", &long),
        ("padded", &padded),
        ("short", &text[..text.len() - 1]),
        ("spaced", &spaced),
    ] {
        assert_eq!(keys.open(Purpose::State, HERE, other), Err(NotOurs), "{what}");
    }
    assert!(keys.open(Purpose::State, HERE, &text).is_ok());
}

#[test]
fn a_ring_can_be_shared_between_threads() {
    const fn shared<T: Send + Sync>(_: &T) {}
    shared(&ring(&[1]));
}

#[test]
fn what_is_too_long_is_not_even_decoded() {
    let (keys, mut random) = (ring(&[1]), counter());
    let fits = MAX_SEALED_LENGTH / 4 * 3 - HEAD_LENGTH - TAG_LENGTH;
    for (length, opens) in [(fits, true), (fits + 1, false)] {
        let text = keys.seal(Purpose::Session, HERE, &vec![b'x'; length], &mut random);
        assert_eq!(text.len() <= MAX_SEALED_LENGTH, opens);
        let mut buffer = Vec::new();
        assert_eq!(keys.open_into(Purpose::Session, HERE, &text, &mut buffer).is_ok(), opens);
        assert_eq!(buffer.is_empty(), !opens, "the cap comes before decoding");
    }
}

#[test]
fn a_buffer_can_be_used_again() {
    let (keys, mut random, mut buffer) = (ring(&[1]), counter(), Vec::new());
    for text in ["a long first one, so that something would be left over", "short", ""] {
        let sealed = keys.seal(Purpose::Session, HERE, text.as_bytes(), &mut random);
        assert_eq!(keys.open_into(Purpose::Session, HERE, &sealed, &mut buffer), Ok(text.as_bytes()));
    }
}

#[test]
fn fingerprints_survive_a_rotation_and_differ_between_rings() {
    let old = ring(&[1]).fingerprint("ada@contoso.example");
    assert!(ring(&[2, 1]).fingerprints("ada@contoso.example").any(|mark| mark == old));
    assert!(!ring(&[2, 1]).fingerprints("bo@contoso.example").any(|mark| mark == old));
    assert!(!ring(&[2]).fingerprints("ada@contoso.example").any(|mark| mark == old));
}

#[test]
fn nothing_of_a_key_is_printed() {
    assert_eq!(format!("{:?}", ring(&[1, 2])), "KeyRing(2 keys)");
}

proptest! {
    #[test]
    fn what_is_sealed_comes_back(plain in proptest::collection::vec(any::<u8>(), 0..4096), context in ".{0,64}") {
        let keys = ring(&[3]);
        let text = keys.seal(Purpose::Session, &[&context], &plain, &mut counter());
        prop_assert_eq!(text.len(), sealed_length(plain.len()));
        let opened = keys.open(Purpose::Session, &[&context], &text);
        prop_assert_eq!(opened.as_deref(), Ok(&plain));
    }

    #[test]
    fn no_text_at_all_panics(text in ".{0,200}") {
        prop_assert!(ring(&[3]).open(Purpose::State, HERE, &text).is_err());
    }
}

#[test]
fn a_pseudonym_is_one_persons_under_one_key_and_leads_nowhere() {
    let tenant = |digit: char| TenantId::parse(&format!("3a0c0000-0000-4000-8000-00000000000{digit}")).expect("a GUID literal");
    let people = [
        UserId::Directory { tenant: tenant('a'), object: "ob" },
        UserId::Directory { tenant: tenant('b'), object: "ob" },
        UserId::Directory { tenant: tenant('a'), object: "oc" },
        UserId::Subject { issuer: "https://a.example", subject: "ob" },
        UserId::Subject { issuer: "https://a.exampleo", subject: "b" },
        UserId::Subject { issuer: "3a0c0000-0000-4000-8000-00000000000a", subject: "ob" },
    ];
    let names = |keys: &[u8]| people.map(|who| ring(keys).pseudonym(who).to_string());
    let known = names(&[1]);
    assert!(known.iter().all(|name| name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())), "{known:?}");
    assert_eq!(known.iter().collect::<std::collections::HashSet<_>>().len(), people.len(), "everybody has a name of their own");
    assert_eq!(known, names(&[1]));
    assert_eq!(known, names(&[1, 2]), "a key that only opens names nobody");
    assert!(known.iter().zip(names(&[2, 1])).all(|(old, new)| *old != new), "a new first key renames everybody");
}
