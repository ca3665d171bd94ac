//! Which of several Redis is the primary now: its sentinels know. All of them are asked at once, and the first answer that
//! holds good is taken: a sentinel that was cut off may still name the primary from before.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use redis::{ErrorKind, RedisConnectionInfo, RedisError, RedisResult, Value, cmd, from_redis_value};

use super::dial::{Dial, Link};

/// Where the primary of a name is to be asked for.
#[derive(Clone)]
pub(super) struct Sentinels {
    pub(super) nodes: Vec<(String, u16)>,
    pub(super) primary: String,
}

impl Sentinels {
    /// Connects to the primary. No time limit of its own.
    pub(super) async fn link(&self, dial: &Dial) -> RedisResult<Link> {
        let mut answers: FuturesUnordered<_> = self.nodes.iter().map(|(host, port)| self.ask(dial, host, *port)).collect();
        let (mut refused, mut why) = (Vec::new(), nobody_knows());
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(named) if refused.contains(&named) => {}
                Ok(named) => match primary(dial, &named.0, named.1).await {
                    Ok(link) => return Ok(link),
                    Err(error) => {
                        refused.push(named);
                        why = error;
                    }
                },
                // What a node that was named had to say is worth more.
                Err(error) if refused.is_empty() => why = error,
                Err(_) => {}
            }
        }
        Err(why)
    }

    /// What one sentinel says.
    async fn ask(&self, dial: &Dial, host: &str, port: u16) -> RedisResult<(String, u16)> {
        let nobody = RedisConnectionInfo::default().set_skip_set_lib_name();
        let sentinel = match dial.link(host, port, &nobody).await {
            // It wants a password: there is one for all.
            Err(error) if error.code() == Some("NOAUTH") => dial.link(host, port, &dial.credentials.clone().set_db(0)).await,
            other => other,
        };
        let mut question = cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(&self.primary);
        let named: Option<(String, u16)> = question.query_async(&mut sentinel?.connection).await?;
        named.ok_or_else(nobody_knows)
    }
}

/// Connects to a node if it takes itself for the primary, too.
async fn primary(dial: &Dial, host: &str, port: u16) -> RedisResult<Link> {
    let mut link = dial.link(host, port, &dial.credentials).await?;
    let role: Vec<Value> = cmd("ROLE").query_async(&mut link.connection).await?;
    let word: Option<String> = role.into_iter().next().map(from_redis_value).transpose()?;
    if word.as_deref() == Some("master") {
        Ok(link)
    } else {
        Err((ErrorKind::Client, "the node that a sentinel named is not the primary").into())
    }
}

fn nobody_knows() -> RedisError {
    (ErrorKind::Client, "no sentinel knows a primary of this name").into()
}
