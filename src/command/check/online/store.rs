//! Whether sessions could be kept where the configuration says. A store in a file is not opened: the proxy may have it.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::{Answer, Asked, Outcome};
use crate::adapters::clock::SystemClock;
use crate::adapters::session_store::redis::RedisStore;
use crate::flow::ports::SessionStore as _;
use crate::protocol::session_record::Handle;
use crate::protocol::store_address::{RedisAddress, StoreAddress};

/// `None`: there is nobody to ask.
pub(super) async fn ask_store(address: &StoreAddress) -> Option<Answer> {
    let (name, answer) = match address {
        StoreAddress::Cookie | StoreAddress::Memory => return None,
        StoreAddress::File(folder) => (format!("file:{}", folder.display()), look_at(folder)),
        StoreAddress::Redis(address) => {
            let (host, port) = address.nodes.first()?;
            (format!("{host}:{port}"), read_from(address).await)
        }
    };
    let (outcome, detail) = match answer {
        Ok(found) => (Outcome::Ok, found),
        Err(why) => (Outcome::Failed, why),
    };
    Some(Answer { asked: Asked::Store, name, outcome, detail })
}

/// Connects, and reads a record that nobody has. Both are bounded in themselves.
async fn read_from(address: &RedisAddress) -> Result<String, String> {
    let store = RedisStore::connect(address, Arc::new(SystemClock)).map_err(|error| error.to_string())?;
    store.read(Handle([0; 16])).await.map(|_| "connected and read".to_owned()).map_err(|error| error.to_string())
}

/// Looks at the folder, or at the one in which it would be made.
fn look_at(folder: &Path) -> Result<String, String> {
    for above in folder.ancestors() {
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        match above.metadata() {
            Ok(found) if !found.is_dir() => return Err(format!("{} is no folder", above.display())),
            Ok(_) if above == folder => return Ok("a folder".to_owned()),
            Ok(found) if found.permissions().readonly() => return Err(format!("nothing can be made in {}", above.display())),
            Ok(_) => return Ok(format!("to be made in {}", above.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{}: {error}", above.display())),
        }
    }
    Err("there is nothing that it could be made in".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_looked_at_and_not_made() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        std::fs::write(&file, "").expect("a file");
        for (folder, expected, detail) in [
            (directory.path().to_owned(), Outcome::Ok, "a folder"),
            (directory.path().join("a/b"), Outcome::Ok, "to be made in"),
            (file.clone(), Outcome::Failed, "is no folder"),
            (file.join("a"), Outcome::Failed, "file"),
        ] {
            let answer = ask_store(&StoreAddress::File(folder.clone())).await.expect("an answer");
            assert!(answer.outcome == expected && answer.detail.contains(detail), "{folder:?}: {answer}");
        }
        assert!(!directory.path().join("a").exists());
        assert!(ask_store(&StoreAddress::Cookie).await.is_none() && ask_store(&StoreAddress::Memory).await.is_none());
    }

    #[tokio::test]
    async fn a_redis_that_is_not_there_has_failed() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let address = StoreAddress::parse(&format!("redis://127.0.0.1:{port}")).expect("an address");
        let answer = ask_store(&address).await.expect("an answer");
        assert!(answer.outcome == Outcome::Failed && answer.to_string().contains(&format!("store     127.0.0.1:{port}: ")), "{answer}");
    }
}
