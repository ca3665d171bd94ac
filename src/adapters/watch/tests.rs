//! Files that change in all the ways in which files change.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::*;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// A file, and a watch that has seen and acted upon it.
fn watched(directory: &TempDir) -> (PathBuf, Watch) {
    let file = directory.path().join("file");
    fs::write(&file, "one").expect("a file");
    until_time_has_passed(&file);
    let watch = acted_upon(&[&file]);
    (file, watch)
}

/// Until a change of the file would get another time: the file system's clock has ticks.
fn until_time_has_passed(file: &Path) {
    let probe = file.with_extension("probe");
    let time_of = |path: &Path| fs::metadata(path).map(|metadata| (metadata.ctime(), metadata.ctime_nsec())).expect("a file");
    while {
        fs::write(&probe, "probe").expect("a file");
        time_of(&probe) <= time_of(file)
    } {}
}

fn acted_upon(files: &[&Path]) -> Watch {
    let mut watch = Watch::new(&files.iter().map(|path| path.to_path_buf()).collect::<Vec<_>>());
    watch.look();
    watch.act();
    assert_eq!(watch.look(), Change::None);
    watch
}

/// What the next two looks say.
fn two_looks(watch: &mut Watch) -> (Change, Change) {
    (watch.look(), watch.look())
}

const CHANGED: (Change, Change) = (Change::Unsettled, Change::Settled);

#[test]
fn a_change_counts_when_two_looks_in_a_row_agree_on_it() {
    let directory = directory();
    let (file, mut watch) = watched(&directory);
    for length in 1..4 {
        fs::write(&file, "x".repeat(length + 10)).expect("a file");
        assert_eq!(watch.look(), Change::Unsettled, "still being written");
    }
    assert_eq!(watch.look(), Change::Settled);
    assert_eq!(watch.look(), Change::Settled, "until somebody acts upon it");
    watch.act();
    assert_eq!(watch.look(), Change::None);
}

#[test]
fn every_way_of_changing_a_file_is_seen() {
    type Way = fn(&Path);
    let ways: [(&str, Way); 6] = [
        ("written over", |file| fs::write(file, "another length").expect("a file")),
        ("replaced by one of the same length", |file| {
            fs::write(file.with_extension("new"), "two").expect("a file");
            fs::rename(file.with_extension("new"), file).expect("a rename");
        }),
        ("written over with its old time and length", |file| {
            let modified = fs::metadata(file).and_then(|metadata| metadata.modified()).expect("a time");
            fs::write(file, "two").expect("a file");
            fs::File::open(file).and_then(|file| file.set_modified(modified)).expect("a time can be set");
        }),
        ("no longer readable", |file| fs::set_permissions(file, fs::Permissions::from_mode(0o0)).expect("a file of ours")),
        ("removed", |file| fs::remove_file(file).expect("a file")),
        ("replaced by a link", |file| {
            fs::rename(file, file.with_extension("old")).expect("a rename");
            fs::write(file.with_extension("new"), "one").expect("a file");
            symlink(file.with_extension("new"), file).expect("a link");
        }),
    ];
    for (name, change) in ways {
        let directory = directory();
        let (file, mut watch) = watched(&directory);
        change(&file);
        assert_eq!(two_looks(&mut watch), CHANGED, "{name}");
    }
}

#[test]
fn what_was_read_or_looked_at_has_not_changed() {
    let directory = directory();
    let (file, mut watch) = watched(&directory);
    fs::read(&file).expect("a file");
    fs::write(file.with_extension("other"), "beside it").expect("a file");
    assert_eq!(two_looks(&mut watch), (Change::None, Change::None));
}

#[test]
fn a_file_that_appears_is_a_change() {
    let directory = directory();
    let file = directory.path().join("to-come");
    let mut watch = acted_upon(&[&file]);
    fs::write(&file, "here").expect("a file");
    assert_eq!(two_looks(&mut watch), CHANGED);
}

/// `file -> ..data/file`, `..data -> ..1`: an update makes `..2`, and renames a new link over `..data`.
#[test]
fn the_link_that_kubernetes_swaps_is_seen_behind_the_file() {
    let directory = directory();
    let at = |name: &str| directory.path().join(name);
    for (version, content) in [("..1", "one"), ("..2", "two")] {
        fs::create_dir(at(version)).expect("a directory");
        fs::write(at(version).join("file"), content).expect("a file");
    }
    symlink("..1", at("..data")).expect("a link");
    symlink("..data/file", at("file")).expect("a link");
    let mut watch = acted_upon(&[&at("file")]);
    symlink("..2", at("..data_tmp")).expect("a link");
    fs::rename(at("..data_tmp"), at("..data")).expect("a rename");
    assert_eq!(two_looks(&mut watch), CHANGED);
}

#[test]
fn what_was_never_looked_at_before_it_was_read_may_have_changed_since() {
    let directory = directory();
    let (file, mut watch) = watched(&directory);
    let other = directory.path().join("other");
    fs::write(&other, "one").expect("a file");
    watch.follow(&[file.clone(), other.clone()]);
    assert_eq!(two_looks(&mut watch), CHANGED);
    watch.act();
    // Nothing new: neither of them is forgotten, and nobody has to act again.
    watch.follow(&[other, file.clone()]);
    assert_eq!(watch.look(), Change::None);
    watch.follow(&[file]);
    assert_eq!(watch.look(), Change::None);
}

#[test]
fn what_was_changed_while_it_was_acted_upon_has_changed() {
    let directory = directory();
    let (file, mut watch) = watched(&directory);
    watch.look();
    watch.act();
    fs::write(&file, "while it was read").expect("a file");
    watch.follow(&[file]);
    assert_eq!(two_looks(&mut watch), CHANGED);
}

#[test]
fn a_pipe_is_not_there_to_be_read_twice() {
    let mut watch = Watch::new(&["/dev/null".into()]);
    assert_eq!(two_looks(&mut watch), (Change::None, Change::None));
}
