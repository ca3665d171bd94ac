//! Which files are noted while a configuration is read, and when two readings are the same.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{HEAD, ROUTE, directory};
use crate::config::files_read::FilesRead;
use crate::config::load_with_files;

const FILE: &str = "homerealm.toml";

/// A directory with this configuration.
fn configured(text: &str) -> TempDir {
    let directory = directory();
    fs::write(directory.path().join(FILE), text).expect("a file can be written");
    directory
}

fn names(files: &FilesRead, directory: &TempDir) -> Vec<String> {
    let name = |path: &Path| path.strip_prefix(directory.path()).expect("below it").display().to_string();
    files.paths.iter().map(|path| name(path)).collect()
}

#[test]
fn every_file_that_was_read_is_noted_whether_or_not_anything_comes_of_it() {
    let branded = format!("{HEAD}[branding]\nlogo_file = \"logo.svg\"\n{ROUTE}");
    for (text, is_right, expected) in [
        (branded.clone(), true, &[FILE, "secret", "key", "logo.svg"][..]),
        (branded.replace("\"work\"", "\"works\""), false, &[FILE, "secret", "key", "logo.svg"]),
        (branded.replace("\"key\"", "\"key\", \"to-come\""), false, &[FILE, "secret", "key", "to-come", "logo.svg"]),
        ("version = ".to_owned(), false, &[FILE]),
    ] {
        let directory = configured(&text);
        let (config, files) = load_with_files(&directory.path().join(FILE));
        assert_eq!((config.is_ok(), names(&files, &directory)), (is_right, expected.iter().map(|name| (*name).to_owned()).collect()));
        if let Ok(config) = config {
            assert_eq!(config.files, files);
        }
    }
    let nowhere = directory();
    let (config, files) = load_with_files(&nowhere.path().join(FILE));
    assert!(config.is_err());
    assert_eq!(names(&files, &nowhere), [FILE]);
}

#[test]
fn two_readings_are_the_same_if_every_file_says_the_same() {
    let directory = configured(&format!("{HEAD}{ROUTE}"));
    let file = directory.path().join(FILE);
    let read = || load_with_files(&file).1;
    let first = read();
    assert_eq!(read(), first);
    for name in [FILE, "secret", "key"] {
        let path = directory.path().join(name);
        let content = fs::read(&path).expect("a file");
        fs::write(&path, [&content[..], b"\n"].concat()).expect("a file can be written");
        assert_ne!(read(), first, "{name}");
        fs::remove_file(&path).expect("a file");
        assert_ne!(read(), first, "{name}");
        fs::write(&path, content).expect("a file can be written");
        assert_eq!(read(), first, "{name}");
    }
}

#[test]
fn what_was_read_is_not_shown() {
    let directory = configured(&format!("{HEAD}{ROUTE}"));
    let shown = format!("{:?}", load_with_files(&directory.path().join(FILE)).1);
    assert!(shown.contains("secret") && shown.ends_with("content: [redacted] }"), "{shown}");
}
