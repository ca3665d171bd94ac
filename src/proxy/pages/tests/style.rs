//! The stylesheet: readable in both schemes, ready for narrow windows, forced colours and people who want stillness.

use std::collections::HashMap;

use crate::domain::colour::Colour;

const STYLE: &str = include_str!("../style.css");

/// The colour variables of the light scheme, or of the dark one on top of it.
fn variables(scheme: &str) -> HashMap<&'static str, Colour> {
    let (light, rest) = STYLE.split_once("@media (prefers-color-scheme: dark)").expect("a dark scheme");
    let dark = rest.split_once("\n}").expect("its end").0;
    let read = |block: &'static str| {
        let declarations = block.lines().filter_map(|line| line.trim().strip_suffix(';')?.split_once(": "));
        declarations.filter_map(|(name, value)| Some((name.strip_prefix("--")?, Colour::parse(value)?)))
    };
    let mut variables: HashMap<_, _> = read(light).collect();
    if scheme == "dark" {
        variables.extend(read(dark));
    }
    variables
}

#[test]
fn text_can_be_read_on_every_ground_in_both_schemes() {
    const PAIRS: [(&str, &[&str]); 9] = [
        ("text", &["page", "surface", "tint"]),
        ("muted", &["page", "surface", "tint"]),
        ("link", &["page", "surface", "tint"]),
        ("on-tint", &["tint", "surface"]),
        ("on-accent", &["accent", "accent-hover"]),
        ("danger", &["surface", "danger-tint"]),
        ("warn", &["warn-tint"]),
        ("good", &["good-tint"]),
        ("accent", &["surface"]),
    ];
    for scheme in ["light", "dark"] {
        let variables = variables(scheme);
        for (ink, grounds) in PAIRS {
            for ground in grounds {
                let ratio = variables[ink].contrast_with(variables[*ground]);
                assert!(ratio >= 4.5, "{scheme}: {ink} on {ground} is {ratio:.2}");
            }
        }
        // Borders of fields and buttons: WCAG 2.2, success criterion 1.4.11.
        let ratio = variables["edge"].contrast_with(variables["surface"]);
        assert!(ratio >= 3.0, "{scheme}: edge on surface is {ratio:.2}");
    }
}

#[test]
fn both_schemes_differ_and_define_the_same_grounds() {
    let (light, dark) = (variables("light"), variables("dark"));
    assert!(light.len() >= 17 && light.len() == dark.len());
    assert!(light.iter().all(|(name, colour)| dark[name] != *colour));
}

#[test]
fn the_stylesheet_loads_nothing_and_names_no_side_of_the_page() {
    for word in [
        "url(",
        "@import",
        "http:",
        "https:",
        "margin-left",
        "margin-right",
        "padding-left",
        "padding-right",
        "text-align: left",
        " left:",
        " right:",
    ] {
        assert!(!STYLE.contains(word), "{word}");
    }
    for wish in
        ["forced-colors: active", "prefers-reduced-motion: reduce", "color-scheme: light dark", ":focus-visible", "max-width: 30rem"]
    {
        assert!(STYLE.contains(wish), "{wish}");
    }
}
