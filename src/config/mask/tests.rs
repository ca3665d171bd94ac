//! What is masked and what is left to be read, in files that are TOML and in files that are none.

use toml::de::DeTable;

use super::{Masked, names_a_secret, secrets_of, secrets_of_broken};

const SECRET: &str = "k8Q~hunter2";

fn shown(text: &str) -> String {
    let table = DeTable::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    Masked::new(text, secrets_of(text, table.get_ref())).text().to_owned()
}

#[test]
fn names_of_secrets_are_known_and_the_files_own_keys_are_none() {
    for name in [
        "secret",
        "client-secret",
        "apikey",
        "ApiKey",
        "X-Api-Key",
        "X-Functions-Key",
        "Ocp-Apim-Subscription-Key",
        "X-Shared-Auth",
        "Authorization",
        "Proxy-Authorization",
        "signature",
        "X-Hub-Signature-256",
        "sig",
        "private_key",
        "AccountAccessKey",
        "passphrase",
    ] {
        assert!(names_a_secret(name), "{name}");
    }
    for name in ["X-App-User", "author", "design", "monkey", "authorization_endpoint", "X-Passenger", "keyboard"] {
        assert!(!names_a_secret(name), "{name}");
    }
    let schema: serde_json::Value = serde_json::from_str(include_str!("../schema.json")).expect("the schema is JSON");
    let mut keys = Vec::new();
    collect_keys(&schema, &mut keys);
    assert!(keys.contains(&"auth") && keys.contains(&"bearer") && keys.contains(&"key_files"));
    let masked: Vec<_> = keys.into_iter().filter(|key| names_a_secret(key)).collect();
    assert!(masked.is_empty(), "{masked:?}");
}

fn collect_keys<'a>(schema: &'a serde_json::Value, keys: &mut Vec<&'a str>) {
    if let Some(object) = schema.as_object() {
        keys.extend(object.get("properties").and_then(|properties| properties.as_object()).into_iter().flatten().map(|(key, _)| &**key));
        object.values().for_each(|inner| collect_keys(inner, keys));
    }
    schema.as_array().into_iter().flatten().for_each(|inner| collect_keys(inner, keys));
}

#[test]
fn secrets_are_masked_in_values_and_in_comments() {
    for (text, expected) in [
        ("apikey = 'SECRET'", "apikey = ***"),
        ("set = { X-Functions-Key = 'SECRET', X-User = '{oid}' }", "set = { X-Functions-Key = ***, X-User = '{oid}' }"),
        ("set = { 'X-Shared-Auth' = 'SECRET' }", "set = { 'X-Shared-Auth' = *** }"),
        ("a = 1 # secret = \"SECRET\"", "a = 1 # secret = ***"),
        ("# client = { id = 'x', secret = 'SECRET' }\nb = 2", "# client = { id = 'x', secret = ***\nb = 2"),
        ("# the password: SECRET\r\nb = 2", "# the password: ***\r\nb = 2"),
        ("# Authorization: Bearer SECRET", "# Authorization: ***"),
        ("#keys = ['SECRET',\n#  'b']", "#keys = ***\n#  'b']"),
        ("# was http://me:SECRET@app:3000 until May", "# was ***"),
        ("# https://app/?sig=SECRET and https://b/?token=SECRET", "# ***"),
        ("# https://app/?v=1&apikey=SECRET then more", "# ***"),
        ("a = [ # token: SECRET\n  1, # one\n]", "a = [ # token: ***\n  1, # one\n]"),
        ("a = '#'  # '#' secret: SECRET", "a = '#'  # '#' secret: ***"),
        ("'a#b' = 1 # pwd=SECRET", "'a#b' = 1 # pwd=***"),
        ("a = \"\"\"\n# not a comment\n\"\"\" # key: SECRET", "a = \"\"\"\n# not a comment\n\"\"\" # key: ***"),
    ] {
        assert_eq!(shown(&text.replace("SECRET", SECRET)), expected, "{text}");
    }
}

#[test]
fn what_is_no_secret_can_be_read() {
    for text in [
        "accent = { light = '#0b5cad' } # blue = #00f",
        "a = '# secret = x'",
        "a = \"\"\"\n# secret: x\n\"\"\"",
        "# secret_file = '/run/secrets/client-secret'\n# secret_env: CLIENT_SECRET",
        "# made by: openssl rand -hex 32 > session-key",
        "# mail ops@example.com, or see: https://wiki.example.com/proxy?page=2",
        "# support = 'mailto:help@example.com'",
        "# secret =",
        "['a#b'.c]\nd = 1\n['a#b'.e]\nf = 2",
        include_str!("../../../config/example.toml"),
        include_str!("../../../config/minimal.toml"),
        include_str!("../../command/init/one-tenant.toml"),
        include_str!("../../command/init/consumers-and-work.toml"),
        include_str!("../../command/init/behind-nginx.toml"),
    ] {
        assert_eq!(shown(text), text);
    }
}

#[test]
fn what_is_no_toml_is_masked_line_by_line() {
    for (text, expected) in [
        ("secret: SECRET\nid: x", "secret: ***\nid: x"),
        ("\"apikey\": \"SECRET\",\n\"id\": \"x\",", "\"apikey\": ***\n\"id\": \"x\","),
        ("id = x # token: SECRET", "id = x # token: ***"),
        ("listen = 127.0.0.1:8080", "listen = 127.0.0.1:8080"),
        ("issuer = https://id.example.com", "issuer = https://id.example.com"),
        ("store = redis://:a/SECRET@h", "store =***"),
    ] {
        let text = text.replace("SECRET", SECRET);
        assert_eq!(Masked::new(&text, secrets_of_broken(&text)).text(), expected, "{text}");
    }
}
