//! What browsers are told about the files, and what an accent colour becomes.

use super::*;

fn with_accent(light: &str, dark: &str) -> Branding {
    Branding { accent: Some((light.into(), dark.into())), ..Branding::default() }
}

fn style_of(branding: &Branding) -> String {
    let response = Assets::new(branding).response("style.css", None).expect("a stylesheet");
    String::from_utf8(response.body().to_vec()).expect("UTF-8")
}

#[test]
fn a_file_asked_for_by_its_hash_is_kept_for_good_and_by_another_is_not() {
    let assets = Assets::new(&Branding::default());
    let url = assets.style_url("/.auth");
    let query = url.strip_prefix("/.auth/assets/style.css?").expect("the address of the stylesheet");
    let kept = |query| {
        let response = assets.response("style.css", query).expect("a stylesheet");
        response.headers()[header::CACHE_CONTROL].to_str().expect("text").to_owned()
    };
    assert_eq!(kept(Some(query)), "public, max-age=31536000, immutable");
    assert_eq!(kept(Some("v=0000000000000000")), "no-cache");
    assert_eq!(kept(None), "no-cache");
}

#[test]
fn only_files_that_there_are_are_answered() {
    let plain = Assets::new(&Branding::default());
    assert!(plain.response("icon.svg", None).is_some());
    for name in ["logo", "", "../style.css", "style.css/", "icon.svg "] {
        assert!(plain.response(name, None).is_none(), "{name}");
    }
    let logo = Branding { logo: Some(("image/png", vec![137, 80])), ..Branding::default() };
    let response = Assets::new(&logo).response("logo", None).expect("a logo");
    assert_eq!((response.headers()[header::CONTENT_TYPE].as_bytes(), &response.body()[..]), (&b"image/png"[..], &[137, 80][..]));
}

#[test]
fn a_file_opened_by_itself_can_run_nothing() {
    let response = Assets::new(&Branding::default()).response("icon.svg", None).expect("an icon");
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"));
    assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[test]
fn an_accent_changes_the_stylesheet_and_its_address() {
    let (plain, accented) = (Branding::default(), with_accent("#00695c", "#80cbc4"));
    assert_ne!(Assets::new(&plain).style_url(""), Assets::new(&accented).style_url(""));
    let style = style_of(&accented);
    assert!(style.contains(":root{--accent:#00695c;") && style.contains("--on-accent:#ffffff;") && style.contains("--link:#00695c;"));
    assert!(style.ends_with("--link:#80cbc4;}}\n"));
}

#[test]
fn an_accent_that_cannot_be_read_colours_buttons_but_no_links() {
    let style = style_of(&with_accent("#ffd54f", "#ffd54f"));
    assert!(style.contains("--accent:#ffd54f;") && style.contains("--on-accent:#000000;") && style.contains("--link:#171a21;"));
}

#[test]
fn an_accent_that_is_no_colour_changes_nothing() {
    let plain = style_of(&Branding::default());
    for (light, dark) in [("red;}body{display:none", "#80cbc4"), ("#00695c", "#fff"), ("", "")] {
        assert_eq!(style_of(&with_accent(light, dark)), plain, "{light} {dark}");
    }
}

#[test]
fn the_schemes_here_are_those_of_the_stylesheet() {
    for (scheme, part) in [(Scheme::LIGHT, STYLE.split("@media").next()), (Scheme::DARK, STYLE.split("@media").nth(1))] {
        let part = part.expect("two schemes");
        for (name, colour) in [("surface", scheme.surface), ("page", scheme.page), ("text", scheme.text)] {
            assert!(part.contains(&format!("--{name}: {colour};")), "{name} {colour}");
        }
    }
}
